package pipeline

import (
	"encoding/binary"
	"strconv"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// The forms of encoded items that this file tells apart (RFC 8949, section 3).
const (
	textItem   = 3
	arrayItem  = 4
	objectItem = 5
	nullItem   = 0xf6
)

// hasNull reports whether a valid item holds a null. It reads heads only, in one pass.
func hasNull(raw cbor.Raw) bool {
	for pos := 0; pos < len(raw); {
		initial := raw[pos]
		pos++
		if initial == nullItem {
			return true
		}
		n := uint64(initial & 0x1f)
		if n >= 24 {
			size := 1 << (n - 24)
			if n > 27 || len(raw)-pos < size {
				return false
			}
			var wide [8]byte
			copy(wide[8-size:], raw[pos:pos+size])
			n = binary.BigEndian.Uint64(wide[:])
			pos += size
		}
		if initial>>5 == textItem {
			if n > uint64(len(raw)-pos) {
				return false
			}
			pos += int(n)
		}
	}
	return false
}

// nullPath returns the path of the first null of a valid item.
func nullPath(raw cbor.Raw) (string, bool) {
	if len(raw) == 0 {
		return "", false
	}
	if raw[0] == nullItem {
		return "", true
	}
	d := cbor.NewDecoder(raw)
	switch raw[0] >> 5 {
	case objectItem:
		key := ""
		for i := range d.Object() {
			key = d.Key(i, key)
			if below, ok := nullPath(d.Raw()); ok {
				return joinPath(key, below), true
			}
		}
	case arrayItem:
		for i := range d.Array() {
			if below, ok := nullPath(d.Raw()); ok {
				return joinPath("["+strconv.Itoa(i)+"]", below), true
			}
		}
	}
	return "", false
}

// joinPath puts two parts of a field path together.
func joinPath(path, below string) string {
	if path == "" || below == "" || below[0] == '[' {
		return path + below
	}
	return path + "." + below
}

// digestOf returns the SHA-256 of a value's canonical JSON.
func digestOf(raw cbor.Raw) (string, error) {
	text, err := cbor.ToJSON(nil, raw)
	if err != nil {
		return "", err
	}
	return bundle.Digest(text), nil
}
