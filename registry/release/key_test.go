package release_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
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

// weakKeys are encodings of public keys that no one needs a private key of, or that are another
// spelling of a key.
func weakKeys() map[string][]byte {
	keys := map[string][]byte{}
	for name, text := range map[string]string{
		"order 1":       "0100000000000000000000000000000000000000000000000000000000000000",
		"order 2":       "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4":       "0000000000000000000000000000000000000000000000000000000000000000",
		"order 8":       "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"again 8":       "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"0 as p":        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"1 as p+1":      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"3 as p+3":      "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"18 as 2^255-1": "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		key, err := hex.DecodeString(text)
		if err != nil {
			panic(err)
		}
		keys[name] = key
		other := bytes.Clone(key)
		other[31] |= 0x80
		keys[name+", x negative"] = other
	}
	return keys
}

func TestAttack26_WeakKeys(t *testing.T) {
	t.Parallel()
	for name, raw := range weakKeys() {
		if _, err := release.NewPublicKey(raw); err == nil || !strings.Contains(err.Error(), "anybody can sign with it") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Two below the prime, an ordinary coordinate.
	raw := weakKeys()["order 2"]
	raw[0]--
	if _, err := release.NewPublicKey(raw); err != nil {
		t.Error(err)
	}
	// The signature of every document: no private key was needed for it.
	weak := weakKeys()["order 1"]
	signature := append(bytes.Clone(weak), make([]byte, 32)...)
	if !ed25519.Verify(weak, []byte("anything"), signature) {
		t.Fatal("crypto/ed25519 refuses such keys itself")
	}
	keys := []release.PublicKey{{ID: release.KeyID(weak), Ed25519: weak}}
	if err := release.VerifyPayload(keys, keys[0].ID, "text/plain", []byte("anything"), signature); !errors.Is(err, release.ErrNotTrusted) {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "weak.pub")
	der, err := x509.MarshalPKIXPublicKey(ed25519.PublicKey(weak))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := release.ReadPublicKey(file); err == nil || !strings.Contains(err.Error(), "weak.pub: the key ed25519-") {
		t.Error(err)
	}
}

// TestWeakKeys computes that the points of small order are what they are said to be (RFC 8032,
// sections 5.1.3 and 5.1.4).
func TestWeakKeys(t *testing.T) {
	t.Parallel()
	p := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	mod := func(n *big.Int) *big.Int { return n.Mod(n, p) }
	mul := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Mul(a, b)) }
	add := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Add(a, b)) }
	sub := func(a, b *big.Int) *big.Int { return mod(new(big.Int).Sub(a, b)) }
	inverse := func(n *big.Int) *big.Int { return new(big.Int).ModInverse(n, p) }
	one := big.NewInt(1)
	d := mul(sub(new(big.Int), big.NewInt(121665)), inverse(big.NewInt(121666)))
	for _, name := range []string{"order 1", "order 2", "order 4", "order 8", "again 8"} {
		raw := weakKeys()[name]
		slices.Reverse(raw)
		y := new(big.Int).SetBytes(raw)
		yy := mul(y, y)
		x := new(big.Int).ModSqrt(mul(sub(yy, one), inverse(add(mul(d, yy), one))), p)
		if x == nil {
			t.Fatalf("%s: no point of the curve", name)
		}
		for range 3 {
			t := mul(d, mul(mul(x, x), mul(y, y)))
			x, y = mul(mul(big.NewInt(2), mul(x, y)), inverse(add(one, t))), mul(add(mul(y, y), mul(x, x)), inverse(sub(one, t)))
		}
		if x.Sign() != 0 || y.Cmp(one) != 0 {
			t.Errorf("%s: eight times the point is not the neutral one", name)
		}
	}
}
