package greenroom

import (
	"context"
	"iter"
	"time"

	"google.golang.org/grpc"

	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

// RunningTurn is a turn and its events as they come; Events is to be iterated once.
type RunningTurn struct {
	client   *Client
	ctx      context.Context //nolint:containedctx // one call, spread over an iteration
	request  *pb.RunTurnRequest
	sequence int64
	turn     *pb.Turn
}

// RunTurn gives a session a prompt. Nothing happens before Events is iterated, or Result is called.
//
// A lost connection is made again, and never starts a second turn: the request id is the same with each attempt.
func (c *Client) RunTurn(ctx context.Context, request *pb.RunTurnRequest) *RunningTurn {
	return &RunningTurn{client: c, ctx: ctx, request: repeatable(request)}
}

// Events yields the events of the turn, each once, until it ends.
func (r *RunningTurn) Events() iter.Seq2[*pb.Event, error] {
	return func(yield func(*pb.Event, error) bool) {
		open := func(ctx context.Context) (grpc.ServerStreamingClient[pb.RunTurnResponse], error) {
			return r.client.Turns.RunTurn(ctx, r.request)
		}
		over := func() (bool, time.Duration) { return r.turn != nil, 0 }
		follow(r.ctx, r.client, open, r.take, over, yield)
	}
}

// Turn returns the turn as it ended; nil until the iteration is over.
func (r *RunningTurn) Turn() *pb.Turn { return r.turn }

// Result reads what is left of the events and returns the turn as it ended.
func (r *RunningTurn) Result() (*pb.Turn, error) {
	if r.turn != nil {
		return r.turn, nil
	}
	for _, err := range r.Events() {
		if err != nil {
			return nil, err
		}
	}
	return r.turn, nil
}

// take returns the events of a frame that were not seen before: a repeated call tells the turn from its beginning.
func (r *RunningTurn) take(frame *pb.RunTurnResponse) []*pb.Event {
	if turn := frame.GetTurn(); turn != nil {
		r.turn = turn
	}
	var fresh []*pb.Event
	for _, event := range frame.GetEvents() {
		if event.GetSequence() == 0 || event.GetSequence() > r.sequence {
			fresh = append(fresh, event)
			r.sequence = max(r.sequence, event.GetSequence())
		}
	}
	return fresh
}
