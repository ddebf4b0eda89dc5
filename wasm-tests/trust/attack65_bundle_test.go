package trust

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	sigstoreroot "github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/release"
)

// signed is a release and what a reader who knows its publisher wants.
type signed struct {
	manifest     *abi.Manifest
	wasm, bundle []byte
	want         release.Want
}

func newSigned(t *testing.T, by release.PrivateKey) signed {
	t.Helper()
	m := &abi.Manifest{
		Schema: abi.ManifestSchema, Publisher: "acme", Name: "web", Version: "1.2.0", ABI: abi.Version,
		Encoding: abi.EncodingJSON, Summary: "derives <a> & b", Derives: []abi.Derives{{Group: "lattice.dev", Kind: "LatticeService"}},
	}
	wasm, err := release.AppendManifestSection([]byte("\x00asm\x01\x00\x00\x00"), m.CanonicalJSON())
	check(t, err)
	b, err := release.Sign(by, wasm)
	check(t, err)
	return signed{m, wasm, b, release.Want{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version, Digest: release.Digest(wasm), Rule: release.AnyOf(by.Public()),
	}}
}

// sigstoreGo verifies a bundle with sigstore-go.
func sigstoreGo(data []byte, want release.Want) error {
	keys := map[string]*sigstoreroot.ExpiringKey{}
	for _, k := range want.Keys {
		verifier, err := signature.LoadVerifier(k.Ed25519, crypto.Hash(0))
		if err != nil {
			return err
		}
		keys[k.ID] = sigstoreroot.NewExpiringKey(verifier, time.Time{}, time.Time{})
	}
	verifier, err := verify.NewVerifier(sigstoreroot.NewTrustedPublicKeyMaterialFromMapping(keys), verify.WithNoObserverTimestamps())
	if err != nil {
		return err
	}
	var b bundle.Bundle
	if err := b.UnmarshalJSON(data); err != nil {
		return err
	}
	sum, err := hex.DecodeString(strings.TrimPrefix(want.Digest, "sha256:"))
	if err != nil {
		return err
	}
	_, err = verifier.Verify(&b, verify.NewPolicy(verify.WithArtifactDigest("sha256", sum), verify.WithKey()))
	return err
}

// sigstoreJS verifies a bundle with @sigstore/verify and returns the statement that was signed.
func sigstoreJS(t *testing.T, js *script, data []byte, want release.Want) ([]byte, error) {
	t.Helper()
	keys := map[string]string{}
	for _, k := range want.Keys {
		der, err := x509.MarshalPKIXPublicKey(k.Ed25519)
		check(t, err)
		keys[k.ID] = string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	}
	var answer struct {
		Payload []byte `json:"payload"`
	}
	err := js.call(t, map[string]any{"bundle": string(data), "keys": keys}, &answer)
	return answer.Payload, err
}

// TestAttack65_EachSignature has sigstore-go verify what each of two people signed.
func TestAttack65_EachSignature(t *testing.T) {
	t.Parallel()
	ann, bob := key(t, 1), key(t, 2)
	r := newSigned(t, ann)
	both, err := release.AddSignature(bob, r.wasm, r.bundle)
	check(t, err)
	r.want.Rule = release.Rule{Keys: []release.PublicKey{ann.Public(), bob.Public()}, Threshold: 2}
	_, err = release.Verify(both, r.wasm, r.want)
	check(t, err)
	parts, err := release.SplitBundle(both)
	check(t, err)
	for _, part := range parts {
		if err := sigstoreGo(part, r.want); err != nil {
			t.Errorf("sigstore-go: %v", err)
		}
	}
	if len(parts) != 2 {
		t.Errorf("%d bundles", len(parts))
	}
	if err := sigstoreGo(both, r.want); err == nil {
		t.Error("sigstore-go takes both at once: is the format still needed?")
	}
}

func TestAttack65_BundleAccepted(t *testing.T) {
	t.Parallel()
	js := start(t, "bundle.js")
	r := newSigned(t, key(t, 1))
	if _, err := release.Verify(r.bundle, r.wasm, r.want); err != nil {
		t.Error(err)
	}
	if err := sigstoreGo(r.bundle, r.want); err != nil {
		t.Errorf("sigstore-go: %v", err)
	}
	payload, err := sigstoreJS(t, js, r.bundle, r.want)
	check(t, err)
	parsed, err := release.ParseBundle(r.bundle)
	check(t, err)
	if diff := cmp.Diff(string(parsed.Payload), string(payload)); diff != "" {
		t.Error(diff)
	}
}

// TestAttack65_BundleRefused changes a bundle, or who is asked for: all three refuse.
func TestAttack65_BundleRefused(t *testing.T) {
	t.Parallel()
	js := start(t, "bundle.js")
	mine, other := key(t, 1), key(t, 2)
	r := newSigned(t, mine)
	parsed, err := release.ParseBundle(r.bundle)
	check(t, err)
	encode := base64.StdEncoding.EncodeToString
	payload, sig := encode(parsed.Payload), encode(parsed.Signatures[0].Ed25519)
	flipped := bytes.Clone(parsed.Signatures[0].Ed25519)
	flipped[0] ^= 1
	byOther := ed25519.Sign(other.Ed25519, fmt.Appendf(nil, "DSSEv1 %d %s %d %s",
		len(release.PayloadType), release.PayloadType, len(parsed.Payload), parsed.Payload))
	bare := ed25519.Sign(mine.Ed25519, parsed.Payload)
	set := func(old, with string) func(*testing.T, *signed) {
		return func(t *testing.T, r *signed) {
			t.Helper()
			if n := strings.Count(string(r.bundle), old); n != 1 {
				t.Fatalf("%q is %d times in %s", old, n, r.bundle)
			}
			r.bundle = bytes.Replace(r.bundle, []byte(old), []byte(with), 1)
		}
	}
	tests := map[string]struct {
		change           func(*testing.T, *signed)
		ours, golang, js string
	}{
		"PayloadEdited": {
			set(payload, encode(bytes.Replace(parsed.Payload, []byte("1.2.0"), []byte("1.2.1"), 1))),
			"is not a signature of the payload", "could not verify envelope", "signature verification failed",
		},
		"SignatureEdited":        {set(sig, encode(flipped)), "is not a signature of the payload", "could not verify envelope", "signature verification failed"},
		"SignatureByOther":       {set(sig, encode(byOther)), "is not a signature of the payload", "could not verify envelope", "signature verification failed"},
		"SignatureOfBarePayload": {set(sig, encode(bare)), "is not a signature of the payload", "could not verify envelope", "signature verification failed"},
		"PayloadTypeSwapped":     {set(release.PayloadType, "application/json"), "dsseEnvelope.payloadType", "could not verify envelope", "signature verification failed"},
		"NoSignature":            {set(`{"keyid":"","sig":"`+sig+`"}`, ""), "has 0 entries", "signature", "invalid bundle"},
		"UnknownHint":            {set(mine.ID, other.ID), "not one of the publisher's keys", "public key not found", "key not found"},
		"WrongKey": {func(_ *testing.T, r *signed) {
			r.want.Keys = []release.PublicKey{other.Public()}
		}, "not one of the publisher's keys", "public key not found", "key not found"},
		"Truncated": {func(_ *testing.T, r *signed) { r.bundle = r.bundle[:len(r.bundle)-10] }, "bundle: ", "unexpected", "JSON"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSigned(t, mine)
			tc.change(t, &r)
			_, ours := release.Verify(r.bundle, r.wasm, r.want)
			refused(t, "ours", ours, tc.ours)
			refused(t, "sigstore-go", sigstoreGo(r.bundle, r.want), tc.golang)
			_, theirs := sigstoreJS(t, js, r.bundle, r.want)
			refused(t, "@sigstore/verify", theirs, tc.js)
		})
	}
}

// TestAttack65_OtherModule serves a valid bundle next to another module, which @sigstore/verify
// leaves to its caller.
func TestAttack65_OtherModule(t *testing.T) {
	t.Parallel()
	r := newSigned(t, key(t, 1))
	r.wasm = append(r.wasm, 0, 1, 0)
	r.want.Digest = release.Digest(r.wasm)
	_, err := release.Verify(r.bundle, r.wasm, r.want)
	refused(t, "ours", err, "subject.0.digest.sha256")
	refused(t, "sigstore-go", sigstoreGo(r.bundle, r.want), "digest")
}

func refused(t *testing.T, who string, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: got %v, want an error that says %q", who, err, says)
	}
}
