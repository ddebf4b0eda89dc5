package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/contract"
)

// CheckAnswers makes every request once and holds the answers of [abi.OpDerive] against the
// contract. The error joins one for each problem, which errors.As finds as a [*contract.Problem],
// and one for each key that ABI 1 does not have: a host that runs the plugin warns of it. A call
// that fails is an error, too. When ctx ends, the error is that of ctx.
func CheckAnswers(ctx context.Context, p Plugin, requests ...Request) error {
	var errs []error
	for i := range requests {
		r := &requests[i]
		outcome := call(ctx, p, r)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case outcome.Err != nil:
			errs = append(errs, fmt.Errorf("request %s: %w", r.Name, outcome.Err))
			continue
		case r.Op != abi.OpDerive:
			continue
		}
		_, unknown, problems := contract.Read(outcome.Answer, p.Manifest())
		for i := range problems {
			errs = append(errs, fmt.Errorf("request %s: %w", r.Name, &problems[i]))
		}
		for _, key := range unknown {
			errs = append(errs, fmt.Errorf("request %s: the answer has the key %.80q, which ABI 1 does not have", r.Name, key))
		}
	}
	return errors.Join(errs...)
}
