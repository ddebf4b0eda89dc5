package sha256

import (
	"bytes"
	oracle "crypto/sha256"
	"encoding/hex"
	"testing"
)

func TestSumEqualsStandardLibrary(t *testing.T) {
	data := bytes.Repeat([]byte("lattice"), 100)
	for n := range data {
		if got, want := Sum(data[:n]), oracle.Sum256(data[:n]); got != want {
			t.Fatalf("length %d: got %x, want %x", n, got, want)
		}
	}
}

func TestHexEqualsStandardLibrary(t *testing.T) {
	data := []byte{0, 1, 15, 16, 127, 128, 255}
	if got, want := Hex(data), hex.EncodeToString(data); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func FuzzSum(f *testing.F) {
	f.Add([]byte("abc"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if got, want := Sum(data), oracle.Sum256(data); got != want {
			t.Errorf("got %x, want %x", got, want)
		}
	})
}
