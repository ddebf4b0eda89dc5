package hostile

import (
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// header begins every module: magic and version 1.
const header = "\x00asm\x01\x00\x00\x00"

// The sections that cases make by hand.
const (
	customSection   = 0
	typeSection     = 1
	functionSection = 3
	memorySection   = 5
	codeSection     = 10
	countSection    = 12
)

// sections calls yield with the place of each section of a good module: where it begins, where its
// content does, and where it ends.
func sections(wasm []byte, yield func(start, content, end int) bool) {
	for at := len(header); at < len(wasm); {
		start, size, shift := at, 0, 0
		for at++; ; at++ {
			size |= int(wasm[at]&0x7f) << shift
			shift += 7
			if wasm[at] < 0x80 {
				break
			}
		}
		at++
		if !yield(start, at, at+size) {
			return
		}
		at += size
	}
}

// sectionOf returns a section of a good module.
func sectionOf(wasm []byte, id byte) (found []byte) {
	sections(wasm, func(start, _, end int) bool {
		found = wasm[start:end]
		return wasm[start] != id
	})
	return found
}

// changed returns a change of the content of one section.
func changed(id byte, change func(content []byte) []byte) func([]byte) []byte {
	return func(wasm []byte) []byte {
		out := []byte(header)
		sections(wasm, func(start, content, end int) bool {
			part := wasm[content:end:end]
			if wasm[start] == id {
				part = change(part)
			}
			out = b.Section(out, wasm[start], part)
			return true
		})
		return out
	}
}

// shortened returns the sections among the first n bytes of a good module. The last one is as long
// as it says.
func shortened(wasm []byte, n int) []byte {
	var kept []byte
	sections(wasm, func(start, content, end int) bool {
		if content <= n {
			kept = b.Section(kept, wasm[start], wasm[content:min(end, n)])
		}
		return end <= n
	})
	return kept
}

// wholeModule returns a good module with every section. Code is the last one that has anything to
// miss: the data after it was counted before.
func wholeModule() []byte {
	var g guest
	log := g.log()
	g.Table(2, 4)
	g.GlobalInt32(5)
	g.PassiveData([]byte("passive"))
	f := g.procedure(invoke(log, 0, scratchAt, 4))
	g.Elements(0, f, f)
	g.Start(f)
	g.initialize = b.Body(b.Call, b.Unsigned(f))
	return g.bytes()
}
