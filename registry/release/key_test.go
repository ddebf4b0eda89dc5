package release_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := registrytest.Key(t, 1)
	privateFile, publicFile, err := release.WriteKeyPair(dir, "acme", key, nil)
	if err != nil {
		t.Fatal(err)
	}
	private, err := release.ReadPrivateKey(privateFile, noPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	public, err := release.ReadPublicKey(publicFile)
	if err != nil {
		t.Fatal(err)
	}
	if !private.Ed25519.Equal(key.Ed25519) || private.ID != key.ID {
		t.Error("the private key changed on its way through the file")
	}
	if diff := cmp.Diff(key.Public(), public); diff != "" {
		t.Error(diff)
	}
	sum := sha256.Sum256(public.Ed25519)
	if want := "ed25519-" + hex.EncodeToString(sum[:])[:16]; public.ID != want {
		t.Errorf("the id is %s, want %s", public.ID, want)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %04o", e.Name(), info.Mode()))
	}
	if diff := cmp.Diff([]string{"acme.key 0600", "acme.pub 0644"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestWriteKeyPairNeverReplaces(t *testing.T) {
	t.Parallel()
	for _, existing := range []string{"acme.key", "acme.pub"} {
		t.Run(existing, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, existing), []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, _, err := release.WriteKeyPair(dir, "acme", registrytest.Key(t, 1), nil); !errors.Is(err, fs.ErrExist) {
				t.Fatalf("want fs.ErrExist, got %v", err)
			}
			entries, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			content, err := os.ReadFile(filepath.Join(dir, existing))
			if err != nil || len(entries) != 1 || string(content) != "precious" {
				t.Errorf("the folder holds %v, the file %q, %v", entries, content, err)
			}
		})
	}
	for _, name := range []string{"", "a/b", "..", ".hidden"} {
		if _, _, err := release.WriteKeyPair(t.TempDir(), name, registrytest.Key(t, 1), nil); err == nil {
			t.Errorf("the name %q was taken", name)
		}
	}
}

func TestReadKeyRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	privateFile, publicFile, err := release.WriteKeyPair(dir, "good", registrytest.Key(t, 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	read := func(file string) []byte {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	private, public := read(privateFile), read(publicFile)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ecPrivate, err := x509.MarshalPKCS8PrivateKey(p256)
	if err != nil {
		t.Fatal(err)
	}
	ecPublic, err := x509.MarshalPKIXPublicKey(p256.Public())
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	tests := map[string]struct {
		reason  string
		private bool
		content []byte
		mode    fs.FileMode
		says    string
	}{
		"GroupReadable":   {reason: "A private key belongs to one account.", private: true, content: private, mode: 0o640, says: "chmod 600"},
		"WorldReadable":   {reason: "A private key belongs to one account.", private: true, content: private, mode: 0o604, says: "chmod 600"},
		"PublicAsPrivate": {reason: "The wrong half.", private: true, content: public, mode: 0o600, says: "one PEM block"},
		"PrivateAsPublic": {reason: "The wrong half.", content: private, mode: 0o600, says: "one PEM block"},
		"TwoBlocks":       {reason: "One of two keys would be ignored.", content: append(bytes.Clone(public), public...), mode: 0o644, says: "one PEM block"},
		"Empty":           {reason: "No key.", content: nil, mode: 0o644, says: "one PEM block"},
		"Huge":            {reason: "Reading is bounded.", content: append(bytes.Clone(public), bytes.Repeat([]byte("\n"), 1<<20)...), mode: 0o644, says: "one PEM block"},
		"ECPrivate":       {reason: "Only Ed25519.", private: true, content: block("PRIVATE KEY", ecPrivate), mode: 0o600, says: "not an Ed25519 key"},
		"ECPublic":        {reason: "Only Ed25519.", content: block("PUBLIC KEY", ecPublic), mode: 0o600, says: "not an Ed25519 key"},
		"BadDER":          {reason: "Not a key.", private: true, content: block("PRIVATE KEY", []byte("x")), mode: 0o600, says: "PKCS #8"},
		"BadPublicDER":    {reason: "Not a key.", content: block("PUBLIC KEY", []byte("x")), mode: 0o600, says: "PKIX"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(dir, name)
			if err := os.WriteFile(file, tc.content, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, tc.mode); err != nil {
				t.Fatal(err)
			}
			var err error
			if tc.private {
				_, err = release.ReadPrivateKey(file, noPassphrase)
			} else {
				_, err = release.ReadPublicKey(file)
			}
			if err == nil || !strings.HasPrefix(err.Error(), file+": ") || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that names %s and says %q, got %v", tc.reason, file, tc.says, err)
			}
		})
	}
}

func TestPrivateKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	key := registrytest.Key(t, 1)
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, key); got != key.ID {
			t.Errorf("%s prints %s", format, got)
		}
	}
}
