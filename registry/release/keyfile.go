package release

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/latticenet/lattice-host/internal/diskfile"
)

// The PEM types of key files: PKCS #8 (RFC 5958), SubjectPublicKeyInfo (RFC 5280), and what cosign
// keeps private keys in: PKCS #8 in the secret box of a passphrase.
const (
	pemPrivate   = "PRIVATE KEY"
	pemEncrypted = "ENCRYPTED SIGSTORE PRIVATE KEY"
	pemPublic    = "PUBLIC KEY"
)

// maxKeyFileBytes is far above the size of a PEM file with one Ed25519 key.
const maxKeyFileBytes = 16 << 10

// ErrPassphrase marks a passphrase that does not open a key file.
var ErrPassphrase = errors.New("the passphrase is wrong, or the file is damaged")

// Passphrase returns what a private key is encrypted with. It is asked only when a file needs one.
type Passphrase func() ([]byte, error)

// WriteKeyPair writes the key to the files name.key (PEM, mode 0600) and name.pub (PEM PKIX, mode
// 0644) in dir, and returns their paths. The private key is encrypted with the passphrase; an empty
// one leaves it in the clear. It never replaces a file: the error is fs.ErrExist then, and neither
// file is written.
func WriteKeyPair(dir, name string, key PrivateKey, passphrase []byte) (privateFile, publicFile string, err error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", "", fmt.Errorf("%q cannot name a key file, give a name without slashes", name)
	}
	if err := key.check(); err != nil {
		return "", "", err
	}
	private, err := encodePrivate(key, passphrase)
	if err != nil {
		return "", "", err
	}
	publicDER, err := x509.MarshalPKIXPublicKey(key.Public().Ed25519)
	if err != nil {
		return "", "", err
	}
	privateFile, publicFile = filepath.Join(dir, name+PrivateEnding), filepath.Join(dir, name+PublicEnding)
	if err := diskfile.Create(publicFile, encodePEM(pemPublic, publicDER), 0o644); err != nil {
		return "", "", err
	}
	if err := diskfile.Create(privateFile, private, 0o600); err != nil {
		// The public file is the one written a moment ago, of no use to anybody without the private
		// one.
		return "", "", errors.Join(err, os.Remove(publicFile))
	}
	return privateFile, publicFile, nil
}

// The endings of the two files of a key.
const (
	PrivateEnding = ".key"
	PublicEnding  = ".pub"
)

func encodePrivate(key PrivateKey, passphrase []byte) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key.Ed25519)
	if err != nil || len(passphrase) == 0 {
		return encodePEM(pemPrivate, der), err
	}
	box, err := encrypted.Encrypt(der, passphrase)
	return encodePEM(pemEncrypted, box), err
}

func encodePEM(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}

// ReadPrivateKey reads a file that [WriteKeyPair], openssl genpkey or cosign wrote. A file that
// others than its owner may read or write is refused. The error is [ErrPassphrase] when the
// passphrase does not open it.
func ReadPrivateKey(file string, passphrase Passphrase) (PrivateKey, error) {
	data, err := readKeyFile(file, ownerOnly)
	if err != nil {
		if _, mistaken := ReadPublicKey(file); mistaken == nil {
			// To close it to others would be of no use.
			err = fmt.Errorf("%s: is a public key; name the file with the private one, which ends with %s", file, PrivateEnding)
		}
		return PrivateKey{}, err
	}
	key, err := parsePrivate(data, passphrase)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

func parsePrivate(data []byte, passphrase Passphrase) (PrivateKey, error) {
	block, err := parsePEM(data, pemPrivate, pemEncrypted)
	if err != nil {
		return PrivateKey{}, err
	}
	der := block.Bytes
	if block.Type == pemEncrypted {
		if der, err = open(der, passphrase); err != nil {
			return PrivateKey{}, err
		}
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return PrivateKey{}, fmt.Errorf("is not a PKCS #8 private key: %w", err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, errors.New("is not an Ed25519 key")
	}
	return newPrivateKey(key), nil
}

// open decrypts the content of an encrypted key file. The library takes no other cost of guessing a
// passphrase than three known ones, so that a file cannot keep a machine busy forever.
func open(box []byte, passphrase Passphrase) ([]byte, error) {
	secret, err := passphrase()
	if err != nil {
		return nil, err
	}
	der, err := encrypted.Decrypt(box, secret)
	if err != nil {
		return nil, ErrPassphrase
	}
	return der, nil
}

// ReadPublicKey reads a file that [WriteKeyPair], openssl pkey -pubout or cosign wrote.
func ReadPublicKey(file string) (PublicKey, error) {
	data, err := readKeyFile(file, func(fs.FileInfo) error { return nil })
	if err != nil {
		return PublicKey{}, err
	}
	key, err := parsePublic(data)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%s: %w", file, err)
	}
	return key, nil
}

func parsePublic(data []byte) (PublicKey, error) {
	block, err := parsePEM(data, pemPublic)
	if err != nil {
		return PublicKey{}, err
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return PublicKey{}, fmt.Errorf("is not a PKIX public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, errors.New("is not an Ed25519 key")
	}
	return NewPublicKey(key)
}

func ownerOnly(info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Errorf("the private key is open to others (mode %04o), run chmod 600 on it", mode)
	}
	return nil
}

// readKeyFile returns the content of a key file, and one byte more when it is too large for one.
// The check sees the file that is read, not one that a rename put in its place.
func readKeyFile(file string, check func(fs.FileInfo) error) (data []byte, err error) {
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
	return io.ReadAll(io.LimitReader(f, maxKeyFileBytes+1))
}

// parsePEM returns the single PEM block in data, of one of the kinds.
func parsePEM(data []byte, kinds ...string) (*pem.Block, error) {
	block, rest := pem.Decode(data)
	fits := len(data) <= maxKeyFileBytes && block != nil && len(block.Headers) == 0 && len(bytes.TrimSpace(rest)) == 0
	for _, kind := range kinds {
		if fits && block.Type == kind {
			return block, nil
		}
	}
	return nil, fmt.Errorf("must hold one PEM block %q and nothing else", kinds[0])
}
