package sdk

import (
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
)

// Request is what the host asks a plugin to derive.
type Request struct {
	abi.Request
}

// Kind returns the kind of the resource.
func (r *Request) Kind() string { return Value(r.Resource).Get("kind").String() }

// Service reads the resource as a LatticeService.
func (r *Request) Service() (*lattice.LatticeService, error) {
	return DecodeService(r.Resource)
}

// ServiceOutline reads the resource as a LatticeService without its containers and sidecars. A
// plugin that derives nothing from those saves half the time of reading.
func (r *Request) ServiceOutline() (*lattice.LatticeService, error) {
	return DecodeServiceOutline(r.Resource)
}

// Job reads the resource as a LatticeJob.
func (r *Request) Job() (*lattice.LatticeJob, error) { return DecodeJob(r.Resource) }

// JobOutline reads the resource as a LatticeJob without the containers and sidecars of its tasks.
func (r *Request) JobOutline() (*lattice.LatticeJob, error) { return DecodeJobOutline(r.Resource) }

// MeshMember reads the resource as a LatticeMeshMember.
func (r *Request) MeshMember() (*lattice.LatticeMeshMember, error) {
	return DecodeMeshMember(r.Resource)
}

// SecretProvider reads the resource as a SecretProvider.
func (r *Request) SecretProvider() (*lattice.SecretProvider, error) {
	return DecodeSecretProvider(r.Resource)
}

// Setting returns one of the step's settings, or an absent value.
func (r *Request) Setting(name string) Value { return Value(r.Settings).Get(name) }

// ContextValue returns what an earlier step left under key, and whether one did.
func (r *Request) ContextValue(key string) (Value, bool) {
	for i := range r.Context {
		if r.Context[i].Key == key {
			return Value(r.Context[i].Value), true
		}
	}
	return nil, false
}

// Answer returns the resources that answer the requirement of that name, and whether the host has
// answered it.
func (r *Request) Answer(name string) (resources []cbor.Raw, answered bool) {
	for i := range r.Answers {
		if r.Answers[i].Name == name {
			return r.Answers[i].Resources, true
		}
	}
	return nil, false
}

// DecodeService reads a LatticeService, such as an answer's.
func DecodeService(raw cbor.Raw) (*lattice.LatticeService, error) {
	// Called directly, not through an interface: the linker keeps every method that an interface
	// might reach.
	s, d := new(lattice.LatticeService), cbor.NewDecoder(raw)
	s.DecodeCBOR(d)
	return s, d.Finish()
}

// DecodeSecretProvider reads a SecretProvider, such as an answer's.
func DecodeSecretProvider(raw cbor.Raw) (*lattice.SecretProvider, error) {
	p, d := new(lattice.SecretProvider), cbor.NewDecoder(raw)
	p.DecodeCBOR(d)
	return p, d.Finish()
}

// DecodeServiceOutline reads a LatticeService as [Request.ServiceOutline] does.
func DecodeServiceOutline(raw cbor.Raw) (*lattice.LatticeService, error) {
	s, d := new(lattice.LatticeService), cbor.NewDecoder(raw)
	s.DecodeOutlineCBOR(d)
	return s, d.Finish()
}

// DecodeJob reads a LatticeJob, such as an answer's.
func DecodeJob(raw cbor.Raw) (*lattice.LatticeJob, error) {
	j, d := new(lattice.LatticeJob), cbor.NewDecoder(raw)
	j.DecodeCBOR(d)
	return j, d.Finish()
}

// DecodeJobOutline reads a LatticeJob as [Request.JobOutline] does.
func DecodeJobOutline(raw cbor.Raw) (*lattice.LatticeJob, error) {
	j, d := new(lattice.LatticeJob), cbor.NewDecoder(raw)
	j.DecodeOutlineCBOR(d)
	return j, d.Finish()
}

// DecodeMeshMember reads a LatticeMeshMember, such as an answer's.
func DecodeMeshMember(raw cbor.Raw) (*lattice.LatticeMeshMember, error) {
	m, d := new(lattice.LatticeMeshMember), cbor.NewDecoder(raw)
	m.DecodeCBOR(d)
	return m, d.Finish()
}
