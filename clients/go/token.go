package greenroom

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
)

type bearer struct {
	token func() (string, error)
	tls   bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	token, err := b.token()
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (b bearer) RequireTransportSecurity() bool { return b.tls }

// tokenFile gives the token that is in a file now.
type tokenFile struct {
	path  string
	mutex sync.Mutex
	last  string
}

func (f *tokenFile) read() (string, error) {
	content, err := os.ReadFile(f.path)
	token := strings.TrimSpace(string(content))
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if token != "" {
		f.last = token
	}
	switch {
	case f.last != "":
		return f.last, nil
	case err != nil:
		return "", err
	default:
		return "", fmt.Errorf("%s holds no token", f.path)
	}
}

// staysHere reports whether a connection to the target does not leave this machine.
func staysHere(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	for _, scheme := range []string{"dns:///", "dns:", "passthrough:///"} {
		target = strings.TrimPrefix(target, scheme)
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = strings.Trim(target, "[]") // without a port
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
