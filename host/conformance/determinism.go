package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox"
)

// ErrNotDeterministic is matched by every [*DifferenceError].
var ErrNotDeterministic = errors.New("not deterministic")

// Plugin is what is checked, such as a [sandbox.Plugin]. It is safe for concurrent use.
type Plugin interface {
	// Manifest returns the plugin's manifest.
	Manifest() *abi.Manifest
	// Measure calls the plugin and tells what the call took, also when it failed.
	Measure(ctx context.Context, step string, op abi.Op, request []byte) ([]byte, sandbox.Usage, error)
}

// Request is one call to make.
type Request struct {
	// Name is what errors call the request.
	Name string
	Op   abi.Op
	// Data is the message, in the plugin's encoding.
	Data []byte
}

// Outcome is how one call ended.
type Outcome struct {
	Answer []byte
	Usage  sandbox.Usage
	// Err is nil after a good end.
	Err error
}

// CheckDeterminism makes every request three times and compares what comes back: the answer to the
// last byte, the fuel, the memory, and the error of a call that fails. First and second are the
// same module, loaded twice, so that nothing is shared between them; one that was loaded once may
// mean both. First gets the requests in their order, second in reverse, and then first gets all of
// them at once: each request is so called in different instances and after different other calls.
//
// The error joins a [*DifferenceError] for each request whose calls differ. Time is not part of
// that: a call that timed out is an error that wraps [sandbox.ErrTimeout] instead. When ctx ends,
// the error is that of ctx.
func CheckDeterminism(ctx context.Context, first, second Plugin, requests ...Request) error {
	want := make([]Outcome, len(requests))
	for i := range requests {
		want[i] = call(ctx, first, &requests[i])
	}
	reverse := make([]Outcome, len(requests))
	for i := range slices.Backward(requests) {
		reverse[i] = call(ctx, second, &requests[i])
	}
	together := callTogether(ctx, first, requests)
	if err := ctx.Err(); err != nil {
		return err
	}
	var errs []error
	for i := range requests {
		for _, again := range []struct {
			how     string
			outcome *Outcome
		}{{"after other calls", &reverse[i]}, {"during other calls", &together[i]}} {
			if err := timeout(&want[i], again.outcome); err != nil {
				errs = append(errs, fmt.Errorf("request %s: cannot be compared: %w", requests[i].Name, err))
				break
			}
			if !same(&want[i], again.outcome) {
				errs = append(errs, newDifference(first.Manifest().Encoding, requests[i].Name, again.how, &want[i], again.outcome))
				break
			}
		}
	}
	return errors.Join(errs...)
}

func call(ctx context.Context, p Plugin, r *Request) Outcome {
	answer, usage, err := p.Measure(ctx, "conformance", r.Op, r.Data)
	return Outcome{answer, usage, err}
}

// callTogether makes more calls at once than there are processors, so that instances do not follow
// one another in any order.
func callTogether(ctx context.Context, p Plugin, requests []Request) []Outcome {
	outcomes := make([]Outcome, len(requests))
	slots := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i := range requests {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			outcomes[i] = call(ctx, p, &requests[i])
		})
	}
	all.Wait()
	return outcomes
}

// timeout returns the error of a call that ended because of the clock.
func timeout(outcomes ...*Outcome) error {
	for _, o := range outcomes {
		if errors.Is(o.Err, sandbox.ErrTimeout) {
			return o.Err
		}
	}
	return nil
}

func same(a, b *Outcome) bool {
	return a.Usage == b.Usage && bytes.Equal(a.Answer, b.Answer) && errorText(a.Err) == errorText(b.Err)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// DifferenceError says how two calls with the same request differ. It matches
// [ErrNotDeterministic].
type DifferenceError struct {
	// Request is the name of the request.
	Request string
	// How says under which circumstances the second call was made.
	How string
	// Offset is the first byte that differs between the answers, or -1 when they are equal. Path is
	// the field there, as outputs.0.document; empty when the answers cannot be read.
	Offset int
	Path   string
	// First and Second are what came back.
	First, Second Outcome
}

func newDifference(encoding abi.Encoding, request, how string, first, second *Outcome) *DifferenceError {
	d := &DifferenceError{Request: request, How: how, Offset: firstDifference(first.Answer, second.Answer), First: *first, Second: *second}
	if d.Offset >= 0 {
		d.Path = differingPath(encoding, first.Answer, second.Answer)
	}
	return d
}

// firstDifference returns the first byte that differs, -1 if none exists.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return -1
	}
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// Error names the request, what differs first, and what both calls took.
func (d *DifferenceError) Error() string {
	return fmt.Sprintf("request %s: %s: called again %s, %s; the first call took %d units of fuel and %d bytes of memory, the second %d and %d",
		d.Request, ErrNotDeterministic, d.How, d.what(),
		d.First.Usage.Fuel, d.First.Usage.MemoryBytes, d.Second.Usage.Fuel, d.Second.Usage.MemoryBytes)
}

func (d *DifferenceError) what() string {
	switch {
	case errorText(d.First.Err) != errorText(d.Second.Err):
		return "it ended with " + ending(d.Second.Err) + " in place of " + ending(d.First.Err)
	case d.Offset >= 0 && d.Path != "":
		return fmt.Sprintf("the answer differs at byte %d, in %s", d.Offset, d.Path)
	case d.Offset >= 0:
		return fmt.Sprintf("the answer differs at byte %d", d.Offset)
	}
	return "the answer is the same, but not what the call took"
}

func ending(err error) string {
	if err == nil {
		return "an answer"
	}
	return fmt.Sprintf("%q", err.Error())
}

// Is reports whether target is [ErrNotDeterministic].
func (d *DifferenceError) Is(target error) bool { return target == ErrNotDeterministic }
