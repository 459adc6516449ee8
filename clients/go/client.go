package greenroom

import (
	"crypto/tls"
	_ "embed"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

// serviceConfig is the published one: deadlines, and which calls are repeated when.
//
//go:embed service_config.json
var serviceConfig string

const (
	largestMessage  = 16 << 20 // bytes; above every cap of the contract
	defaultPatience = time.Minute
)

// Client is one connection to a Greenroom server; it is safe for use by several goroutines.
//
// The calls of its services return an *Error, carry a request id where they change something, and are repeated, as the
// service config says, while the server cannot be reached.
type Client struct {
	Sessions pb.SessionServiceClient
	Turns    pb.TurnServiceClient
	Events   pb.EventServiceClient
	Profiles pb.ProfileServiceClient
	Nodes    pb.NodeServiceClient

	connection *grpc.ClientConn
	patience   time.Duration
}

// Option changes how a Client reaches its server.
type Option func(*options)

type options struct {
	tls      *tls.Config
	token    func() (string, error)
	patience time.Duration
	dial     []grpc.DialOption
}

// WithTLS encrypts the connection; the zero config trusts the system's authorities.
func WithTLS(config *tls.Config) Option {
	return func(o *options) { o.tls = config }
}

// WithToken sends a bearer token with every call. New refuses to send it unencrypted to another machine.
func WithToken(token string) Option {
	return WithTokenSource(func() (string, error) { return token, nil })
}

// WithTokenFile sends what is in a file as the bearer token. The file is read with every call, so a new token is used from
// the next one on. Where it cannot be read or is empty for a moment, the token before is used.
func WithTokenFile(path string) Option {
	return WithTokenSource((&tokenFile{path: path}).read)
}

// WithTokenSource asks for the bearer token with every call; an error fails the call.
func WithTokenSource(source func() (string, error)) Option {
	return func(o *options) { o.token = source }
}

// WithPatience says how long Watch and RunTurn try to reach a server again before they fail; a minute by default.
func WithPatience(patience time.Duration) Option {
	return func(o *options) { o.patience = patience }
}

// WithDialOptions adds options of grpc itself.
func WithDialOptions(dial ...grpc.DialOption) Option {
	return func(o *options) { o.dial = append(o.dial, dial...) }
}

// New returns a client of the server at target, such as "127.0.0.1:50051". It connects with the first call.
func New(target string, with ...Option) (*Client, error) {
	chosen := options{patience: defaultPatience}
	for _, option := range with {
		option(&chosen)
	}
	if chosen.token != nil && chosen.tls == nil && !staysHere(target) {
		return nil, fmt.Errorf("the token for %s could be read on its way: use WithTLS", target)
	}
	transport := insecure.NewCredentials()
	if chosen.tls != nil {
		transport = credentials.NewTLS(chosen.tls)
	}
	dial := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithUserAgent("greenroom-go/" + Version),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestMessage)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 10 * time.Second}),
		// The wait between attempts is ours; the connection's own must not outlast it.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 200 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithChainUnaryInterceptor(unary),
		grpc.WithChainStreamInterceptor(stream),
	}
	if chosen.token != nil {
		dial = append(dial, grpc.WithPerRPCCredentials(bearer{chosen.token, chosen.tls != nil}))
	}
	connection, err := grpc.NewClient(target, append(dial, chosen.dial...)...)
	if err != nil {
		return nil, err
	}
	return &Client{
		Sessions:   pb.NewSessionServiceClient(connection),
		Turns:      pb.NewTurnServiceClient(connection),
		Events:     pb.NewEventServiceClient(connection),
		Profiles:   pb.NewProfileServiceClient(connection),
		Nodes:      pb.NewNodeServiceClient(connection),
		connection: connection,
		patience:   chosen.patience,
	}, nil
}

// Close closes the connection; calls that are under way are cancelled.
func (c *Client) Close() error { return c.connection.Close() }

func (c *Client) isClosed() bool { return c.connection.GetState() == connectivity.Shutdown }
