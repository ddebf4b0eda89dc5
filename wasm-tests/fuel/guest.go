package main

import (
	"slices"

	"github.com/latticenet/lattice-host/abi"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// Where guests keep things in their memory. What host functions write goes to scratchAt.
const (
	requestAt = 1024
	scratchAt = 2048
	answerAt  = 4096
	dataAt    = 64 << 10
)

// memoryPages make 64 MiB, the most that a guest may have.
const memoryPages = abi.MaxMemoryBytes >> 16

// The locals of the function that does the work, after its three parameters.
const (
	count = 3 + iota
	a
	c
	x
	y
	f
	g
	s
	v
	w
)

// locals declare them: three i32, two i64, two f64, one f32, two v128.
var locals = []byte{5, 3, b.I32, 2, b.I64, 2, b.F64, 1, 0x7d, 2, b.V128}

// guest is a plugin that repeats instructions.
type guest struct {
	b.Module
	// work is repeated times times in each of rounds rounds.
	work          []byte
	times, rounds int
	// before runs first, after last.
	before, after []byte
	pages         uint32
	data          []byte
	// extism makes it a module of an Extism PDK, whose function has no parameters.
	extism bool
}

// build returns the module.
func (u *guest) build() []byte {
	if u.pages == 0 {
		u.pages = 8
	}
	u.Memory(u.pages, -1)
	u.Data(answerAt, []byte("{}"))
	if u.data != nil {
		u.Data(dataAt, u.data)
	}
	u.GlobalInt32(1)
	declared := locals
	if u.extism {
		// Three locals take the places of the parameters.
		declared = slices.Concat([]byte{6, 3, b.I32}, locals[1:])
	}
	code := slices.Concat(declared, u.before, get(x), b.Int64(0x1234567), b.Body(0x84), set(x),
		b.Int32(int32(u.rounds)), set(count), b.Body(b.Loop, b.NoResult), slices.Repeat(u.work, u.times),
		get(count), b.Int32(1), b.Body(0x6b, b.LocalTee, count, b.BrIf, 0, b.End))
	i32 := []byte{b.I32}
	u.Export(abi.ExportMemory, b.Memory, 0)
	if u.extism {
		u.Export(abi.ExtismDerive, b.Function, u.Code(nil, i32, slices.Concat(code, u.after, b.Int32(0), b.Body(b.End))))
		return u.Bytes()
	}
	u.Export(abi.ExportAlloc, b.Function, u.Function(i32, i32, 0, b.Int32(requestAt)))
	u.Export(abi.ExportCall, b.Function, u.Code([]byte{b.I32, b.I32, b.I32}, []byte{b.I64}, slices.Concat(code, b.Int64(answerAt<<32|2), b.Body(b.End))))
	return u.Bytes()
}

func get(local byte) []byte { return []byte{b.LocalGet, local} }
func set(local byte) []byte { return []byte{b.LocalSet, local} }

// unary is local = op(local).
func unary(local byte, op ...byte) []byte { return slices.Concat(get(local), op, set(local)) }

// binary is local = op(local, other).
func binary(local, other byte, op ...byte) []byte {
	return slices.Concat(get(local), get(other), op, set(local))
}

// simd returns a vector instruction by its number.
func simd(op uint32) []byte { return append([]byte{b.Vector}, b.Unsigned(op)...) }

// bulk returns an instruction after the prefix of bulk operations.
func bulk(op byte, operands ...byte) []byte { return append([]byte{b.Bulk, op}, operands...) }
