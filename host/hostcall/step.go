package hostcall

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// Step answers the host calls of one step, and remembers them. Its plugin makes one at a time. A
// nil Step has made none.
type Step struct {
	derivation *Derivation
	id         StepID
	manifest   *abi.Manifest
	digest     string
	granted    []string

	store *stepStore
	// seen holds the answers to requests about the world outside, by operation and request: who
	// asks twice, such as in a second round, gets the same answer.
	seen map[string][]byte
	made []Call
	// overspent is set by the first call beyond the budget. Those that follow are not remembered.
	overspent bool
}

// Call is one host call that was made.
type Call struct {
	// Op is the operation, Target what it is about (see [Request.Target]).
	Op     abi.HostOp
	Target string
	// Request and Answer are the SHA-256 of the messages as canonical JSON.
	Request, Answer [sha256.Size]byte

	// request and answer are the messages as canonical JSON; kept for a tape only.
	request, answer []byte
}

// plugin returns publisher/name.
func (s *Step) plugin() string { return s.manifest.Publisher + "/" + s.manifest.Name }

// Calls returns the calls that were made, in their order.
func (s *Step) Calls() []Call {
	if s == nil {
		return nil
	}
	return s.made
}

// Call implements [Caller].
func (s *Step) Call(ctx context.Context, r *Request) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if !s.derivation.spend(s) {
		return s.overspend(r)
	}
	answer, err := s.answer(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(answer) > abi.MaxHostAnswerBytes {
		answer = refused(tooLarge("the answer has " + count(len(answer), "bytes") + ", the limit is " + count(abi.MaxHostAnswerBytes, "bytes")))
	}
	return answer, s.remember(r, answer)
}

// overspend answers a call beyond the budget.
func (s *Step) overspend(r *Request) ([]byte, error) {
	answer := refusal(abi.HostErrorBudget, "a derivation makes at most "+count(abi.MaxHostCalls, "host calls"))
	if s.overspent {
		return answer, nil
	}
	s.overspent = true
	if tape := s.derivation.run.config.Replay; tape != nil {
		tape.take(s, r)
	}
	return answer, s.remember(r, answer)
}

func (s *Step) remember(r *Request, answer []byte) error {
	request, err := jsonOf(r.CBOR)
	if err != nil {
		return err
	}
	text, err := jsonOf(answer)
	if err != nil {
		return err
	}
	c := Call{Op: r.Op, Target: r.Target(), Request: sha256.Sum256(request), Answer: sha256.Sum256(text)}
	if s.derivation.run.config.Record {
		c.request, c.answer = request, text
	}
	s.made = append(s.made, c)
	return nil
}

// answer decides about a call and has it done. What is allowed is decided first, so that a tape
// cannot give a plugin more than it may have.
func (s *Step) answer(ctx context.Context, r *Request) ([]byte, error) {
	denied := s.permit(ctx, r.message, r.Op, r.Target())
	if tape := s.derivation.run.config.Replay; tape != nil {
		recorded, ok := tape.take(s, r)
		if denied == nil {
			if !ok {
				return nil, tape.missing(s, r)
			}
			return recorded, nil
		}
	}
	if denied != nil {
		return refused(denied), ctx.Err()
	}
	return s.perform(ctx, r)
}

// permit returns why the plugin may not do this, or nil.
func (s *Step) permit(ctx context.Context, m message, op abi.HostOp, target string) *abi.HostError {
	name := op.Capability()
	i := slices.IndexFunc(s.manifest.Capabilities, func(c abi.Capability) bool { return c.Name == name })
	switch {
	case i < 0:
		return denied("the manifest does not ask for the capability " + name)
	case !slices.Contains(s.granted, name):
		return denied("the operator did not grant the capability " + name)
	}
	if problem := covers(&s.manifest.Capabilities[i], m); problem != nil {
		return problem
	}
	if s.derivation.run.config.Authorize == nil {
		return nil
	}
	err := s.derivation.run.config.Authorize.Authorize(ctx, Use{
		Plugin: s.manifest.Reference(), Digest: s.digest, Document: s.derivation.document,
		Pipeline: s.id.Pipeline, Step: s.id.Name, Capability: name, Op: op, Target: target,
	})
	if err != nil {
		return denied("a policy does not allow " + op.String())
	}
	return nil
}

func denied(message string) *abi.HostError {
	return &abi.HostError{Code: abi.HostErrorDenied, Message: message}
}

// covers returns why a capability does not cover a request, or nil.
func covers(c *abi.Capability, m message) *abi.HostError {
	switch m := m.(type) {
	case *abi.HTTPGetRequest:
		u, err := parseURL(m.URL)
		if err != nil {
			return err
		}
		if host := hostOf(u); !slices.Contains(c.Hosts, host) {
			return denied("the manifest does not name the host " + host)
		}
	case *abi.ResourcesReadRequest:
		if kind := kindOf(m); !slices.Contains(c.Kinds, kind) {
			return denied("the manifest does not name the kind " + kind.String())
		}
	}
	return nil
}

// parseURL reads a URL strictly. What is not plain is refused rather than understood.
func parseURL(text string) (*url.URL, *abi.HostError) {
	if len(text) > abi.MaxURLBytes {
		return nil, tooLarge("the URL has " + count(len(text), "bytes") + ", the limit is " + count(abi.MaxURLBytes, "bytes"))
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Opaque != "" || u.Host == "" || strings.ContainsAny(text, "\\ "):
		return nil, invalid("url: is not a URL such as https://api.example.com/prices")
	case u.Scheme != "https":
		return nil, invalid("url: the scheme must be https")
	case u.User != nil:
		return nil, invalid("url: must not hold a user")
	case strings.Contains(text, "#"):
		return nil, invalid("url: must not hold a fragment")
	}
	return u, nil
}

// hostOf returns the host of a URL in the form of a grant.
func hostOf(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	if port := u.Port(); port != "" && port != "443" {
		return host + ":" + port
	}
	return host
}

// perform does what is allowed.
func (s *Step) perform(ctx context.Context, r *Request) ([]byte, error) {
	var answer abi.Encoder
	var problem *abi.HostError
	switch m := r.message.(type) {
	case *abi.KVGetRequest:
		answer, problem = s.kvGet(m)
	case *abi.KVSetRequest:
		answer, problem = s.kvSet(m)
	case *abi.KVDeleteRequest:
		answer, problem = s.kvDelete(m)
	case *abi.KVListRequest:
		answer, problem = s.kvList(m)
	case *abi.HTTPGetRequest:
		return s.once(r, func() (abi.Encoder, error) { return s.fetch(ctx, m) })
	case *abi.ResourcesReadRequest:
		return s.once(r, func() (abi.Encoder, error) { return s.read(ctx, m) })
	}
	if problem != nil {
		return refused(problem), nil
	}
	return answer.AppendCBOR(nil), nil
}

// once asks the world outside, unless it has answered this before.
func (s *Step) once(r *Request, ask func() (abi.Encoder, error)) ([]byte, error) {
	key := r.Op.String() + " " + string(r.CBOR)
	if answer, ok := s.seen[key]; ok {
		return answer, nil
	}
	said, err := ask()
	var problem *abi.HostError
	var answer []byte
	switch {
	case errors.As(err, &problem):
		answer = refused(problem)
	case err != nil:
		return nil, err
	default:
		answer = said.AppendCBOR(nil)
	}
	if s.seen == nil {
		s.seen = map[string][]byte{}
	}
	s.seen[key] = answer
	return answer, nil
}

// fetch sends a GET request. Each request, also after a redirect, is a use of its own.
func (s *Step) fetch(ctx context.Context, m *abi.HTTPGetRequest) (abi.Encoder, error) {
	client := s.derivation.run.config.HTTP
	if client == nil {
		return nil, unavailable("this host has no network for plugins")
	}
	return client.Get(ctx, m, func(ctx context.Context, u *url.URL) error {
		hop := &abi.HTTPGetRequest{URL: u.String()}
		if problem := s.permit(ctx, hop, abi.HostHTTPGet, hop.URL); problem != nil {
			return problem
		}
		return nil
	})
}

// read finds resources in the way of requirements.
func (s *Step) read(ctx context.Context, m *abi.ResourcesReadRequest) (abi.Encoder, error) {
	if s.derivation.resources == nil {
		return nil, unavailable("this host has no resources for plugins")
	}
	found, err := s.derivation.resources(ctx, s.id.Name, abi.Requirement{
		Name: abi.CapabilityResourcesRead, APIVersion: m.APIVersion, Kind: m.Kind,
		Namespace: m.Namespace, MatchName: m.MatchName, MatchLabels: m.MatchLabels,
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, unavailable("the resources cannot be read")
	}
	return &abi.ResourcesReadAnswer{Resources: found}, nil
}
