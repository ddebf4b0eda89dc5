package conformance

import (
	"context"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// Around gives a pipeline one plugin under test and, for the other steps, what Find finds. Steps
// that it does not find have stand-ins that answer nothing: the plugin under test then sees its
// resource and its settings, and none of the outputs and the context of those steps.
type Around struct {
	// Plugin is the plugin under test. It is found by its name, with or without its publisher.
	Plugin pipeline.Plugin
	// Find returns another plugin, or nil when there is not one of that name. Nil finds none.
	Find func(ctx context.Context, name string) (pipeline.Plugin, error)
	// Kinds are those that pipelines may derive from.
	Kinds []abi.GroupKind

	mu       sync.Mutex
	standIns []string
}

func (a *Around) plugin(ctx context.Context, name string) (pipeline.Plugin, error) {
	if m := a.Plugin.Manifest(); name == m.Name || name == m.Publisher+"/"+m.Name {
		return a.Plugin, nil
	}
	if a.Find != nil {
		if p, err := a.Find(ctx, name); p != nil || err != nil {
			return p, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Contains(a.standIns, name) {
		a.standIns = append(a.standIns, name)
	}
	return newStandIn(name, a.Kinds), nil
}

// StandIns returns the names that were not found, sorted.
func (a *Around) StandIns() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(slices.Values(a.standIns))
}

// Plugins returns a for an engine.
func (a *Around) Plugins() pipeline.Plugins { return pluginsFunc(a.plugin) }

type pluginsFunc func(ctx context.Context, name string) (pipeline.Plugin, error)

func (f pluginsFunc) Plugin(ctx context.Context, name string) (pipeline.Plugin, error) {
	return f(ctx, name)
}

// standIn takes any settings and answers nothing.
type standIn struct{ manifest *abi.Manifest }

func newStandIn(name string, kinds []abi.GroupKind) *standIn {
	m := &abi.Manifest{
		Schema: abi.ManifestSchema, Publisher: "stand-in", Name: name, Version: "0.0.0", ABI: abi.Version,
		Encoding: abi.EncodingCBOR, SettingsSchema: cbor.AppendObjectHeader(nil, 0),
	}
	for _, k := range kinds {
		m.Derives = append(m.Derives, abi.Derives{Group: k.Group, Kind: k.Kind})
	}
	return &standIn{m}
}

func (s *standIn) Manifest() *abi.Manifest { return s.manifest }

func (s *standIn) Digest() string { return "sha256:stand-in" }

func (s *standIn) Derive(context.Context, *abi.Request) (*abi.Response, []string, error) {
	return new(abi.Response), nil, nil
}

func (s *standIn) Validate(context.Context, *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	return new(abi.ValidateResponse), nil, nil
}
