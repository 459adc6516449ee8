package greenroom

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pb "github.com/greenroom-dev/greenroom/clients/go/greenroomv1"
)

// Watch yields the events that a request asks for, each once and in order.
//
// A lost connection is made again and the watch goes on behind the last event. An event's cursor is where to go on in
// another process: set it as After. The iteration ends when the context does, with UntilClosed, or with an error that
// waiting does not mend; ErrCursorBelowFloor means that events were missed for good.
func (c *Client) Watch(ctx context.Context, request *pb.WatchEventsRequest) iter.Seq2[*pb.Event, error] {
	return func(yield func(*pb.Event, error) bool) {
		request := proto.CloneOf(request)
		var drained bool
		var asked time.Duration
		open := func(ctx context.Context) (grpc.ServerStreamingClient[pb.WatchEventsResponse], error) {
			drained, asked = false, 0
			return c.Events.WatchEvents(ctx, request)
		}
		take := func(frame *pb.WatchEventsResponse) []*pb.Event {
			if cursor := frame.GetCursor(); cursor != "" {
				request.Position = &pb.WatchEventsRequest_After{After: cursor}
				request.InitialState = false // belongs to a beginning, and this is one no longer
			}
			if draining := frame.GetDraining(); draining != nil {
				drained, asked = true, draining.GetRetryDelay().AsDuration()
			}
			return frame.GetEvents()
		}
		over := func() (bool, time.Duration) { return request.GetUntilClosed() && !drained, asked }
		follow(ctx, c, open, take, over, yield)
	}
}

// follow yields the events of a stream and calls again where it breaks. `over` tells, at the end of a stream, whether
// that was the end of everything, and how long the server asks to wait otherwise.
func follow[Frame any](
	ctx context.Context,
	client *Client,
	open func(context.Context) (grpc.ServerStreamingClient[Frame], error),
	take func(*Frame) []*pb.Event,
	over func() (bool, time.Duration),
	yield func(*pb.Event, error) bool,
) {
	waits := waits{patience: client.patience}
	for {
		err := read(ctx, open, func(frame *Frame) bool {
			waits.succeeded()
			for _, event := range take(frame) {
				if !yield(event, nil) {
					return false
				}
			}
			return true
		})
		if errors.Is(err, errStopped) {
			return
		}
		done, asked := over()
		if err == nil && done {
			return
		}
		if client.isClosed() {
			yield(nil, typed(status.Error(codes.Canceled, "the client is closed")))
			return
		}
		if err := waits.wait(ctx, err, asked); err != nil {
			yield(nil, err)
			return
		}
	}
}

var errStopped = errors.New("the reader has had enough")

// read reads one stream to its end, which is nil, or to its failure; the call is over when read returns.
func read[Frame any](
	ctx context.Context,
	open func(context.Context) (grpc.ServerStreamingClient[Frame], error),
	take func(*Frame) bool,
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := open(ctx)
	if err != nil {
		return err
	}
	for {
		frame, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if !take(frame) {
			return errStopped
		}
	}
}
