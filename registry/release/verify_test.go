package release_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

const reference = "acme/web@1.2.0"

func fixture(t testing.TB) (registrytest.Release, release.PrivateKey) {
	t.Helper()
	key := registrytest.Key(t, 1)
	return registrytest.Sign(t, key, registrytest.Manifest(t, reference)), key
}

func TestVerifyAcceptsWhatSignWrote(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	m, err := release.Verify(r.Bundle, r.Wasm, r.Want(registrytest.Key(t, 2).Public(), key.Public()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r.Manifest.CanonicalJSON(), m.Manifest().CanonicalJSON()); diff != "" {
		t.Error(diff)
	}
	if m.Digest() != r.Digest() || !bytes.Equal(m.Wasm(), r.Wasm) {
		t.Error("the module is not the one that was verified")
	}
	r.Wasm[0] ^= 1
	if release.Digest(m.Wasm()) != m.Digest() {
		t.Error("the caller's bytes reach the verified module")
	}
}

// TestBundleFormat holds the bundle against the documented JSON and recomputes the signature from
// the DSSE specification.
func TestBundleFormat(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	var b struct {
		DSSEEnvelope struct {
			Payload    []byte `json:"payload"`
			Signatures []struct {
				Sig []byte `json:"sig"`
			} `json:"signatures"`
		} `json:"dsseEnvelope"`
	}
	if err := json.Unmarshal(r.Bundle, &b); err != nil {
		t.Fatal(err)
	}
	payload, sig := b.DSSEEnvelope.Payload, b.DSSEEnvelope.Signatures[0].Sig
	wantBundle := `{"dsseEnvelope":{"payload":"` + base64.StdEncoding.EncodeToString(payload) +
		`","payloadType":"application/vnd.in-toto+json","signatures":[{"keyid":"","sig":"` + base64.StdEncoding.EncodeToString(sig) +
		`"}]},"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":"` +
		key.ID + `"},"tlogEntries":[]}}`
	if diff := cmp.Diff(wantBundle, string(r.Bundle)); diff != "" {
		t.Error(diff)
	}
	wantPayload := `{"_type":"https://in-toto.io/Statement/v1","predicate":{"manifest":` + string(r.Manifest.CanonicalJSON()) +
		`},"predicateType":"https://lattice.dev/plugin-release/v1","subject":[{"digest":{"sha256":"` +
		strings.TrimPrefix(r.Digest(), "sha256:") + `"},"name":"acme/web@1.2.0"}]}`
	if diff := cmp.Diff(wantPayload, string(payload)); diff != "" {
		t.Error(diff)
	}
	pae := fmt.Sprintf("DSSEv1 28 application/vnd.in-toto+json %d %s", len(payload), payload)
	if !ed25519.Verify(key.Public().Ed25519, []byte(pae), sig) {
		t.Error("the signature is not over the DSSE pre-authentication encoding")
	}
}

// resign replaces the payload and signs it, as somebody with the publisher's key could.
func resign(t *testing.T, key release.PrivateKey, bundle []byte, change func(payload []byte) []byte) []byte {
	t.Helper()
	b, err := release.ParseBundle(bundle)
	if err != nil {
		t.Fatal(err)
	}
	payload := change(bytes.Clone(b.Payload))
	pae := "DSSEv1 28 application/vnd.in-toto+json " + strconv.Itoa(len(payload)) + " " + string(payload)
	encode := base64.StdEncoding.EncodeToString
	bundle = registrytest.SetField(t, bundle, encode(b.Payload), encode(payload))
	return registrytest.SetField(t, bundle, encode(b.Signatures[0].Ed25519), encode(ed25519.Sign(key.Ed25519, []byte(pae))))
}

func TestAttack(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	other := registrytest.Key(t, 2)
	same := func(b []byte) []byte { return b }
	set := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte { return registrytest.SetField(t, b, old, with) }
	}
	signed := func(old, with string) func([]byte) []byte {
		return func(b []byte) []byte { return resign(t, key, b, set(old, with)) }
	}
	manifest := string(r.Manifest.CanonicalJSON())
	sum := strings.TrimPrefix(r.Digest(), "sha256:")
	parsed, err := release.ParseBundle(r.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	sig := base64.StdEncoding.EncodeToString(parsed.Signatures[0].Ed25519)
	payload := base64.StdEncoding.EncodeToString(parsed.Payload)
	oneSig := `{"keyid":"","sig":"` + sig + `"}`

	tests := map[string]struct {
		reason string
		bundle func([]byte) []byte
		wasm   func([]byte) []byte
		want   func(*release.Want)
		says   string
	}{
		"23_BytesSubstituted": {
			reason: "Another module under the same name must not pass.",
			wasm:   func(b []byte) []byte { return append(b, 0, 1, 0) },
			says:   "the module has the digest sha256:",
		},
		"23_BytesSubstitutedAndDigestToo": {
			reason: "A digest that matches the bytes does not help without a signature over it.",
			wasm:   func(b []byte) []byte { return append(b, 0, 1, 0) },
			want:   func(w *release.Want) { w.Digest = release.Digest(append(bytes.Clone(r.Wasm), 0, 1, 0)) },
			says:   "subject.0.digest.sha256",
		},
		"24_OtherPlugin": {
			reason: "A valid release of one plugin must not be served as another.",
			want:   func(w *release.Want) { w.Name = "api" },
			says:   "the module is acme/web@1.2.0",
		},
		"24_OtherVersion": {
			reason: "A valid old release must not be served as a newer one.",
			want:   func(w *release.Want) { w.Version = "1.3.0" },
			says:   "the module is acme/web@1.2.0",
		},
		"24_OtherPublisher": {
			reason: "A valid release of one publisher must not be served as another's.",
			want:   func(w *release.Want) { w.Publisher = "evil" },
			says:   "the module is acme/web@1.2.0",
		},
		"24_SubjectNamesAnother": {
			reason: "The signed subject must be the release, whatever the manifest says.",
			bundle: signed(`"name":"acme/web@1.2.0"`, `"name":"acme/web@1.2.1"`),
			says:   `subject.0.name: is "acme/web@1.2.1"`,
		},
		"26_PayloadTypeSwapped": {
			reason: "The payload must be read as what it was signed as.",
			bundle: set("application/vnd.in-toto+json", "application/json"),
			says:   "dsseEnvelope.payloadType",
		},
		"26_PayloadEdited": {
			reason: "An edited payload breaks the signature.",
			bundle: set(payload, base64.StdEncoding.EncodeToString(bytes.Replace(parsed.Payload, []byte("1.2.0"), []byte("1.2.1"), 1))),
			says:   "is not a signature of the payload",
		},
		"26_UnknownHint": {
			reason: "A hint that names no key of the publisher is not a reason to try the others.",
			bundle: set(key.ID, other.ID),
			says:   "is not one of the publisher's keys",
		},
		"26_WrongKey": {
			reason: "A signature by another key under the publisher's key id must fail.",
			bundle: func(b []byte) []byte { return resign(t, other, b, same) },
			says:   "is not a signature of the payload",
		},
		"26_KeyUnderAnotherID": {
			reason: "A key that carries the id of another one is a mistake or an attack.",
			want: func(w *release.Want) {
				w.Keys = []release.PublicKey{{ID: key.ID, Ed25519: other.Public().Ed25519}}
			},
			says: "must have the id",
		},
		"26_NoSignature": {
			reason: "An envelope without signatures is unsigned.",
			bundle: set(oneSig, ""),
			says:   "has 0 entries",
		},
		"26_TwoSignatures": {
			reason: "Two signatures leave open which one counts.",
			bundle: set(oneSig, oneSig+","+oneSig),
			says:   "has 2 entries",
		},
		"26_ShortSignature": {
			reason: "An Ed25519 signature has 64 bytes.",
			bundle: set(sig, base64.StdEncoding.EncodeToString(parsed.Signatures[0].Ed25519[:63])),
			says:   "has 63 bytes",
		},
		"26_EnvelopeNamesAKey": {
			reason: "There is one place that names the key.",
			bundle: set(`"keyid":""`, `"keyid":"`+key.ID+`"`),
			says:   "keyid: must be empty",
		},
		"26_OtherMediaType": {
			reason: "There is one format and no fallback.",
			bundle: set("bundle.v0.3+json", "bundle.v0.2+json"),
			says:   "mediaType",
		},
		"26_NullInPlaceOfArray": {
			reason: "One value has one spelling.",
			bundle: set(`"tlogEntries":[]`, `"tlogEntries":null`),
			says:   "tlogEntries: must be an empty array",
		},
		"26_NullInPlaceOfText": {
			reason: "One value has one spelling.",
			bundle: set(`"keyid":""`, `"keyid":null`),
			says:   "keyid: must not be null",
		},
		"26_URLSafeBase64": {
			reason: "One value has one spelling.",
			bundle: set(sig, base64.URLEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, 64))),
			says:   "is not padded standard base64",
		},
		"26_Base64WithLineBreak": {
			reason: "One value has one spelling.",
			bundle: set(sig, sig[:10]+`\n`+sig[10:]),
			says:   "is not padded standard base64",
		},
		"27_OtherPredicateType": {
			reason: "A valid signature over another kind of statement is not a release.",
			bundle: signed("plugin-release/v1", "plugin-review/v1"),
			says:   "predicateType",
		},
		"27_OtherStatementType": {
			reason: "A valid signature over another type is not a release.",
			bundle: signed("Statement/v1", "Statement/v0.1"),
			says:   "_type",
		},
		"27_UnparsablePayload": {
			reason: "A valid signature over something else is not a release.",
			bundle: func(b []byte) []byte { return resign(t, key, b, func([]byte) []byte { return []byte("hello") }) },
			says:   "statement: ",
		},
		"27_TwoSubjects": {
			reason: "A statement about two modules leaves open which one it vouches for.",
			bundle: signed(`"subject":[`, `"subject":[{"digest":{"sha256":"`+sum+`"},"name":"acme/web@1.2.0"},`),
			says:   "has 2 entries",
		},
		"27_UpperCaseDigest": {
			reason: "A digest has one spelling.",
			bundle: signed(sum, strings.ToUpper(sum)),
			says:   "subject.0.digest.sha256",
		},
		"27_UnknownKey": {
			reason: "What this version does not understand it must not vouch for.",
			bundle: signed(`"predicate":{`, `"predicate":{"unless":"",`),
			says:   "unknown field",
		},
		"27_DoubleKey": {
			reason: "Two readers may take different ones of two equal keys.",
			bundle: signed(`"predicateType":`, `"predicateType":"x","predicateType":`),
			says:   "is a duplicate",
		},
		"27_KeyInOtherCase": {
			reason: "Readers disagree on whether letter case matters.",
			bundle: signed(`"predicateType":`, `"PredicateType":`),
			says:   "PredicateType",
		},
		"27_TrailingData": {
			reason: "Nothing may follow the document but another signature.",
			bundle: func(b []byte) []byte { return append(b, "{}"...) },
			says:   "signature 2: dsseEnvelope: is missing",
		},
		"27_TrailingBytes": {
			reason: "Nothing may follow the document but another signature.",
			bundle: func(b []byte) []byte { return append(b, '}') },
			says:   "after signature 1: ",
		},
		"28_NoBundle": {
			reason: "A missing signature file means unsigned, not trusted.",
			bundle: func([]byte) []byte { return nil },
			says:   "the release has no signature bundle",
		},
		"29_KeyOfAnotherPublisher": {
			reason: "A key is good for its own publisher only.",
			want:   func(w *release.Want) { w.Keys = []release.PublicKey{other.Public()} },
			says:   "is not one of the publisher's keys",
		},
		"29_NoKeys": {
			reason: "A publisher without keys cannot have signed.",
			want:   func(w *release.Want) { w.Keys = nil },
			says:   "is not one of the publisher's keys",
		},
		"30_BundleCarriesRawKey": {
			reason: "No key is taken from a bundle.",
			bundle: set(`"publicKey":{`, `"publicKey":{"rawBytes":"AAAA",`),
			says:   "unknown field",
		},
		"30_BundleCarriesCertificate": {
			reason: "No certificate is taken from a bundle.",
			bundle: set(`"publicKey":{`, `"certificate":{"rawBytes":"AAAA"},"publicKey":{`),
			says:   "unknown field",
		},
		"43_ManifestDiffersFromStatement": {
			reason: "What an operator is shown from the module must be what the publisher signed.",
			bundle: signed(manifest, manifest[:len(manifest)-1]+`,"capabilities":[]}`),
			says:   "predicate.manifest: differs",
		},
		"43_ManifestNull": {
			reason: "A statement without a manifest vouches for none.",
			bundle: signed(manifest, "null"),
			says:   "predicate.manifest: differs",
		},
		"10_TooLargeBundle": {
			reason: "Reading is bounded.",
			bundle: func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), release.MaxBundleBytes)...) },
			says:   "the limit is 1048576",
		},
		"10_TooLargeModule": {
			reason: "Reading is bounded.",
			wasm:   func(b []byte) []byte { return append(b, make([]byte, abi.MaxModuleBytes)...) },
			says:   "the limit is 33554432",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bundle, wasm, want := bytes.Clone(r.Bundle), bytes.Clone(r.Wasm), r.Want(key.Public())
			if tc.bundle != nil {
				bundle = tc.bundle(bundle)
			}
			if tc.wasm != nil {
				wasm = tc.wasm(wasm)
			}
			if tc.want != nil {
				tc.want(&want)
			}
			m, err := release.Verify(bundle, wasm, want)
			if m != nil || !errors.Is(err, release.ErrNotTrusted) {
				t.Fatalf("%s\nVerify returned %v, %v", tc.reason, m, err)
			}
			if head := want.Reference() + ": " + want.Digest + ": not trusted: "; !strings.HasPrefix(err.Error(), head) {
				t.Errorf("%s\nthe error does not begin with %q: %v", tc.reason, head, err)
			}
			if !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nthe error does not say %q: %v", tc.reason, tc.says, err)
			}
		})
	}
}

func TestAttack26_FlippedBytes(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	want := r.Want(key.Public())
	flip := func(data []byte, i int, bit uint) []byte {
		data = bytes.Clone(data)
		data[i] ^= 1 << bit
		return data
	}
	for i := range r.Wasm {
		if _, err := release.Verify(r.Bundle, flip(r.Wasm, i, uint(i%8)), want); !errors.Is(err, release.ErrNotTrusted) {
			t.Fatalf("byte %d of the module: %v", i, err)
		}
	}
	for i := range r.Bundle {
		if _, err := release.Verify(flip(r.Bundle, i, uint(i%8)), r.Wasm, want); !errors.Is(err, release.ErrNotTrusted) {
			t.Fatalf("byte %d of the bundle: %v", i, err)
		}
	}
	for i := range r.Bundle {
		if _, err := release.Verify(r.Bundle[:i], r.Wasm, want); !errors.Is(err, release.ErrNotTrusted) {
			t.Fatalf("bundle cut at %d: %v", i, err)
		}
	}
}

func TestVerifyErrorText(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	_, err := release.Verify(nil, r.Wasm, r.Want(key.Public()))
	want := "acme/web@1.2.0: " + r.Digest() + ": not trusted: the release has no signature bundle"
	if err == nil || err.Error() != want {
		t.Errorf("want %s\ngot  %v", want, err)
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	tests := map[string]struct {
		reason string
		key    release.PrivateKey
		wasm   []byte
	}{
		"NoManifest":  {reason: "There is nothing to vouch for.", key: key, wasm: []byte(registrytest.EmptyModule)},
		"NotAModule":  {reason: "Only modules are released.", key: key, wasm: []byte("hello")},
		"EmptyKey":    {reason: "A key is needed.", wasm: r.Wasm},
		"BadManifest": {reason: "An invalid manifest is not released.", key: key, wasm: withSection([]byte(registrytest.EmptyModule), abi.ManifestSection, `{"schema":"x"}`)},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if bundle, err := release.Sign(tc.key, tc.wasm); err == nil || bundle != nil {
				t.Errorf("%s: %s, %v", tc.reason, bundle, err)
			}
		})
	}
}

// TestAttack36_Signing signs nothing that has a name which leaves its folder or that a file system
// cannot have.
func TestAttack36_Signing(t *testing.T) {
	t.Parallel()
	r, key := fixture(t)
	for field, names := range map[string][]string{
		"name":      {"../web", "..", "Web", "wеb", "con", "com1", "we b", "-web", "web-", ""},
		"publisher": {"../acme", "acme/x", "ACME", "аcme", "nul", ""},
		"version":   {"../1.2.0", "1.2", "v1.2.0", "1.2.0/..", ""},
	} {
		value := map[string]string{"name": "web", "publisher": "acme", "version": "1.2.0"}[field]
		for _, name := range names {
			manifest := registrytest.SetField(t, r.Manifest.CanonicalJSON(), `"`+field+`":"`+value+`"`, `"`+field+`":"`+name+`"`)
			wasm := withSection([]byte(registrytest.EmptyModule), abi.ManifestSection, string(manifest))
			if bundle, err := release.Sign(key, wasm); err == nil || bundle != nil || !strings.Contains(err.Error(), field+": must be") {
				t.Errorf("%s %q: %v", field, name, err)
			}
		}
	}
}

func FuzzVerify(f *testing.F) {
	r, key := fixture(f)
	f.Add(r.Bundle, r.Wasm)
	f.Add([]byte("{}"), r.Wasm)
	f.Add(r.Bundle, []byte(registrytest.EmptyModule))
	f.Fuzz(func(t *testing.T, bundle, wasm []byte) {
		if claims, err := release.ReadClaims(bundle); err == nil && (!release.ValidDigest(claims.Digest) || len(claims.Signatures[0].Ed25519) != 64) {
			t.Errorf("%+v was read", claims)
		}
		want := r.Want(key.Public())
		m, err := release.Verify(bundle, wasm, want)
		if err != nil && !errors.Is(err, release.ErrNotTrusted) {
			t.Errorf("not an ErrNotTrusted: %v", err)
		}
		if err == nil && !bytes.Equal(m.Wasm(), r.Wasm) {
			t.Error("another module was verified")
		}
		// The digest keeps the fuzzer from what follows it.
		want.Digest = release.Digest(wasm)
		if _, err := release.Verify(bundle, wasm, want); err == nil && !bytes.Equal(wasm, r.Wasm) {
			t.Error("another module was verified under its own digest")
		}
	})
}
