package greenroom_test

import (
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/greenroom-dev/greenroom/clients/go"
)

func TestTheErrorOfATurnIsReadLikeThatOfACall(t *testing.T) {
	info := &errdetails.ErrorInfo{
		Reason: "API_LIMIT_REACHED", Domain: "greenroom.v1", Metadata: map[string]string{"limit_kind": "FIVE_HOUR"},
	}
	retry := &errdetails.RetryInfo{RetryDelay: durationpb.New(time.Minute)}
	told, err := status.New(codes.ResourceExhausted, "used up").WithDetails(info, retry)
	if err != nil {
		t.Fatal(err)
	}
	failure := greenroom.ErrorIn(told.Proto())
	if failure.Code != codes.ResourceExhausted || failure.Reason != "API_LIMIT_REACHED" || failure.Message != "used up" {
		t.Errorf("got %v", failure)
	}
	if failure.Metadata["limit_kind"] != "FIVE_HOUR" || failure.RetryDelay != time.Minute {
		t.Errorf("got %v, %v", failure.Metadata, failure.RetryDelay)
	}
	if greenroom.ErrorIn(nil) != nil {
		t.Error("no error is one")
	}
}
