package conformance

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/sandbox"
)

// fake answers the n-th call, from 1 on, as it is told to.
type fake struct {
	encoding abi.Encoding
	says     func(n int, request string) Outcome

	mu    sync.Mutex
	calls int
}

func (f *fake) Manifest() *abi.Manifest { return &abi.Manifest{Encoding: f.encoding} }

func (f *fake) Measure(_ context.Context, _ string, _ abi.Op, request []byte) ([]byte, sandbox.Usage, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	o := f.says(f.calls, string(request))
	return o.Answer, o.Usage, o.Err
}

func answered(text string) Outcome {
	return Outcome{Answer: []byte(text), Usage: sandbox.Usage{Fuel: 100, MemoryBytes: 65536}}
}

func requests(names ...string) []Request {
	var all []Request
	for _, n := range names {
		all = append(all, Request{Name: n, Op: abi.OpDerive, Data: []byte(n)})
	}
	return all
}

func TestCheckDeterminism(t *testing.T) {
	t.Parallel()
	const took = "; the first call took 100 units of fuel and 65536 bytes of memory, the second 100 and 65536"
	pure := func(_ int, request string) Outcome { return answered(`{"a":"` + request + `"}`) }
	// From the fourth call on, which is the first of those next to each other.
	later := func(then func(request string) Outcome) func(int, string) Outcome {
		return func(n int, request string) Outcome {
			if n <= 3 || request != "b" {
				return pure(n, request)
			}
			return then(request)
		}
	}
	failing := func(text string) Outcome { o := answered(""); o.Answer, o.Err = nil, errors.New(text); return o }
	tests := map[string]struct {
		reason        string
		encoding      abi.Encoding
		first, second func(n int, request string) Outcome
		want          []string
	}{
		"Pure":         {reason: "Nothing differs.", first: pure, second: pure},
		"PureFailures": {reason: "Failing alike is deterministic.", first: func(int, string) Outcome { return failing("x") }, second: func(int, string) Outcome { return failing("x") }},
		"Instance": {
			reason: "Another instance says something else.",
			first:  pure, second: func(int, string) Outcome { return answered(`{"a":"?"}`) },
			want: []string{
				"request a: not deterministic: called again after other calls, the answer differs at byte 6, in a" + took,
				"request b: not deterministic: called again after other calls, the answer differs at byte 6, in a" + took,
				"request c: not deterministic: called again after other calls, the answer differs at byte 6, in a" + took,
			},
		},
		"Order": {
			reason: "What was called before shows: the second call of each is that of b.",
			first:  pure, second: func(n int, request string) Outcome {
				return answered(strings.Repeat(" ", n-1) + `{"a":"` + request + `"}`)
			},
			want: []string{
				"request a: not deterministic: called again after other calls, the answer differs at byte 0" + took,
				"request b: not deterministic: called again after other calls, the answer differs at byte 0" + took,
			},
		},
		"Together": {
			reason: "A concurrent call changes the answer.", first: later(func(string) Outcome { return answered(`{"a":"b","b":[]}`) }), second: pure,
			want: []string{"request b: not deterministic: called again during other calls, the answer differs at byte 8, in b" + took},
		},
		"Fuel": {
			reason: "The answer is the same, the fuel is not.",
			first: later(func(request string) Outcome {
				o := pure(0, request)
				o.Usage.Fuel = 101
				return o
			}), second: pure,
			want: []string{"request b: not deterministic: called again during other calls, the answer is the same, but not what the call took; " +
				"the first call took 100 units of fuel and 65536 bytes of memory, the second 101 and 65536"},
		},
		"Failure": {
			reason: "One call fails.", first: later(func(string) Outcome { return failing("out of luck") }), second: pure,
			want: []string{`request b: not deterministic: called again during other calls, it ended with "out of luck" in place of an answer` + took},
		},
		"Unreadable": {
			reason: "Answers that are not messages have no path.", encoding: abi.EncodingCBOR,
			first: later(func(string) Outcome { return answered("\xff") }), second: pure,
			want: []string{"request b: not deterministic: called again during other calls, the answer differs at byte 0" + took},
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.encoding == "" {
				tc.encoding = abi.EncodingJSON
			}
			first, second := &fake{encoding: tc.encoding, says: tc.first}, &fake{encoding: tc.encoding, says: tc.second}
			err := CheckDeterminism(t.Context(), first, second, requests("a", "b", "c")...)
			var got []string
			if err != nil {
				got = strings.Split(err.Error(), "\n")
				if !errors.Is(err, ErrNotDeterministic) {
					t.Errorf("the error is not ErrNotDeterministic: %v", err)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", tc.reason, diff)
			}
		})
	}
}

func TestCheckDeterminismEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := &fake{encoding: abi.EncodingJSON, says: func(n int, _ string) Outcome {
		if n == 3 {
			cancel()
			return Outcome{Err: ctx.Err()}
		}
		return answered("{}")
	}}
	err := CheckDeterminism(ctx, p, p, requests("a", "b")...)
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrNotDeterministic) {
		t.Errorf("got %v", err)
	}
}

func TestCheckDeterminismDoesNotJudgeTime(t *testing.T) {
	t.Parallel()
	p := &fake{encoding: abi.EncodingJSON, says: func(n int, _ string) Outcome {
		if n == 3 {
			return Outcome{Err: sandbox.ErrTimeout}
		}
		return answered("{}")
	}}
	err := CheckDeterminism(t.Context(), p, p, requests("a")...)
	if !errors.Is(err, sandbox.ErrTimeout) || errors.Is(err, ErrNotDeterministic) {
		t.Errorf("got %v", err)
	}
}

func TestDifferingPath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want string }{
		{`{"a":1}`, `{"a":2}`, "a"},
		{`{"a":1}`, `{"a":1.0}`, "a"},
		{`{"a":1}`, `{"b":1}`, "a"},
		{`{"a":{"b":[1,2,3]}}`, `{"a":{"b":[1,5,4]}}`, "a.b.1"},
		{`{"a":[1]}`, `{"a":[1,2]}`, "a.1"},
		{`{"a":[]}`, `{"a":{}}`, "a"},
		{`{"a":null}`, `{"a":[]}`, "a"},
		{`{"a":{"x":1}}`, `{"a":7}`, "a"},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, ""},
		{`{`, `{}`, ""},
		{`{}`, `{`, ""},
	} {
		if got := differingPath(abi.EncodingJSON, []byte(c.a), []byte(c.b)); got != c.want {
			t.Errorf("%s and %s differ in %q, want %q", c.a, c.b, got, c.want)
		}
	}
	encoded := func(n int) []byte {
		raw, err := cbor.FromJSON(nil, fmt.Appendf(nil, `{"results":[{"message":"%d"}]}`, n), abi.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	if got := differingPath(abi.EncodingCBOR, encoded(1), encoded(2)); got != "results.0.message" {
		t.Errorf("in CBOR they differ in %q", got)
	}
}
