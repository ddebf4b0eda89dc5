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

// KeyID returns the id of a public key: "ed25519-" and the first 16 hexadecimal digits of the SHA-256 of its 32 bytes.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return "ed25519-" + hex.EncodeToString(sum[:8])
}

// NewPublicKey returns the key with its id. Raw must have 32 bytes.
func NewPublicKey(raw []byte) (PublicKey, error) {
	k := PublicKey{ID: KeyID(raw), Ed25519: bytes.Clone(raw)}
	return k, k.check()
}

// GenerateKey makes a key from 32 bytes of rand, which must be crypto/rand.Reader for keys that matter.
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
	return nil
}
