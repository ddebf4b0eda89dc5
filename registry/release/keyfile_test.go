package release_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

// noPassphrase fails: no one is there.
func noPassphrase() ([]byte, error) { return nil, errors.New("no terminal") }

func passphrase(s string) release.Passphrase { return func() ([]byte, error) { return []byte(s), nil } }

// TestEncryptedKeyFiles opens a key with its passphrase, and with no other.
func TestEncryptedKeyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := registrytest.Key(t, 1)
	file, public, err := release.WriteKeyPair(dir, "acme", key, []byte("correct horse"))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(data, []byte("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")) {
		t.Errorf("the file begins with %.60q", data)
	}
	read, err := release.ReadPrivateKey(file, passphrase("correct horse"))
	if err != nil || !read.Ed25519.Equal(key.Ed25519) || read.ID != key.ID {
		t.Errorf("%v, %v", read, err)
	}
	for _, wrong := range []string{"", "correct horse ", "Correct horse"} {
		_, err := release.ReadPrivateKey(file, passphrase(wrong))
		if !errors.Is(err, release.ErrPassphrase) || err.Error() != file+": the passphrase is wrong, or the file is damaged" {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := release.ReadPrivateKey(file, noPassphrase); err == nil || err.Error() != file+": no terminal" {
		t.Error(err)
	}
	const mistaken = ": is a public key; name the file with the private one, which ends with .key"
	if _, err := release.ReadPrivateKey(public, noPassphrase); err == nil || err.Error() != public+mistaken {
		t.Error(err)
	}
}

// TestCosignKeyFile reads what cosign writes: PKCS #8 in the library's box, whatever the cost of
// guessing.
func TestCosignKeyFile(t *testing.T) {
	t.Parallel()
	key := registrytest.Key(t, 2)
	der, err := x509.MarshalPKCS8PrivateKey(key.Ed25519)
	if err != nil {
		t.Fatal(err)
	}
	box, err := encrypted.EncryptWithCustomKDFParameters(der, []byte("x"), encrypted.Legacy)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cosign.key")
	content := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: box})
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := release.ReadPrivateKey(file, passphrase("x"))
	if err != nil || read.ID != key.ID {
		t.Errorf("%v, %v", read, err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"Cost":  func(b []byte) []byte { return bytes.Replace(b, []byte("32768"), []byte("1073741824"), 1) },
		"Nonce": func(b []byte) []byte { return bytes.Replace(b, []byte(`"nonce":"`), []byte(`"nonce":"AAAA`), 1) },
		"Text":  func([]byte) []byte { return []byte("x") },
	} {
		content := pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED SIGSTORE PRIVATE KEY", Bytes: damage(bytes.Clone(box))})
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := release.ReadPrivateKey(file, passphrase("x")); !errors.Is(err, release.ErrPassphrase) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzKeyFiles reads key files. Nothing makes the program panic or takes long.
func FuzzKeyFiles(f *testing.F) {
	dir := f.TempDir()
	private, public, err := release.WriteKeyPair(dir, "seed", registrytest.Key(f, 1), nil)
	if err != nil {
		f.Fatal(err)
	}
	sealed, _, err := release.WriteKeyPair(dir, "sealed", registrytest.Key(f, 1), []byte("x"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{private, public, sealed} {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := release.ReadPrivateKey(file, passphrase("y")); err == nil && len(key.Ed25519) != 64 {
			t.Error("half a key was read")
		}
		if key, err := release.ReadPublicKey(file); err == nil && len(key.Ed25519) != 32 {
			t.Error("half a key was read")
		}
	})
}
