package greenroom

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const domain = "greenroom.v1"

// For errors.Is: the two refusals that a program has to decide about.
var (
	// ErrEtagMismatch: the resource has changed since its etag was read. Metadata["etag"] is the one it has now.
	ErrEtagMismatch = errors.New("greenroom: etag mismatch")
	// ErrCursorBelowFloor: events behind the cursor are no longer kept. Read the state, then watch anew.
	ErrCursorBelowFloor = errors.New("greenroom: cursor below floor")
)

var sentinels = map[string]error{"ETAG_MISMATCH": ErrEtagMismatch, "CURSOR_BELOW_FLOOR": ErrCursorBelowFloor}

// FieldViolation is one field of a request that breaks its rules.
type FieldViolation struct {
	Field       string // path as in the proto, such as config.temperature
	Description string
}

// Error is a failed call: its status, and the google.rpc details of it. It is what errors.As finds.
type Error struct {
	Code    codes.Code
	Message string
	// Reason is a name of error_reason.proto without its prefix, such as ETAG_MISMATCH. It is empty when the failure did
	// not come from a Greenroom server, as that of a connection.
	Reason string
	// Metadata is what the reason tells.
	Metadata map[string]string
	// Violations has every field at fault.
	Violations []FieldViolation
	// RetryDelay is how long the server asks to wait; 0 if it does not.
	RetryDelay time.Duration

	status *status.Status
}

func (e *Error) Error() string {
	name := e.Reason
	if name == "" {
		name = e.Code.String()
	}
	return fmt.Sprintf("greenroom: %s: %s", name, e.Message)
}

// GRPCStatus returns the status as grpc knows it.
func (e *Error) GRPCStatus() *status.Status { return e.status }

// Is tells whether the error is one of this package's sentinels.
func (e *Error) Is(target error) bool {
	sentinel := sentinels[e.Reason]
	return sentinel != nil && target == sentinel
}

// OldestRevision returns, of ErrCursorBelowFloor, the revision of the oldest event that is kept; 0 of any other.
func (e *Error) OldestRevision() int64 {
	revision, _ := strconv.ParseInt(e.Metadata["oldest_revision"], 10, 64)
	return revision
}

// typed returns what a stub returned as an *Error; nil and io.EOF, which are no failures, as they are.
func typed(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return fromStatus(status.Convert(err))
}

// ErrorIn returns the error of a turn or a session as an *Error; nil if there is none. Its RetryDelay counts from the end
// of the turn.
func ErrorIn(failure *spb.Status) *Error {
	if failure == nil {
		return nil
	}
	return fromStatus(status.FromProto(failure))
}

func fromStatus(told *status.Status) *Error {
	e := &Error{Code: told.Code(), Message: told.Message(), status: told}
	for _, detail := range told.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() == domain {
				e.Reason, e.Metadata = d.GetReason(), d.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, violation := range d.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{violation.GetField(), violation.GetDescription()})
			}
		case *errdetails.RetryInfo:
			e.RetryDelay = d.GetRetryDelay().AsDuration()
		}
	}
	return e
}
