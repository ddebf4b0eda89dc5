package hostcall

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
)

// ErrBudget marks a derivation whose steps together made more host calls than the budget allows.
var ErrBudget = problem.New(problem.Plugin, "too many host calls")

// Authorizer decides about each use of a capability, beyond what the operator granted. It is safe
// for concurrent use.
type Authorizer interface {
	// Authorize returns nil to allow the use. Any error denies it.
	Authorize(ctx context.Context, u Use) error
}

// Use is one use of a capability that a plugin's manifest asks for and its operator granted.
type Use struct {
	// Plugin is publisher/name@version, Digest that of its module.
	Plugin, Digest string
	// Document is what the derivation began with. Pipeline and Step name the step.
	Document       abi.Ref
	Pipeline, Step string
	// Capability and Op are what is used.
	Capability string
	Op         abi.HostOp
	// Target is a key of the store, a URL or a kind. A redirect is a use of its own.
	Target string
}

// Store keeps the small stores of plugins. It is safe for concurrent use, also by several
// processes.
type Store interface {
	// Read returns what a plugin, publisher/name, keeps, and the version of that.
	Read(plugin string) (entries cbor.Map[cbor.Raw], version string, err error)
	// Write sets entries and removes those that are empty, all or nothing. It fails when the store
	// is no longer of that version.
	Write(plugin, version string, changes cbor.Map[cbor.Raw]) error
}

// Getter fetches from the network. It is safe for concurrent use.
type Getter interface {
	// Get sends a GET request. Before each request, the first and those after redirects, it asks
	// admit. An [*abi.HostError] is what the plugin is answered; any other error, such as that of a
	// context, ends the guest.
	Get(ctx context.Context, r *abi.HTTPGetRequest, admit func(context.Context, *url.URL) error) (*abi.HTTPGetAnswer, error)
}

// Resources finds other resources for one derivation, as it does for requirements. It is safe for
// concurrent use.
type Resources func(ctx context.Context, step string, q abi.Requirement) ([]cbor.Raw, error)

// Config says what a run may do.
type Config struct {
	// Granted returns the names of the capabilities that the operator granted to a plugin, by
	// publisher/name and the digest of the module. Nil grants nothing.
	Granted func(plugin, digest string) []string
	// Authorize is asked about each use that was granted; nil means that the operator's grant is
	// enough.
	Authorize Authorizer
	// Store and HTTP do the work. What is nil is answered with unavailable.
	Store Store
	HTTP  Getter
	// Record keeps all calls with their answers for [Run.Tape].
	Record bool
	// Replay, when set, answers every call. Store and HTTP are not used then.
	Replay *Tape
}

// Run is one run of the host over documents. A nil Run denies every host call.
type Run struct {
	config Config

	mu          sync.Mutex
	stores      map[string]*baseStore
	derivations []*Derivation
}

// NewRun begins a run.
func NewRun(c Config) *Run { return &Run{config: c, stores: map[string]*baseStore{}} }

// Begin begins the derivation of one document. Its resources.read finds what resources finds.
func (r *Run) Begin(document abi.Ref, resources Resources) *Derivation {
	if r == nil {
		return nil
	}
	return &Derivation{run: r, document: document, resources: resources}
}

// Derivation is one document with all that is derived from it. A nil Derivation denies every host
// call.
type Derivation struct {
	run       *Run
	document  abi.Ref
	resources Resources

	mu sync.Mutex
	// calls counts those of all steps, tried those beyond the budget too; callers are the steps
	// that made any.
	calls   int
	over    bool
	callers []*Step
	// steps are those of a derivation that came to a good end, in their order.
	steps []*Step
}

// StepID says which step makes calls.
type StepID struct {
	// Resource is the document that the step derives from: the derivation's own or one that was
	// derived.
	Resource abi.Ref
	// Pipeline and Name name the step.
	Pipeline, Name string
}

// Step returns what answers the calls that a plugin makes for a step, in all rounds.
func (d *Derivation) Step(id StepID, manifest *abi.Manifest, digest string) *Step {
	if d == nil {
		return nil
	}
	s := &Step{derivation: d, id: id, manifest: manifest, digest: digest}
	if granted := d.run.config.Granted; granted != nil {
		s.granted = granted(s.plugin(), digest)
	}
	return s
}

// spend takes one call from the budget, and reports whether there was one.
func (d *Derivation) spend(s *Step) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Contains(d.callers, s) {
		d.callers = append(d.callers, s)
	}
	if d.calls == abi.MaxHostCalls {
		d.over = true
		return false
	}
	d.calls++
	return true
}

// Err returns an error that wraps [ErrBudget] when several steps together made more calls than the
// budget allows. Which of them came too late depends on which ran first, so that what they made of
// it must not become a result. A single step deals with it as its author likes.
func (d *Derivation) Err() error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.over || len(d.callers) < 2 {
		return nil
	}
	names := make([]string, len(d.callers))
	for i, s := range d.callers {
		names[i] = s.id.Name + " (" + s.manifest.Reference() + ")"
	}
	slices.Sort(names)
	return fmt.Errorf("%w: the steps %s share %d in one derivation and asked for more; use fewer of them in one pipeline",
		ErrBudget, strings.Join(slices.Compact(names), ", "), abi.MaxHostCalls)
}

// Finish says that the derivation came to a good end, and names its steps in their order, which is
// that of everything that is written about them. Nil steps are skipped.
func (d *Derivation) Finish(steps []*Step) {
	if d == nil {
		return
	}
	d.steps = slices.DeleteFunc(slices.Clone(steps), func(s *Step) bool { return s == nil })
	d.run.mu.Lock()
	defer d.run.mu.Unlock()
	d.run.derivations = append(d.run.derivations, d)
}

// finished returns the steps of all derivations that came to a good end, by document.
func (r *Run) finished() []*Step {
	r.mu.Lock()
	derivations := slices.Clone(r.derivations)
	r.mu.Unlock()
	slices.SortFunc(derivations, func(a, b *Derivation) int { return a.document.Compare(b.document) })
	var steps []*Step
	for _, d := range derivations {
		steps = append(steps, d.steps...)
	}
	return steps
}

// Commit keeps what the steps wrote. Where several wrote one key, the last counts, by document and
// then in the order of steps. A store that another run changed since this one read it is an error;
// the stores of other plugins may have been written then.
func (r *Run) Commit() error {
	if r == nil || r.config.Replay != nil {
		return nil
	}
	changes := map[string]*cbor.Map[cbor.Raw]{}
	var plugins []string
	for _, s := range r.finished() {
		if s.store == nil || len(s.store.changes) == 0 {
			continue
		}
		name := s.plugin()
		if changes[name] == nil {
			changes[name] = new(cbor.Map[cbor.Raw])
			plugins = append(plugins, name)
		}
		for _, e := range s.store.changes {
			changes[name].Set(e.Key, e.Value)
		}
	}
	slices.Sort(plugins)
	var errs []error
	for _, name := range plugins {
		errs = append(errs, r.commit(name, *changes[name]))
	}
	return errors.Join(errs...)
}

func (r *Run) commit(plugin string, changes cbor.Map[cbor.Raw]) error {
	base, err := r.base(plugin)
	if err != nil {
		return err
	}
	if changes = base.effective(changes); len(changes) == 0 {
		return nil
	}
	return r.config.Store.Write(plugin, base.version, changes)
}

// base returns the store of a plugin as it was when the run first looked.
func (r *Run) base(plugin string) (*baseStore, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.stores[plugin]; b != nil {
		return b, b.err
	}
	b := new(baseStore)
	r.stores[plugin] = b
	if r.config.Store == nil {
		b.err = errNoStore
		return b, b.err
	}
	b.entries, b.version, b.err = r.config.Store.Read(plugin)
	return b, b.err
}

var errNoStore = errors.New("this host keeps no stores of plugins")

// count writes a number for people.
func count(n int, what string) string { return strconv.Itoa(n) + " " + what }
