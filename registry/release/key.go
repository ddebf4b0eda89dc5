package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/latticenet/lattice-host/internal/diskfile"
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

// The PEM types of key files: PKCS #8 (RFC 5958) and SubjectPublicKeyInfo (RFC 5280).
const (
	pemPrivate = "PRIVATE KEY"
	pemPublic  = "PUBLIC KEY"
)

// maxKeyFileBytes is far above the size of a PEM file with one Ed25519 key.
const maxKeyFileBytes = 16 << 10

// WriteKeyPair writes the key to the files name.key (PEM PKCS #8, mode 0600) and name.pub (PEM PKIX, mode 0644) in dir,
// and returns their paths. It never replaces a file: the error is fs.ErrExist then, and neither file is written.
func WriteKeyPair(dir, name string, key PrivateKey) (privateFile, publicFile string, err error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", "", fmt.Errorf("%q cannot name a key file, give a name without slashes", name)
	}
	if err := key.check(); err != nil {
		return "", "", err
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(key.Ed25519)
	if err != nil {
		return "", "", err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(key.Public().Ed25519)
	if err != nil {
		return "", "", err
	}
	privateFile, publicFile = filepath.Join(dir, name+".key"), filepath.Join(dir, name+".pub")
	if err := diskfile.Create(publicFile, encodePEM(pemPublic, publicDER), 0o644); err != nil {
		return "", "", err
	}
	if err := diskfile.Create(privateFile, encodePEM(pemPrivate, privateDER), 0o600); err != nil {
		// The public file is the one written a moment ago, of no use to anybody without the private one.
		return "", "", errors.Join(err, os.Remove(publicFile))
	}
	return privateFile, publicFile, nil
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// ReadPrivateKey reads a file that [WriteKeyPair] or openssl genpkey wrote. A file that others than its owner may read or
// write is refused.
func ReadPrivateKey(file string) (PrivateKey, error) {
	der, err := readPEM(file, pemPrivate, ownerOnly)
	if err != nil {
		return PrivateKey{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%s: is not a PKCS #8 private key: %w", file, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, fmt.Errorf("%s: is not an Ed25519 key", file)
	}
	return newPrivateKey(key), nil
}

// ReadPublicKey reads a file that [WriteKeyPair] or openssl pkey -pubout wrote.
func ReadPublicKey(file string) (PublicKey, error) {
	der, err := readPEM(file, pemPublic, func(fs.FileInfo) error { return nil })
	if err != nil {
		return PublicKey{}, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%s: is not a PKIX public key: %w", file, err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, fmt.Errorf("%s: is not an Ed25519 key", file)
	}
	return NewPublicKey(key)
}

func ownerOnly(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("the private key is open to others (mode %04o), run chmod 600 on it", mode)
	}
	return nil
}

// readPEM returns the content of the single PEM block in file. The check sees the file that is read, not one that a
// rename put in its place.
func readPEM(file, kind string, check func(fs.FileInfo) error) (der []byte, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := check(info); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFileBytes+1))
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(data)
	if len(data) > maxKeyFileBytes || block == nil || block.Type != kind || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return nil, fmt.Errorf("%s: must hold one PEM block %q and nothing else", file, kind)
	}
	return block.Bytes, nil
}
