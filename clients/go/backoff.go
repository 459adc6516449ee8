package greenroom

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
)

const (
	firstWait   = 100 * time.Millisecond
	longestWait = 5 * time.Second
)

// waits are those between attempts: they double, and jitter keeps clients that were cut off together from returning so.
type waits struct {
	patience time.Duration
	next     time.Duration
	failing  time.Time // since when; zero while it works
	begun    bool
}

func (w *waits) succeeded() { w.next, w.failing, w.begun = 0, time.Time{}, true }

// mends reports whether the next attempt may succeed after a failure.
func (w *waits) mends(failure *Error) bool {
	if failure.Reason == "" {
		return isLoss(failure.Code)
	}
	// A stream that was on is refused as one too many while the server still counts its lost connection.
	countedTwice := w.begun && failure.Reason == "WATCHER_CAP" && failure.RetryDelay > 0
	return failure.Code == codes.Unavailable || countedTwice
}

// isLoss reports whether a failure without a reason of the server is a lost connection. What it is called depends on the
// proxy that lost it.
func isLoss(code codes.Code) bool {
	switch code {
	case codes.Unavailable, codes.Internal, codes.Unknown, codes.Canceled:
		return true
	default:
		return false
	}
}

// wait returns nil when it is time for the next attempt; err if that is one which waiting does not mend, or once nothing
// has succeeded for as long as the patience lasts. A nil err is an end of the stream that is none of what it tells.
func (w *waits) wait(ctx context.Context, err error, atLeast time.Duration) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var failure *Error
	if err != nil && (!errors.As(err, &failure) || !w.mends(failure)) {
		return err
	}
	if w.failing.IsZero() {
		w.failing, w.next = time.Now(), firstWait
	}
	if err != nil && time.Since(w.failing) >= w.patience {
		return err
	}
	if failure != nil {
		atLeast = max(atLeast, failure.RetryDelay)
	}
	timer := time.NewTimer(atLeast + w.next/2 + rand.N(w.next/2))
	defer timer.Stop()
	w.next = min(2*w.next, longestWait)
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
