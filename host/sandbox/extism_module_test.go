package sandbox

import (
	"encoding/binary"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// extismGuest collects the functions of a module for Extism. Zero parts are those of a good plugin
// that answers {}.
type extismGuest struct {
	wasmbuild.Module
	// derive is the body of the function derive, whose locals 0 to 3 are of type i64. Validate is
	// exported if it is set.
	derive, validate []byte
	imported         map[string]uint32
	// pages is what the memory begins with; 0 is 1.
	pages uint32
	// drop and rename change the exports.
	drop   string
	rename map[string]string
}

// extismManifest returns a manifest that tests change.
func extismManifest() *abi.Manifest {
	m := jsonManifest()
	m.Transport = abi.TransportExtism
	m.Limits.TimeoutMillis = abi.MaxTimeoutMillis
	return m
}

// call calls a function of Extism.
func (g *extismGuest) call(name string) []byte {
	index, found := g.imported[name]
	if !found {
		f := extismSignature(name)
		index = g.ImportFunction(abi.ExtismModule, name, f.params, f.results)
		if g.imported == nil {
			g.imported = map[string]uint32{}
		}
		g.imported[name] = index
	}
	return wasmbuild.Body(wasmbuild.Call, wasmbuild.Unsigned(index))
}

type extismType struct{ params, results []byte }

// extismSignature returns the type that PDKs import a function with.
func extismSignature(name string) extismType {
	i64x2 := []byte{wasmbuild.I64, wasmbuild.I64}
	switch name {
	case "alloc", "length", "length_unsafe", "load_u64", "input_load_u64", "config_get", "var_get":
		return extismType{i64, i64}
	case "load_u8", "input_load_u8":
		return extismType{i64, i32}
	case "store_u64", "output_set", "var_set":
		return extismType{i64x2, nil}
	case "store_u8":
		return extismType{[]byte{wasmbuild.I64, wasmbuild.I32}, nil}
	case "input_length", "input_offset", "http_headers":
		return extismType{nil, i64}
	case "http_request":
		return extismType{i64x2, i64}
	case "http_status_code", "get_log_level":
		return extismType{nil, i32}
	}
	return extismType{i64, nil}
}

const i64Add = 0x7c

// text makes a block that holds the text, filled up with spaces, and leaves its address in the
// local.
func (g *extismGuest) text(local int, text string) []byte {
	for len(text)%8 != 0 {
		text += " "
	}
	body := wasmbuild.Body(wasmbuild.Int64(int64(len(text))), g.call("alloc"), wasmbuild.LocalSet, local)
	for i := 0; i < len(text); i += 8 {
		word := binary.LittleEndian.Uint64([]byte(text[i:]))
		body = append(body, wasmbuild.Body(
			wasmbuild.LocalGet, local, wasmbuild.Int64(int64(i)), i64Add, wasmbuild.Int64(int64(word)), g.call("store_u64"))...)
	}
	return body
}

// answer makes a text the output and returns 0.
func (g *extismGuest) answer(text string) []byte {
	return wasmbuild.Body(g.text(0, text),
		wasmbuild.LocalGet, 0, wasmbuild.LocalGet, 0, g.call("length"), g.call("output_set"), wasmbuild.Int32(0))
}

// fail traps unless the i64 on the stack is what it should be.
func failUnless(value int64) []byte {
	const i64Ne = 0x52
	return wasmbuild.Body(wasmbuild.Int64(value), i64Ne, wasmbuild.If, wasmbuild.NoResult, wasmbuild.Unreachable, wasmbuild.End)
}

func (g *extismGuest) build() []byte {
	if g.derive == nil {
		g.derive = g.answer("{}")
	}
	g.Memory(max(g.pages, 1), -1)
	g.export(abi.ExtismDerive, g.entry(g.derive))
	if g.validate != nil {
		g.export(abi.ExtismValidate, g.entry(g.validate))
	}
	return g.Bytes()
}

func (g *extismGuest) entry(body []byte) uint32 {
	return g.Code(nil, i32, append(append([]byte{1, 4, wasmbuild.I64}, body...), wasmbuild.End))
}

func (g *extismGuest) export(name string, function uint32) {
	if name == g.drop {
		return
	}
	if other, ok := g.rename[name]; ok {
		name = other
	}
	g.Export(name, wasmbuild.Function, function)
}

func loadExtismGuest(t testing.TB, r *Runtime, change func(*abi.Manifest), g *extismGuest) *Plugin {
	t.Helper()
	manifest := extismManifest()
	if change != nil {
		change(manifest)
	}
	return load(t, r, manifest, g.build())
}
