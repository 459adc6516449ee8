package greenroom

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// repeatable returns the request, copied and with a request id of its own if it has that field and nothing in it.
func repeatable[T any](request T) T {
	message, ok := any(request).(proto.Message)
	if !ok {
		return request
	}
	field := message.ProtoReflect().Descriptor().Fields().ByName("request_id")
	if field == nil || message.ProtoReflect().Has(field) {
		return request
	}
	copied := proto.Clone(message)
	copied.ProtoReflect().Set(field, protoreflect.ValueOfString(uuid.NewString()))
	return copied.(T)
}

func unary(
	ctx context.Context, method string, request, answer any, connection *grpc.ClientConn,
	invoke grpc.UnaryInvoker, with ...grpc.CallOption,
) error {
	return typed(invoke(ctx, method, repeatable(request), answer, connection, with...))
}

func stream(
	ctx context.Context, description *grpc.StreamDesc, connection *grpc.ClientConn, method string,
	open grpc.Streamer, with ...grpc.CallOption,
) (grpc.ClientStream, error) {
	opened, err := open(ctx, description, connection, method, with...)
	if err != nil {
		return nil, typed(err)
	}
	return typedStream{opened}, nil
}

type typedStream struct{ grpc.ClientStream }

func (s typedStream) SendMsg(request any) error {
	return typed(s.ClientStream.SendMsg(repeatable(request)))
}
func (s typedStream) RecvMsg(answer any) error { return typed(s.ClientStream.RecvMsg(answer)) }
