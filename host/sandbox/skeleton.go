package sandbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tetratelabs/wazero"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/codecache"
	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
	"github.com/latticenet/lattice-host/host/sandbox/meter"
	"github.com/latticenet/lattice-host/registry/release"
)

// skeleton is a rewritten module whose functions have no bodies, with what else is known of it. The
// engine makes instances of it with the machine code of the whole module. Where that is kept, it
// saves the checks of the contract, the rewriting and the engine's own validation of every
// function, which together take most of the time of loading a plugin.
//
// It is used for exactly the module and the program that it was made with, see
// [codeCache.skeletonKey], and is as safe as the machine code that lies next to it.
type skeleton struct {
	// Code is the key of the machine code, in hexadecimal digits.
	Code string
	// Module is the rewritten module; its Wasm is the module without bodies, and not part of the
	// JSON.
	Module meter.Module
	Making making

	// file is the name under which the engine looks for the code of the module without bodies.
	file string
}

// skeletonKey returns the key of the skeleton of a module with a digest; not ok when this program
// cannot be told from others, which could have other rules.
func (c *codeCache) skeletonKey(digest string) (key codecache.Key, ok bool) {
	if c.store == nil || buildID() == "" {
		return key, false
	}
	h := sha256.New()
	for _, part := range []string{"skeleton", c.engine, buildID(), digest} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write([]byte(part))
	}
	return codecache.Key(h.Sum(nil)), true
}

// loadSkeleton returns a module that was compiled and kept before, or nil. Whatever goes wrong, the
// module is loaded from its bytes.
func (r *Runtime) loadSkeleton(m *release.Module) (wazero.CompiledModule, *skeleton) {
	s, err := r.cache.skeleton(m.Digest())
	if err != nil || m.Manifest().Transport == abi.TransportExtism {
		return nil, nil
	}
	compiled, err := r.compileSkeleton(s)
	if err != nil {
		return nil, nil
	}
	return compiled, s
}

// skeleton reads a skeleton. What is damaged is discarded.
func (c *codeCache) skeleton(digest string) (*skeleton, error) {
	key, ok := c.skeletonKey(digest)
	if !ok {
		return nil, fs.ErrNotExist
	}
	h, content, err := c.store.Skeleton(key)
	if errors.Is(err, codecache.ErrDamaged) {
		c.warn(fmt.Sprintf("compilation cache: %s: %v; it is discarded, and made again", c.store.SkeletonPath(key), err))
		err = errors.Join(err, c.store.Discard(key))
	}
	if err != nil {
		return nil, err
	}
	return parseSkeleton(h, content)
}

func parseSkeleton(h codecache.Header, content []byte) (*skeleton, error) {
	about, wasm, _ := bytes.Cut(content, []byte("\n"))
	s := &skeleton{file: h.File}
	if err := json.Unmarshal(about, s); err != nil {
		return nil, fmt.Errorf("skeleton: %w", err)
	}
	s.Module.Wasm = wasm
	return s, nil
}

// errNoCode says that the engine did not find the machine code of a skeleton.
var errNoCode = errors.New("the engine did not find the machine code")

// compileSkeleton has the engine take a module without bodies and the machine code of the whole
// one.
func (r *Runtime) compileSkeleton(s *skeleton) (wazero.CompiledModule, error) {
	var key codecache.Key
	if _, err := hex.Decode(key[:], []byte(s.Code)); err != nil {
		return nil, err
	}
	file, err := r.cache.fetch(key, s.file)
	if err != nil {
		return nil, err
	}
	// With a context that is done, the engine looks for machine code and makes none: what it would
	// compile here does nothing but trap (internal/engine/wazevo/engine.go, compileModule).
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNoCode)
	compiled, err := compileWith(ctx, r.engine, s.Module.Wasm)
	// As in compileOrFind.
	_ = os.Remove(file)
	return compiled, err
}

// keepSkeleton keeps the skeleton of a module whose machine code is kept. What cannot be kept is
// made from the bytes the next time.
func (r *Runtime) keepSkeleton(ctx context.Context, id identity, m *meter.Module, takes making) {
	key, ok := r.cache.skeletonKey(id.digest)
	if !ok {
		return
	}
	if _, err := r.cache.skeleton(id.digest); err == nil {
		return
	}
	code := r.cache.key(m.Wasm)
	if r.cache.store.Check(code) != nil {
		return
	}
	if err := r.writeSkeleton(ctx, key, code, id, m, takes); err != nil {
		r.warn(fmt.Sprintf("compilation cache: %v, so that %s is read again in every process", err, id.reference()))
	}
}

func (r *Runtime) writeSkeleton(ctx context.Context, key, code codecache.Key, id identity, m *meter.Module, takes making) (err error) {
	s := skeleton{Code: code.String(), Module: *m, Making: takes}
	s.Module.Wasm = nil
	about, err := json.Marshal(s)
	if err != nil {
		return err
	}
	wasm, err := withoutBodies(m.Wasm)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(r.cache.store.Scratch(), "skeleton-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// The engine alone knows how it calls the file; without bodies, compiling takes no time.
	file, err := compileInto(ctx, dir, wasm)
	if err != nil {
		return err
	}
	h := codecache.Header{
		Engine: r.cache.engine, Plugin: id.reference(), Digest: id.digest, File: filepath.Base(file),
	}
	return r.cache.store.PutSkeleton(key, h, append(append(about, '\n'), wasm...))
}

// withoutBodies returns a module whose functions do nothing but trap. Everything that the engine
// needs to make an instance stays: types, imports, exports, tables, memories, globals and segments.
func withoutBodies(wasm []byte) ([]byte, error) {
	m, err := wasmbin.Parse(wasm)
	if err != nil {
		return nil, err
	}
	out := bytes.Clone(wasm[:m.Sections[0].Start])
	for _, s := range m.Sections {
		if s.ID != wasmbin.SectionCode {
			out = append(out, wasm[s.Start:s.End]...)
			continue
		}
		n, size := binary.Uvarint(s.Content)
		if size <= 0 || n > uint64(len(s.Content)) {
			return nil, errors.New("the code section has no count of functions")
		}
		// A body of three bytes: no locals, unreachable, end.
		content := append(binary.AppendUvarint(nil, n), bytes.Repeat([]byte{3, 0, 0x00, 0x0b}, int(n))...)
		out = appendSection(out, s.ID, content)
	}
	return out, nil
}
