package hostcall

import (
	"context"
	"errors"
	"fmt"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// ErrUnknownOp marks a host call whose operation ABI 1 does not have. Such a call ends the guest.
var ErrUnknownOp = errors.New("is not an operation of the host")

// Caller answers the host calls that one plugin makes in one call, one after the other.
type Caller interface {
	// Call returns the answer as CBOR. An error ends the guest: the context is done, or an answer
	// that should be on the tape is missing. Everything else is an answer.
	Call(ctx context.Context, r *Request) (answer []byte, err error)
}

type callerKey struct{}

// With returns a context in which c answers host calls.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// From returns what answers host calls in ctx. Where nothing was set, every call is denied.
func From(ctx context.Context) Caller {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c
	}
	return denyAll{}
}

// denyAll denies every call.
type denyAll struct{}

func (denyAll) Call(context.Context, *Request) ([]byte, error) {
	return refusal(abi.HostErrorDenied, "host calls can be made in a derivation only"), nil
}

// refusal is an answer to any operation that holds just an error.
func refusal(code abi.HostErrorCode, message string) []byte {
	return refused(&abi.HostError{Code: code, Message: message})
}

func refused(e *abi.HostError) []byte { return (&abi.HostAnswer{Error: e}).AppendCBOR(nil) }

// Serve answers one host call with the caller in ctx. Message and answer are in the given encoding.
// An operation that does not exist gives an error that wraps [ErrUnknownOp]; other errors are those
// of [Caller].
func Serve(ctx context.Context, op uint32, message []byte, encoding abi.Encoding) ([]byte, error) {
	if abi.HostOp(op).String() == "" {
		return nil, fmt.Errorf("%d %w", op, ErrUnknownOp)
	}
	answer, err := serve(ctx, abi.HostOp(op), message, encoding)
	if err != nil || encoding != abi.EncodingJSON {
		return answer, err
	}
	return cbor.ToJSON(nil, answer)
}

func serve(ctx context.Context, op abi.HostOp, message []byte, encoding abi.Encoding) ([]byte, error) {
	// What is no request is answered alike always, so that it counts for nothing and is not
	// recorded.
	request, wrong := ParseRequest(op, message, encoding)
	if wrong != nil {
		return refused(wrong), nil
	}
	return From(ctx).Call(ctx, request)
}
