package codecache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
)

// sealed gives an entry the right checksum and header length.
func sealed(b []byte, headerBytes int) []byte {
	b = bytes.Clone(b)
	binary.BigEndian.PutUint32(b[prefixBytes-4:], uint32(headerBytes))
	sum := sha256.Sum256(b[len(magic)+sha256.Size:])
	copy(b[len(magic):], sum[:])
	return b
}

// FuzzEntry reads any bytes as an entry, as they are and with a right checksum. What is accepted
// must say what it is.
func FuzzEntry(f *testing.F) {
	key := Key{1, 2, 3}
	good, err := encode(key, header("code"), []byte("code"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, uint16(len(good)-len("code")-prefixBytes))
	f.Add([]byte(magic), uint16(0))
	f.Add([]byte(nil), uint16(9))
	f.Fuzz(func(t *testing.T, data []byte, headerBytes uint16) {
		tryEntry(t, data, key)
		if len(data) >= prefixBytes {
			tryEntry(t, sealed(data, int(headerBytes)), key)
		}
	})
}

func tryEntry(t *testing.T, data []byte, key Key) {
	t.Helper()
	var code bytes.Buffer
	e, err := readEntry(bytes.NewReader(data), key)
	if err == nil {
		err = e.copyCode(&code)
	}
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("bytes in memory cannot be read: %v", err)
		}
		return
	}
	if err := e.check(); err != nil {
		t.Errorf("accepted %v", err)
	}
	sum := sha256.Sum256(data[len(magic)+sha256.Size:])
	if !bytes.Equal(data[len(magic):len(magic)+sha256.Size], sum[:]) || !bytes.HasSuffix(data, code.Bytes()) || !bytes.Contains(data, []byte(key.String())) {
		t.Errorf("accepted %q", data)
	}
}
