package hostile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// inCBOR makes CBOR the encoding of a plugin.
func inCBOR(m *abi.Manifest) { m.Encoding = abi.EncodingCBOR }

// room returns the shape of a guest whose alloc answers with an address.
func room(at int32) func(*guest) { return func(g *guest) { g.alloc = b.Int32(at) } }

// places is the shape of a guest with 32 MiB, so that a place of more than an answer may have is
// inside.
func places(ptr, size uint32) func(*guest) {
	return func(g *guest) { g.pages, g.call = 512, packed(ptr, size) }
}

// asRequest returns the place of the request, moved.
func asRequest(by int32) []byte {
	const shiftLeft = 0x86
	return b.Body(b.LocalGet, 1, b.Int32(by), b.I32Add, b.I64ExtendI32U, b.Int64(32), shiftLeft,
		b.LocalGet, 2, b.I64ExtendI32U, b.I64Or)
}

// placeCases lie about where messages are.
func placeCases() []hostile {
	return []hostile{
		{name: "answer-empty", reason: "an answer of no bytes", guest: calls(packed(answerAt, 0)), want: badAnswer},
		{name: "answer-zero", reason: "no place at all", guest: calls(b.Int64(0)), want: badAnswer},
		{name: "answer-negative", reason: "a length below zero", guest: calls(b.Int64(-1)), want: badAnswer},
		{name: "answer-four-gigabytes", reason: "a length of 2^32-1", guest: calls(packed(answerAt, 1<<32-1)), want: badAnswer},
		{name: "answer-too-large", reason: "one byte more than an answer may have, all inside of memory", manifest: allMemory, guest: places(0, abi.MaxResponseBytes+1), want: badAnswer},
		{name: "answer-beyond-memory", reason: "an address after the end of memory", guest: calls(packed(1<<31, 2)), want: badAnswer},
		{name: "answer-leaves-memory", reason: "an answer that ends one byte after the end of memory", guest: calls(packed(2*pageSize-1, 2)), want: badAnswer},
		{name: "answer-wraps-around", reason: "an address and a length whose sum is small in 32 bits", guest: calls(packed(1<<32-8, 16)), want: badAnswer},
		{name: "answer-at-zero", reason: "an answer of zeros at address 0", guest: calls(packed(0, 100)), want: badAnswer},
		{name: "answer-in-request", reason: "the request as the answer", guest: calls(asRequest(0)), want: ok, check: wantUnknown("resource")},
		{name: "answer-overlaps-request", reason: "an answer that begins inside of the request", guest: calls(asRequest(1)), want: badAnswer},
		{name: "answer-is-whole-memory", reason: "all of memory as the answer", guest: calls(packed(0, 2*pageSize)), want: badAnswer},
		{name: "alloc-nothing", reason: "no room for the request", guest: room(0), want: badAnswer},
		{name: "alloc-misaligned", reason: "room at an odd address", guest: room(scratchAt + 1), want: ok},
		{name: "alloc-beyond-memory", reason: "room after the end of memory", guest: room(2 * pageSize), want: badAnswer},
		{name: "alloc-leaves-memory", reason: "too little room at the end of memory", guest: room(2*pageSize - 1), want: badAnswer},
		{name: "alloc-negative", reason: "room at a negative address", guest: room(-1), want: badAnswer},
		{name: "alloc-on-answer", reason: "room where the answer lies already", guest: room(answerAt), want: badAnswer},
		{name: "alloc-on-data", reason: "room over the plugin's own data", guest: room(answerAt - 2), want: badAnswer},
		{name: "alloc-same-place", reason: "the same room for every request", guest: func(g *guest) {
			g.call = asRequest(0)
		}, want: ok},
	}
}

// wantUnknown wants an answer with a key that the host does not know, and no more of them than
// people read.
func wantUnknown(key string) func(*testing.T, any, []string) {
	return func(t *testing.T, _ any, unknown []string) {
		t.Helper()
		found := false
		for _, k := range unknown {
			found = found || k == key
			presentable(t, k)
		}
		if !found || len(unknown) > 20 {
			t.Errorf("%d unknown keys, one of which must be %q: %.200q", len(unknown), key, unknown)
		}
	}
}

// answer returns a case of a plugin that speaks JSON.
func answer(name, reason, text string, want outcome) hostile {
	return hostile{name: "answer-" + name, reason: reason, guest: answers(text), want: want}
}

// jsonCases answer what is not JSON, or not the data model.
func jsonCases() []hostile {
	manyKeys := answer("unknown-keys", "a hundred thousand unknown keys", keys(100_000), ok)
	manyKeys.check = wantUnknown("k0")
	rudeKey := answer("unknown-key-terminal", "a key that clears the terminal", `{"\u001b[2J":1}`, ok)
	rudeKey.check = wantUnknown(`\x1b[2J`)
	return []hostile{
		manyKeys, rudeKey,
		answer("not-json", "text", "nonsense", badAnswer),
		answer("cbor-from-json", "CBOR from a plugin that speaks JSON", "\xa0", badAnswer),
		answer("not-utf8", "text that is not UTF-8", "{\"results\":\"\xff\"}", badAnswer),
		answer("half-surrogate", "half a character", `{"results":[{"severity":"info","message":"\ud800"}]}`, badAnswer),
		answer("duplicate-key", "a key that is a duplicate", `{"results":[],"results":[]}`, badAnswer),
		answer("duplicate-key-escaped", "a key that is a duplicate in two spellings", `{"results":[],"r\u0065sults":[]}`, badAnswer),
		answer("deep", "ten thousand arrays in each other", strings.Repeat("[", 10_000)+strings.Repeat("]", 10_000), badAnswer),
		answer("deep-unknown", "a million nested arrays, in an unknown field", `{"x":`+strings.Repeat("[", 1_000_000), badAnswer),
		answer("trailing", "a second message after the first", "{} {}", badAnswer),
		answer("trailing-zero", "a zero byte after the message", "{}\x00", badAnswer),
		answer("nan", "NaN", `{"x":NaN}`, badAnswer),
		answer("infinity", "a number beyond every float", `{"x":1e999}`, badAnswer),
		answer("integer-huge", "an integer of a thousand digits", `{"x":`+strings.Repeat("9", 1000)+`}`, badAnswer),
		answer("byte-order-mark", "a byte order mark", "\xef\xbb\xbf{}", badAnswer),
		answer("comment", "a comment", "{/* */}", badAnswer),
		answer("array", "a list in place of an object", "[]", badAnswer),
		answer("null", "null in place of an object", "null", badAnswer),
		answer("wrong-type", "a number in place of a list", `{"outputs":7}`, badAnswer),
		answer("large", "three million spaces after a message", "{}"+strings.Repeat(" ", 3_000_000), ok),
	}
}

// keys returns an object with so many keys.
func keys(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"k%d":0`, i)
	}
	return "{" + text.String()[1:] + "}"
}

// encoded returns a case of a plugin that speaks CBOR.
func encoded(name, reason, text string, want outcome) hostile {
	return hostile{name: "cbor-" + name, reason: reason, guest: answers(text), manifest: inCBOR, want: want}
}

// cborCases answer what is not deterministic CBOR.
func cborCases() []hostile {
	const results = "\x67results"
	return []hostile{
		encoded("good", "an empty message", "\xa0", ok),
		encoded("json", "JSON from a plugin that speaks CBOR", "{}", badAnswer),
		encoded("cut", "a message that ends early", "\xa1"+results, badAnswer),
		encoded("not-utf8", "text that is not UTF-8", "\xa1\x61x\x61\xff", badAnswer),
		encoded("duplicate-key", "a key that is a duplicate", "\xa2"+results+"\x80"+results+"\x80", badAnswer),
		encoded("unsorted", "keys that are not sorted", "\xa2\x61b\x00\x61a\x00", badAnswer),
		encoded("deep", "ten thousand arrays in each other", "\xa1\x61x"+strings.Repeat("\x81", 10_000)+"\x00", badAnswer),
		encoded("trailing", "a second message after the first", "\xa0\xa0", badAnswer),
		encoded("nan", "NaN", "\xa1\x61x\xf9\x7e\x00", badAnswer),
		encoded("infinity", "infinity", "\xa1\x61x\xf9\x7c\x00", badAnswer),
		encoded("indefinite", "a list without a length", "\xa1"+results+"\x9f\xff", badAnswer),
		encoded("padded-length", "a length that is not in its shortest form", "\xb8\x00", badAnswer),
		encoded("tag", "a tag", "\xc0\xa0", badAnswer),
		encoded("bytes", "a byte string", "\xa1\x61x\x41x", badAnswer),
		encoded("undefined", "undefined", "\xa1\x61x\xf7", badAnswer),
		encoded("number-key", "a key that is a number", "\xa1\x00\x00", badAnswer),
		encoded("list-lies", "a list of 2^64-1 entries", "\xa1"+results+"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", badAnswer),
		encoded("text-lies", "text of 2^63 bytes", "\xa1\x61x\x7b\x80\x00\x00\x00\x00\x00\x00\x00", badAnswer),
		encoded("list-large", "a list of two million numbers in place of results", "\xa1"+results+"\x9a\x00\x1e\x84\x80"+strings.Repeat("\x00", 2_000_000), badAnswer),
	}
}

// inEncoding turns JSON into the answer of a plugin that speaks CBOR, so that both ways are walked.
func inEncoding(c hostile, json string) hostile {
	data, err := cbor.FromJSON(nil, []byte(json), abi.MaxDepth)
	if err != nil {
		panic(err)
	}
	c.name = "cbor-" + c.name
	c.guest = answers(string(data))
	c.manifest = inCBOR
	return c
}
