package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
)

// PoliciesFolder is the folder of an installation that holds the operator's own policies.
const PoliciesFolder = "policies"

// Policies say which policies decide, besides those of the installation.
type Policies struct {
	// Paths are files and folders.
	Paths []string
	// NoDefaults leaves the policies out that come with the program.
	NoDefaults bool
}

// Load reads the policies: those that come with the program, those of the installation, which may
// be nil, and those of Paths. The error is [problem.Denied] when it does not exist.
func (p Policies) Load(home *market.Home) (*policy.Set, error) {
	o, err := p.Options(home)
	if err != nil {
		return nil, err
	}
	set, err := policy.Load(o)
	if errors.Is(err, gate.ErrNoPolicies) {
		return nil, denied(fmt.Errorf("%w; write policies into a folder and name it with --policies, or put them into %s in the installation",
			err, PoliciesFolder))
	}
	return set, problem.AsInput(err)
}

// Options returns what package policy reads the policies with.
func (p Policies) Options(home *market.Home) (policy.Options, error) {
	o := policy.Options{NoDefaults: p.NoDefaults}
	if home != nil {
		files, err := home.PolicyFiles()
		if err != nil {
			return o, err
		}
		for _, file := range files {
			o.Files = append(o.Files, policy.File(file))
		}
		own := filepath.Join(home.Dir(), PoliciesFolder)
		if _, err := os.Stat(own); err == nil {
			o.Paths = append(o.Paths, own)
		}
	}
	o.Paths = append(o.Paths, p.Paths...)
	return o, nil
}

// Admission returns what decides about releases before they are installed. Check, when set, is
// asked first; interactive says that somebody is there to agree.
func (e *Engine) Admission(check func(market.Admission) error, interactive bool) func(context.Context, market.Admission) error {
	return func(ctx context.Context, m market.Admission) error {
		if check != nil {
			if err := check(m); err != nil {
				return err
			}
		}
		s, end := e.use()
		defer end()
		d := s.policies.Install(ctx, policy.Installation{
			User: s.Caller, Publisher: m.Entry.Publisher, Name: m.Entry.Name, Version: m.Entry.Version, Digest: m.Entry.Digest,
			StaleDays: m.StaleDays, Yanked: m.Yanked, Interactive: interactive, Grants: grantsOf(m.Capabilities),
		})
		if err := s.Audit.Note(ctx, audit.Decision(d)); err != nil {
			return ErrAudit(err, "so nothing is installed")
		}
		return decisionError(d, nil)
	}
}

// grantsOf returns a grant for each thing that capabilities are for.
func grantsOf(capabilities []market.Grant) []policy.Grant {
	var grants []policy.Grant
	for _, c := range capabilities {
		targets := append(append([]string{}, c.Hosts...), c.Kinds...)
		if len(targets) == 0 {
			targets = []string{""}
		}
		for _, target := range targets {
			grants = append(grants, policy.Grant{Capability: c.Name, Target: target})
		}
	}
	return grants
}

// runRevoked lets a revoked plugin run where a policy permits it, and says so. Each decision about
// that is kept.
func (s *setup) runRevoked(keep func(*gate.Decision)) func(context.Context, market.Revoked) error {
	return func(ctx context.Context, r market.Revoked) error {
		p := r.Plugin
		d := s.policies.RunRevoked(ctx, s.Caller, p.Publisher, p.Name, p.Version, p.Digest)
		keep(d)
		if err := decisionError(d, nil); err != nil {
			return denied(errors.New(strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
		s.log.Warn(fmt.Sprintf("%s is revoked (%s) and runs because a policy permits it: %s", p.Reference(), r.Entry.Reason, d.Reasons[0].Message))
		return nil
	}
}
