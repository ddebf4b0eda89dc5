package hostcall

import (
	"context"
	"crypto/sha256"
	"slices"

	"github.com/latticenet/lattice-host/abi"
)

// Made is one host call of a plugin, as it is kept next to the plugin's answer.
type Made struct {
	// Op is the operation, Request the request in its one encoding.
	Op      abi.HostOp
	Request []byte
	// Answer is the SHA-256 of the answer in its one encoding.
	Answer [sha256.Size]byte
}

// Rehearsal is between a plugin and its caller. It makes the calls of an earlier run again before
// the plugin runs, so that the plugin need not run when all answers are the same. When they are
// not, the plugin gets the answers that are there already: no call is made twice.
type Rehearsal struct {
	caller Caller
	made   []Made
	// answers are those that the plugin has not asked for yet, to the last calls of made.
	answers [][]byte
	// dropped is set when there were too many calls to keep.
	dropped bool
}

// NewRehearsal returns a rehearsal in front of the caller in ctx.
func NewRehearsal(ctx context.Context) *Rehearsal { return &Rehearsal{caller: From(ctx)} }

// Repeat makes calls again, up to the first whose answer is another one, and reports whether all
// are the same. Errors are those of [Caller].
func (h *Rehearsal) Repeat(ctx context.Context, calls []Made) (same bool, err error) {
	for _, c := range calls {
		r, problem := ParseRequest(c.Op, c.Request, abi.EncodingCBOR)
		if problem != nil || !slices.Equal(r.CBOR, c.Request) {
			return false, nil
		}
		answer, err := h.caller.Call(ctx, r)
		if err != nil {
			return false, err
		}
		now := Made{Op: c.Op, Request: c.Request, Answer: sha256.Sum256(answer)}
		h.made = append(h.made, now)
		h.answers = append(h.answers, answer)
		if now.Answer != c.Answer {
			return false, nil
		}
	}
	return true, nil
}

// Call implements [Caller].
func (h *Rehearsal) Call(ctx context.Context, r *Request) ([]byte, error) {
	if n := len(h.answers); n > 0 {
		next := h.made[len(h.made)-n]
		if next.Op == r.Op && slices.Equal(next.Request, r.CBOR) {
			answer := h.answers[0]
			h.answers = h.answers[1:]
			return answer, nil
		}
		// What was kept is not what this plugin does. The calls were made, but are not any of its
		// own.
		h.made, h.answers = h.made[:len(h.made)-n], nil
	}
	answer, err := h.caller.Call(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(h.made) > abi.MaxHostCalls {
		h.dropped = true
		return answer, nil
	}
	h.made = append(h.made, Made{Op: r.Op, Request: r.CBOR, Answer: sha256.Sum256(answer)})
	return answer, nil
}

// Made returns the calls that the plugin made, and whether that is all of them.
func (h *Rehearsal) Made() (calls []Made, complete bool) {
	return h.made[:len(h.made)-len(h.answers)], !h.dropped
}
