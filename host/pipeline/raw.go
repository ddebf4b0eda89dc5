package pipeline

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// The forms of encoded items that this file tells apart (RFC 8949, section 3).
const (
	textItem   = 3
	arrayItem  = 4
	objectItem = 5
	nullItem   = 0xf6
)

func isObject(raw cbor.Raw) bool { return len(raw) > 0 && raw[0]>>5 == objectItem }

// lookup returns the value at a path of keys, or nothing. raw must be valid.
func lookup(raw cbor.Raw, path ...string) cbor.Raw {
	for _, want := range path {
		if !isObject(raw) {
			return nil
		}
		d := cbor.NewDecoder(raw)
		var found cbor.Raw
		key := ""
		for i := range d.Object() {
			if key = d.Key(i, key); key == want {
				found = d.Raw()
				break
			}
			d.Skip()
		}
		raw = found
	}
	return raw
}

// textAt returns the text at a path of keys, or nothing when there is none.
func textAt(raw cbor.Raw, path ...string) string {
	value := lookup(raw, path...)
	if len(value) == 0 || value[0]>>5 != textItem {
		return ""
	}
	return cbor.NewDecoder(value).String()
}

// refOf reads what a document says of itself.
func refOf(raw cbor.Raw) abi.Ref {
	metadata := lookup(raw, "metadata")
	return abi.Ref{
		APIVersion: textAt(raw, "apiVersion"),
		Kind:       textAt(raw, "kind"),
		Namespace:  textAt(metadata, "namespace"),
		Name:       textAt(metadata, "name"),
	}
}

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
	return digest(text), nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
