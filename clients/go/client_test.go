package greenroom_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/greenroom-dev/greenroom/clients/go"
	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

// peer is a server that does as a test says; it records the requests.
type peer struct {
	pb.UnimplementedSessionServiceServer
	pb.UnimplementedEventServiceServer
	pb.UnimplementedTurnServiceServer

	options []grpc.ServerOption
	mu      sync.Mutex
	watches []*pb.WatchEventsRequest
	turns   []*pb.RunTurnRequest
	creates []*pb.CreateSessionRequest
	tokens  []string

	create func(attempt int) error
	watch  func(attempt int, send func(*pb.WatchEventsResponse) error) error
	turn   func(attempt int, send func(*pb.RunTurnResponse) error) error
}

func record[T any](p *peer, all *[]T, request T) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	*all = append(*all, request)
	return len(*all)
}

func (p *peer) CreateSession(ctx context.Context, request *pb.CreateSessionRequest) (*pb.CreateSessionResponse, error) {
	given, _ := metadata.FromIncomingContext(ctx)
	attempt := record(p, &p.creates, request)
	record(p, &p.tokens, append(given.Get("authorization"), "")[0])
	return &pb.CreateSessionResponse{}, p.create(attempt)
}

func (p *peer) WatchEvents(request *pb.WatchEventsRequest, stream grpc.ServerStreamingServer[pb.WatchEventsResponse]) error {
	return p.watch(record(p, &p.watches, request), stream.Send)
}

func (p *peer) RunTurn(request *pb.RunTurnRequest, stream grpc.ServerStreamingServer[pb.RunTurnResponse]) error {
	return p.turn(record(p, &p.turns, request), stream.Send)
}

func connected(t *testing.T, p *peer, with ...greenroom.Option) *greenroom.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(p.options...)
	pb.RegisterSessionServiceServer(server, p)
	pb.RegisterEventServiceServer(server, p)
	pb.RegisterTurnServiceServer(server, p)
	go server.Serve(listener) //nolint:errcheck // ends with Stop
	t.Cleanup(server.Stop)
	client, err := greenroom.New(listener.Addr().String(), with...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func refusal(code codes.Code, details ...protoadapt.MessageV1) error {
	told, err := status.New(code, "no").WithDetails(details...)
	if err != nil {
		panic(err)
	}
	return told.Err()
}

var unavailable = status.Error(codes.Unavailable, "gone")

func numbered(sequences ...int64) []*pb.Event {
	var events []*pb.Event
	for _, sequence := range sequences {
		events = append(events, &pb.Event{Sequence: sequence})
	}
	return events
}

func TestWatchGoesOnBehindTheLastFrame(t *testing.T) {
	p := &peer{watch: func(attempt int, send func(*pb.WatchEventsResponse) error) error {
		switch attempt {
		case 1:
			_ = send(&pb.WatchEventsResponse{Events: numbered(1, 2), Cursor: "two"})
			return unavailable
		case 2:
			return send(&pb.WatchEventsResponse{
				Cursor:  "bookmark",
				Control: &pb.WatchEventsResponse_Draining{Draining: &pb.WatchDraining{RetryDelay: durationpb.New(0)}},
			})
		default:
			return send(&pb.WatchEventsResponse{Events: numbered(3), Cursor: "three"})
		}
	}}
	var seen []int64
	request := &pb.WatchEventsRequest{SessionIds: []string{"a"}, UntilClosed: true}
	for event, err := range connected(t, p).Watch(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, event.GetSequence())
	}
	if !slices.Equal(seen, []int64{1, 2, 3}) {
		t.Errorf("saw %v", seen)
	}
	var positions []string
	for _, asked := range p.watches {
		positions = append(positions, asked.GetAfter())
	}
	if !slices.Equal(positions, []string{"", "two", "bookmark"}) {
		t.Errorf("asked behind %v", positions)
	}
	if request.GetAfter() != "" {
		t.Error("the caller's request was changed")
	}
}

func TestWatchGoesOnWhateverALossIsCalled(t *testing.T) {
	names := []codes.Code{codes.Internal, codes.Unknown, codes.Canceled}
	p := &peer{watch: func(attempt int, send func(*pb.WatchEventsResponse) error) error {
		if attempt <= len(names) {
			_ = send(&pb.WatchEventsResponse{Events: numbered(int64(attempt)), Cursor: "behind"})
			return status.Error(names[attempt-1], "lost by a proxy")
		}
		return nil
	}}
	var seen []int64
	for event, err := range connected(t, p).Watch(t.Context(), &pb.WatchEventsRequest{UntilClosed: true}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, event.GetSequence())
	}
	if !slices.Equal(seen, []int64{1, 2, 3}) {
		t.Errorf("saw %v", seen)
	}
}

func TestABugOfTheServerEndsAWatch(t *testing.T) {
	p := &peer{watch: func(int, func(*pb.WatchEventsResponse) error) error {
		return refusal(codes.Internal, &errdetails.ErrorInfo{Domain: "greenroom.v1", Reason: "INTERNAL"})
	}}
	for _, err := range connected(t, p).Watch(t.Context(), &pb.WatchEventsRequest{}) {
		if status.Code(err) != codes.Internal {
			t.Errorf("got %v", err)
		}
	}
	if len(p.watches) != 1 {
		t.Errorf("asked %d times", len(p.watches))
	}
}

func TestCloseEndsAWatch(t *testing.T) {
	p := &peer{watch: func(attempt int, send func(*pb.WatchEventsResponse) error) error {
		_ = send(&pb.WatchEventsResponse{Events: numbered(1), Cursor: "one"})
		return unavailable
	}}
	client := connected(t, p)
	var last error
	for _, last = range client.Watch(t.Context(), &pb.WatchEventsRequest{}) {
		_ = client.Close()
	}
	if status.Code(last) != codes.Canceled {
		t.Errorf("got %v", last)
	}
}

func TestWatchEndsWithWhatWaitingDoesNotMend(t *testing.T) {
	p := &peer{watch: func(int, func(*pb.WatchEventsResponse) error) error {
		return refusal(codes.OutOfRange, &errdetails.ErrorInfo{
			Domain: "greenroom.v1", Reason: "CURSOR_BELOW_FLOOR", Metadata: map[string]string{"oldest_revision": "7"},
		})
	}}
	for _, err := range connected(t, p).Watch(t.Context(), &pb.WatchEventsRequest{}) {
		var failure *greenroom.Error
		if !errors.Is(err, greenroom.ErrCursorBelowFloor) || !errors.As(err, &failure) || failure.OldestRevision() != 7 {
			t.Fatalf("got %v", err)
		}
	}
	if len(p.watches) != 1 {
		t.Errorf("asked %d times", len(p.watches))
	}
}

func TestAWatchThatWasOnWaitsForItsPlaceAndANewOneDoesNot(t *testing.T) {
	full := refusal(
		codes.ResourceExhausted,
		&errdetails.ErrorInfo{Domain: "greenroom.v1", Reason: "WATCHER_CAP"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Millisecond)},
	)
	p := &peer{watch: func(attempt int, send func(*pb.WatchEventsResponse) error) error {
		switch attempt {
		case 1:
			_ = send(&pb.WatchEventsResponse{Events: numbered(1), Cursor: "one"})
			return unavailable
		case 3:
			return send(&pb.WatchEventsResponse{Events: numbered(2), Cursor: "two"})
		default:
			return full
		}
	}}
	client := connected(t, p)
	var seen []int64
	for event, err := range client.Watch(t.Context(), &pb.WatchEventsRequest{SessionIds: []string{"a"}, UntilClosed: true}) {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, event.GetSequence())
	}
	if !slices.Equal(seen, []int64{1, 2}) {
		t.Errorf("saw %v", seen)
	}
	for _, err := range client.Watch(t.Context(), &pb.WatchEventsRequest{}) {
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("got %v", err)
		}
	}
	if len(p.watches) != 4 {
		t.Errorf("asked %d times", len(p.watches))
	}
}

func TestWatchGivesUpWhenPatienceIsOver(t *testing.T) {
	p := &peer{watch: func(int, func(*pb.WatchEventsResponse) error) error { return unavailable }}
	client := connected(t, p, greenroom.WithPatience(150*time.Millisecond))
	var last error
	for _, last = range client.Watch(t.Context(), &pb.WatchEventsRequest{}) {
	}
	if status.Code(last) != codes.Unavailable || len(p.watches) < 2 {
		t.Errorf("got %v after %d attempts", last, len(p.watches))
	}
}

func TestALostTurnIsAskedForAgainAndNotStartedAgain(t *testing.T) {
	p := &peer{turn: func(attempt int, send func(*pb.RunTurnResponse) error) error {
		if attempt == 1 {
			_ = send(&pb.RunTurnResponse{Events: numbered(4, 9)})
			return unavailable
		}
		return send(&pb.RunTurnResponse{Events: numbered(4, 9, 10), Turn: &pb.Turn{ResultText: "done"}})
	}}
	running := connected(t, p).RunTurn(t.Context(), &pb.RunTurnRequest{SessionId: "a", Prompt: "b"})
	var seen []int64
	for event, err := range running.Events() {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, event.GetSequence())
	}
	if !slices.Equal(seen, []int64{4, 9, 10}) || running.Turn().GetResultText() != "done" {
		t.Errorf("saw %v, %v", seen, running.Turn())
	}
	if turn, err := running.Result(); err != nil || turn.GetResultText() != "done" || len(p.turns) != 2 {
		t.Errorf("got %v, %v after %d calls", turn, err, len(p.turns))
	}
	if first := p.turns[0].GetRequestId(); first == "" || first != p.turns[1].GetRequestId() {
		t.Errorf("request ids %q, %q", first, p.turns[1].GetRequestId())
	}
}

func TestAChangeIsRepeatedUnderOneRequestID(t *testing.T) {
	p := &peer{create: func(attempt int) error {
		if attempt == 1 {
			return unavailable
		}
		return nil
	}}
	client := connected(t, p, greenroom.WithToken("secret"))
	if _, err := client.Sessions.CreateSession(t.Context(), &pb.CreateSessionRequest{}); err != nil {
		t.Fatal(err)
	}
	if first := p.creates[0].GetRequestId(); len(first) != 36 || first != p.creates[1].GetRequestId() {
		t.Errorf("request ids %q, %q", first, p.creates[1].GetRequestId())
	}
	if p.tokens[0] != "Bearer secret" {
		t.Errorf("token %q", p.tokens[0])
	}
}

func TestRefusalsTellEverything(t *testing.T) {
	p := &peer{create: func(int) error {
		return refusal(
			codes.InvalidArgument,
			&errdetails.ErrorInfo{Domain: "greenroom.v1", Reason: "INVALID_FIELD"},
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{{Field: "a.b", Description: "c"}}},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(2 * time.Second)},
		)
	}}
	_, err := connected(t, p).Sessions.CreateSession(t.Context(), &pb.CreateSessionRequest{})
	var failure *greenroom.Error
	if !errors.As(err, &failure) {
		t.Fatalf("got %v", err)
	}
	if failure.Reason != "INVALID_FIELD" || failure.RetryDelay != 2*time.Second || status.Code(err) != codes.InvalidArgument ||
		!slices.Equal(failure.Violations, []greenroom.FieldViolation{{Field: "a.b", Description: "c"}}) {
		t.Errorf("got %+v", failure)
	}
}

func TestTLSTrustsWhatItIsGivenAndNothingElse(t *testing.T) {
	lender := httptest.NewTLSServer(nil) // of its certificate for 127.0.0.1
	defer lender.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(lender.Certificate())
	certificate := credentials.NewServerTLSFromCert(&lender.TLS.Certificates[0])
	p := &peer{create: func(int) error { return nil }, options: []grpc.ServerOption{grpc.Creds(certificate)}}

	client := connected(t, p, greenroom.WithTLS(&tls.Config{RootCAs: trusted}), greenroom.WithToken("secret"))
	if _, err := client.Sessions.CreateSession(t.Context(), &pb.CreateSessionRequest{}); err != nil {
		t.Fatal(err)
	}
	if p.tokens[0] != "Bearer secret" {
		t.Errorf("token %q", p.tokens[0])
	}

	stranger := connected(t, p, greenroom.WithTLS(&tls.Config{RootCAs: x509.NewCertPool()}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := stranger.Sessions.CreateSession(ctx, &pb.CreateSessionRequest{}); status.Code(err) != codes.Unavailable &&
		status.Code(err) != codes.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	if len(p.creates) != 1 {
		t.Errorf("%d calls came through", len(p.creates))
	}
}

func TestTokenInAFileIsReadWithEachCall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	p := &peer{create: func(int) error { return nil }}
	client := connected(t, p, greenroom.WithTokenFile(file))
	if _, err := client.Sessions.CreateSession(t.Context(), &pb.CreateSessionRequest{}); err == nil {
		t.Error("called without a token")
	}
	for _, content := range []string{"one\n", "two", ""} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := client.Sessions.CreateSession(t.Context(), &pb.CreateSessionRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(p.tokens, []string{"Bearer one", "Bearer two", "Bearer two"}) {
		t.Errorf("tokens %q", p.tokens)
	}
}

func TestTokenDoesNotLeaveThisMachineInTheClear(t *testing.T) {
	away := []string{"greenroom.example:443", "10.0.0.1:1", "localhost.example:1", "dns://10.0.0.1/localhost:1", "[2001:db8::1]:1"}
	for _, target := range away {
		if _, err := greenroom.New(target, greenroom.WithToken("secret")); err == nil {
			t.Errorf("%s is no other machine", target)
		}
		if _, err := greenroom.New(target, greenroom.WithToken("secret"), greenroom.WithTLS(&tls.Config{})); err != nil {
			t.Error(err)
		}
	}
	for _, target := range []string{"127.0.0.1:1", "[::1]:1", "localhost:1", "localhost", "unix:/run/socket", "dns:///localhost:1"} {
		if _, err := greenroom.New(target, greenroom.WithToken("secret")); err != nil {
			t.Error(err)
		}
	}
}
