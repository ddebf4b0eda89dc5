package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// PrivateKey signs releases and indexes.
type PrivateKey struct {
	// ID is the [KeyID] of the public half.
	ID string
	// Ed25519 is the key.
	Ed25519 ed25519.PrivateKey
}

// PublicKey verifies what the private key with the same ID signed.
type PublicKey struct {
	// ID is the [KeyID] of the key.
	ID string
	// Ed25519 is the key, 32 bytes.
	Ed25519 ed25519.PublicKey
}

// KeyID returns the id of a public key: "ed25519-" and the first 16 hexadecimal digits of the
// SHA-256 of its 32 bytes.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "ed25519-" + hex.EncodeToString(sum[:8])
}

// NewPublicKey returns the key with its id. Raw must have 32 bytes, and be a key that only one
// person can sign with.
func NewPublicKey(raw []byte) (PublicKey, error) {
	k := PublicKey{ID: KeyID(raw), Ed25519: bytes.Clone(raw)}
	return k, k.check()
}

// GenerateKey makes a key from 32 bytes of rand, which must be crypto/rand.Reader for keys that
// matter.
func GenerateKey(rand io.Reader) (PrivateKey, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(rand, seed); err != nil {
		return PrivateKey{}, fmt.Errorf("reading random bytes for a key: %w", err)
	}
	return newPrivateKey(ed25519.NewKeyFromSeed(seed)), nil
}

// Public returns the public half.
func (k PrivateKey) Public() PublicKey {
	public, _ := k.Ed25519.Public().(ed25519.PublicKey)
	return PublicKey{ID: k.ID, Ed25519: public}
}

// String returns the id, so that no message shows the key.
func (k PrivateKey) String() string { return k.ID }

// GoString returns the id, so that no message shows the key.
func (k PrivateKey) GoString() string { return k.ID }

func newPrivateKey(key ed25519.PrivateKey) PrivateKey {
	k := PrivateKey{Ed25519: key}
	k.ID = KeyID(k.Public().Ed25519)
	return k
}

func (k PrivateKey) check() error {
	if len(k.Ed25519) != ed25519.PrivateKeySize {
		return errors.New("the private key is not an Ed25519 key")
	}
	return k.Public().check()
}

func (k PublicKey) check() error {
	if len(k.Ed25519) != ed25519.PublicKeySize {
		return fmt.Errorf("the key %q has %d bytes, an Ed25519 key has %d", k.ID, len(k.Ed25519), ed25519.PublicKeySize)
	}
	if id := KeyID(k.Ed25519); id != k.ID {
		return fmt.Errorf("the key %q must have the id %s", k.ID, id)
	}
	if isWeak(k.Ed25519) {
		return fmt.Errorf("the key %s is of no use, anybody can sign with it: its 32 bytes are a point of small order, or not spelt as RFC 8032 asks", k.ID)
	}
	return nil
}

// isWeak reports whether a public key of 32 bytes is one that no one needs the private key of, or
// another spelling of a key, which would have an id of its own. The facts are those of edwards25519
// (RFC 8032, section 5.1).
//
// Eight points of the curve have an order that divides 8. With one of them for a key, a signature
// that anybody can make up fits one message in eight, or every message. They share five y
// coordinates; the highest bit of the encoding is the sign of x.
func isWeak(key ed25519.PublicKey) bool {
	const (
		order1  = "0100000000000000000000000000000000000000000000000000000000000000"
		order2  = "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
		order4  = "0000000000000000000000000000000000000000000000000000000000000000"
		order8  = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
		order8b = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
	)
	y := bytes.Clone(key)
	y[len(y)-1] &= 0x7f
	switch hex.EncodeToString(y) {
	case order1, order2, order4, order8, order8b:
		return true
	}
	// From the prime of the field on, 2^255 - 19, a coordinate has a smaller spelling. The least
	// byte is the first.
	return y[0] >= 0xed && y[len(y)-1] == 0x7f && bytes.Count(y[1:len(y)-1], []byte{0xff}) == len(y)-2
}
