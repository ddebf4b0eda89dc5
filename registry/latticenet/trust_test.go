package latticenet_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/latticenet"
	"github.com/latticenet/lattice-host/registry/release"
)

// TestPayload compares what is signed, and the signatures, with those in testdata. Each payload is
// written as Go would quote its lines.
func TestPayload(t *testing.T) {
	t.Parallel()
	plain := v1()
	plain.UI, plain.Interfaces = nil, nil
	path := filepath.Join("testdata", "payload.txtar")
	golden := &txtar.Archive{Comment: []byte("What publishers sign, and the signatures of the key whose seed is all ones.\n")}
	for _, c := range []struct {
		name     string
		manifest *latticenet.Manifest
	}{{"v1-plain", plain}, {"v1", v1()}, {"v2", v2()}} {
		check(t, c.manifest.Sign(registrytest.Key(t, acmeSeed), []byte(c.name)))
		payload, err := c.manifest.Payload()
		check(t, err)
		document, err := c.manifest.Encode()
		check(t, err)
		var quoted strings.Builder
		for line := range strings.Lines(string(payload)) {
			fmt.Fprintln(&quoted, strconv.QuoteToASCII(line))
		}
		golden.Files = append(golden.Files, txtar.File{Name: c.name + ".json", Data: document},
			txtar.File{Name: c.name + ".payload", Data: []byte(quoted.String())})
	}
	got := txtar.Format(golden)
	if os.Getenv("LATTICE_UPDATE") == "1" {
		check(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

// TestPayloadInWords computes what is signed from the words of the format.
func TestPayloadInWords(t *testing.T) {
	t.Parallel()
	m := &latticenet.Manifest{
		ID: "acme.web", Name: "Web", Type: "system", Version: "1", Entrypoint: "bin/web", Publisher: "acme",
		Capabilities: []string{"node:read", "audit:read"},
	}
	check(t, m.Sign(registrytest.Key(t, acmeSeed), []byte("program")))
	lines := []string{
		"lattice-plugin-manifest-v1", "acme.web", "Web", "system", "1", "bin/web", "acme", latticenet.Digest([]byte("program")), "audit:read\x00node:read",
	}
	want := base64.StdEncoding.EncodeToString(ed25519.Sign(registrytest.Key(t, acmeSeed).Ed25519, []byte(strings.Join(lines, "\n"))))
	if diff := cmp.Diff(want, m.Signature); diff != "" {
		t.Error(diff)
	}
	m.Interfaces = []latticenet.Interface{{Service: "acme.web/x", Methods: latticenet.Methods{Names: []string{"list"}}, Scopes: []string{"a:b"}}}
	check(t, m.Sign(registrytest.Key(t, acmeSeed), []byte("program")))
	lines = append(lines, "null", `[{"service":"acme.web/x","methods":["list"],"scopes":["a:b"]}]`)
	want = base64.StdEncoding.EncodeToString(ed25519.Sign(registrytest.Key(t, acmeSeed).Ed25519, []byte(strings.Join(lines, "\n"))))
	if diff := cmp.Diff(want, m.Signature); diff != "" {
		t.Error(diff)
	}
}

// mutation is one change of one value in a manifest.
type mutation struct {
	path  string
	apply func(*latticenet.Manifest)
}

// mutations finds every value in a manifest and changes each in turn: texts get a letter, numbers
// one more, lists lose and double an element, what is there is removed.
func mutations(base func() *latticenet.Manifest) []mutation {
	var all []mutation
	var walk func(path string, v reflect.Value, get func(reflect.Value) reflect.Value)
	add := func(path string, get func(reflect.Value) reflect.Value, change func(reflect.Value)) {
		all = append(all, mutation{path, func(m *latticenet.Manifest) { change(get(reflect.ValueOf(m).Elem())) }})
	}
	walk = func(path string, v reflect.Value, get func(reflect.Value) reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			add(path, get, func(v reflect.Value) { v.SetString(v.String() + "x") })
			if v.String() != "" {
				add(path+" removed", get, func(v reflect.Value) { v.SetString("") })
			}
		case reflect.Int64:
			add(path, get, func(v reflect.Value) { v.SetInt(v.Int() + 1) })
		case reflect.Bool:
			add(path, get, func(v reflect.Value) { v.SetBool(!v.Bool()) })
		case reflect.Pointer:
			if v.IsNil() {
				add(path+" added", get, func(v reflect.Value) { v.Set(reflect.New(v.Type().Elem())) })
				return
			}
			add(path+" removed", get, func(v reflect.Value) { v.SetZero() })
			walk(path, v.Elem(), func(m reflect.Value) reflect.Value { return get(m).Elem() })
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i), func(m reflect.Value) reflect.Value { return get(m).Field(i) })
			}
		case reflect.Slice:
			if v.Len() == 0 {
				add(path+" added", get, func(v reflect.Value) { v.Set(reflect.MakeSlice(v.Type(), 1, 1)) })
				return
			}
			add(path+" shortened", get, func(v reflect.Value) { v.Set(v.Slice(0, v.Len()-1)) })
			add(path+" doubled", get, func(v reflect.Value) { v.Set(reflect.Append(v, v.Index(0))) })
			for i := range v.Len() {
				walk(fmt.Sprintf("%s.%d", path, i), v.Index(i), func(m reflect.Value) reflect.Value { return get(m).Index(i) })
			}
		case reflect.Map:
			add(path+" changed", get, func(v reflect.Value) { v.SetMapIndex(reflect.ValueOf("linux/amd64"), reflect.ValueOf("bin/evil")) })
			add(path+" added", get, func(v reflect.Value) { v.SetMapIndex(reflect.ValueOf("linux/mips"), reflect.ValueOf("bin/evil")) })
			add(path+" shortened", get, func(v reflect.Value) { v.SetMapIndex(reflect.ValueOf("linux/amd64"), reflect.Value{}) })
		default:
			panic("a kind that the test does not know: " + v.Kind().String())
		}
	}
	walk("", reflect.ValueOf(base()).Elem(), func(m reflect.Value) reflect.Value { return m })
	return all
}

// TestRow49_EveryFieldIsSigned changes every value of a signed manifest, one at a time. The
// document is then refused or not trusted, and what is signed is another payload, except where a
// manifest of version 1 may not have the field at all.
func TestRow49_EveryFieldIsSigned(t *testing.T) {
	t.Parallel()
	artifact := []byte("artifact")
	public := registrytest.Key(t, acmeSeed).Public().Ed25519
	// What the payload of version 1 lacks. Check refuses it.
	uncovered := func(path string) bool {
		for _, field := range []string{".Schema", ".Bundle", ".Runtime", ".UIRuntime", ".Compatibility", ".MinServer", ".HostAccess", ".Dependencies"} {
			if strings.HasPrefix(path, field) {
				return true
			}
		}
		return false
	}
	for name, base := range map[string]func() *latticenet.Manifest{"v1": v1, "v2": v2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			make := func() *latticenet.Manifest {
				m := base()
				check(t, m.Sign(registrytest.Key(t, acmeSeed), artifact))
				return m
			}
			signature, err := base64.StdEncoding.DecodeString(make().Signature)
			check(t, err)
			seen := 0
			for _, mutation := range mutations(make) {
				m := make()
				mutation.apply(m)
				// The signature is not signed, and a document cannot have names next to objects.
				if strings.HasPrefix(mutation.path, ".Signature") || name == "v2" && strings.Contains(mutation.path, ".Methods.Names") {
					continue
				}
				seen++
				payload, err := m.Payload()
				check(t, err)
				covered := !ed25519.Verify(public, payload, signature)
				refused := name == "v1" && uncovered(mutation.path) && m.Check() != nil
				if !covered && !refused {
					t.Errorf("%s: the signature is good for it", mutation.path)
				}
				document, err := json.Marshal(m)
				check(t, err)
				if v, err := policy(t).Verify(document, artifact); err == nil || v != nil {
					t.Errorf("%s: trusted", mutation.path)
				}
			}
			if least := map[string]int{"v1": 60, "v2": 110}[name]; seen < least {
				t.Errorf("only %d changes were made", seen)
			}
		})
	}
}

// TestRow52_Verify goes through the order of what is checked.
func TestRow52_Verify(t *testing.T) {
	t.Parallel()
	artifact := []byte("artifact")
	unsigned := func(change func(*latticenet.Manifest)) func(testing.TB) plugin {
		return func(t testing.TB) plugin {
			m := v1()
			m.Publisher = ""
			change(m)
			return encoded(t, m, artifact)
		}
	}
	by := func(base func() *latticenet.Manifest, seed byte, change func(*latticenet.Manifest)) func(testing.TB) plugin {
		return func(t testing.TB) plugin {
			m := base()
			change(m)
			check(t, m.Sign(registrytest.Key(t, seed), artifact))
			return encoded(t, m, artifact)
		}
	}
	same := func(*latticenet.Manifest) {}
	harmless := func(m *latticenet.Manifest) { m.Capabilities = []string{"kv:read"} }
	stripped := func(t testing.TB, m *latticenet.Manifest) plugin {
		check(t, m.Sign(registrytest.Key(t, acmeSeed), artifact))
		m.Signature = ""
		return encoded(t, m, artifact)
	}
	digest := latticenet.Digest(artifact)
	tests := map[string]struct {
		reason string
		plugin func(testing.TB) plugin
		policy func(*latticenet.Policy)
		says   string
	}{
		"Version1":         {reason: "Good.", plugin: by(v1, acmeSeed, same)},
		"Version2":         {reason: "Good.", plugin: by(v2, acmeSeed, same)},
		"Unpadded":         {reason: "Base64 may have no padding.", plugin: unpadded},
		"UnsignedHarmless": {reason: "Without host risk no signature is asked for.", plugin: unsigned(harmless)},
		"UnsignedAllowed":  {reason: "The policy says so.", plugin: unsigned(same), policy: func(p *latticenet.Policy) { p.AllowUnsignedHostRisk = true }},
		"UnsignedHostRisk": {reason: "Host risk asks for a signature.", plugin: unsigned(same), says: "signature_ed25519: is missing, the plugin asks for a capability of host risk"},
		"UnsignedEgress":   {reason: "Egress is host risk in every type.", plugin: unsigned(func(m *latticenet.Manifest) { m.Type, m.Capabilities = "wasm", []string{"http:egress"} }), says: "host risk"},
		"UnsignedVersion2": {reason: "Version 2 is always signed.", plugin: func(t testing.TB) plugin {
			m := v2()
			m.Publisher, m.Bundle.DigestSHA256 = "", digest
			return encoded(t, m, artifact)
		}, policy: func(p *latticenet.Policy) { p.AllowUnsignedHostRisk = true }, says: "asks for it"},
		"UnsignedDigest":   {reason: "A digest is checked without a signature too.", plugin: unsigned(func(m *latticenet.Manifest) { harmless(m); m.DigestSHA256 = latticenet.Digest(nil) }), says: "the manifest is for an artifact with the digest sha256:" + latticenet.Digest(nil)},
		"Stripped1":        {reason: "A manifest that names a publisher is signed.", plugin: func(t testing.TB) plugin { return stripped(t, v1()) }, policy: func(p *latticenet.Policy) { p.AllowUnsignedHostRisk = true }, says: "signature_ed25519: is missing"},
		"Stripped2":        {reason: "A manifest that names a publisher is signed.", plugin: func(t testing.TB) plugin { return stripped(t, v2()) }, says: "signature_ed25519: is missing"},
		"NoPublisher":      {reason: "A signature is somebody's.", plugin: withoutPublisher, says: "publisher: is missing"},
		"OtherArtifact":    {reason: "The digest is that of the artifact.", plugin: func(t testing.TB) plugin { p := by(v2, acmeSeed, same)(t); p.artifact = []byte("evil"); return p }, says: "the manifest is for an artifact with the digest sha256:" + digest},
		"UnknownPublisher": {reason: "Only the policy's publishers.", plugin: by(v2, acmeSeed, func(m *latticenet.Manifest) { m.Publisher = "evil" }), says: "the publisher evil is not among the trusted publishers"},
		"NoneTrusted":      {reason: "The empty policy trusts no publisher.", plugin: by(v2, acmeSeed, same), policy: func(p *latticenet.Policy) { *p = latticenet.Policy{} }, says: "the publisher acme is not among the trusted publishers"},
		"OtherKey":         {reason: "In the name of acme, by somebody else.", plugin: by(v2, evilSeed, same), says: "signature_ed25519: is not a signature of this manifest by the key ed25519-"},
		"OtherPublishersKey": {reason: "A trusted publisher signs for itself only.", plugin: by(v2, evilSeed, same), policy: func(p *latticenet.Policy) {
			p.Publishers = append(p.Publishers, latticenet.Publisher{ID: "evil", Key: registrytest.Key(t, evilSeed).Public()})
		}, says: "signature_ed25519: is not a signature of this manifest by the key ed25519-"},
		"ShortKey": {reason: "A short key is an error, not a panic.", plugin: by(v2, acmeSeed, same), policy: func(p *latticenet.Policy) { p.Publishers[0].Key = release.PublicKey{Ed25519: ed25519.PublicKey{1, 2}} }, says: "the publisher acme: the key \"ed25519-a12871fee210fb86\" has 2 bytes"},
		"NoDigest": {reason: "Good for any artifact.", plugin: withoutDigest, says: "digest_sha256: is missing"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t)
			if tc.policy != nil {
				tc.policy(p)
			}
			x := tc.plugin(t)
			v, err := p.Verify(x.document, x.artifact)
			if tc.says == "" {
				check(t, err)
				if v.Digest() != digest || (v.KeyID() == "") != strings.HasPrefix(name, "Unsigned") {
					t.Errorf("%s: digest %s, key %q", tc.reason, v.Digest(), v.KeyID())
				}
				return
			}
			if v != nil || !isNotTrusted(err) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
			if !strings.HasPrefix(err.Error(), "acme.web@1.2.0") || !strings.Contains(err.Error(), ": sha256:"+latticenet.Digest(x.artifact)+": not trusted: ") {
				t.Errorf("the error does not say what is not trusted: %v", err)
			}
		})
	}
}

func unpadded(t testing.TB) plugin {
	m := v1()
	check(t, m.Sign(registrytest.Key(t, acmeSeed), []byte("artifact")))
	m.Signature = strings.TrimRight(m.Signature, "=")
	return encoded(t, m, []byte("artifact"))
}

func withoutPublisher(t testing.TB) plugin {
	m := v1()
	check(t, m.Sign(registrytest.Key(t, acmeSeed), []byte("artifact")))
	m.Publisher = ""
	return encoded(t, m, []byte("artifact"))
}

// withoutDigest is signed as it is, but says nothing about its artifact.
func withoutDigest(t testing.TB) plugin {
	m := v1()
	payload, err := m.Payload()
	check(t, err)
	m.Signature = base64.StdEncoding.EncodeToString(ed25519.Sign(registrytest.Key(t, acmeSeed).Ed25519, payload))
	return encoded(t, m, []byte("artifact"))
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	m := v1()
	m.Publisher = ""
	if got := errorText(m.Sign(registrytest.Key(t, acmeSeed), nil)); got != "publisher: a signed manifest must name its publisher" || m.Signature != "" {
		t.Errorf("got %q", got)
	}
	if got := errorText(v1().Sign(release.PrivateKey{}, nil)); got != "the publisher's key is not an Ed25519 key" {
		t.Errorf("got %q", got)
	}
}

func TestParsePolicy(t *testing.T) {
	t.Parallel()
	public := registrytest.Key(t, acmeSeed).Public()
	padded := base64.StdEncoding.EncodeToString(public.Ed25519)
	other := registrytest.Key(t, evilSeed).Public()
	raw := base64.RawStdEncoding.EncodeToString(other.Ed25519)
	want := &latticenet.Policy{Publishers: []latticenet.Publisher{{ID: "acme", Key: public}, {ID: "zeta", Key: other}}}
	for _, flag := range []string{"", `,"allow_unsigned_host_risk":false`, `,"allow_unsigned_host_risk":true`} {
		got, err := latticenet.ParsePolicy([]byte(`{"trusted_publishers":{"zeta":"` + raw + `","acme":"` + padded + `"}` + flag + `}`))
		check(t, err)
		want.AllowUnsignedHostRisk = strings.HasSuffix(flag, "true")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	tests := map[string]struct{ data, says string }{
		"Empty":          {`{}`, "trusted_publishers: is missing"},
		"Null":           {`{"trusted_publishers":null}`, "trusted_publishers: must be an object"},
		"Unknown":        {`{"trusted_publishers":{},"trust_all":true}`, `unknown field "trust_all"`},
		"Case":           {`{"trusted_publishers":{},"Allow_Unsigned_Host_Risk":true}`, "Allow_Unsigned_Host_Risk: must be left out"},
		"Twice":          {`{"trusted_publishers":{},"allow_unsigned_host_risk":false,"allow_unsigned_host_risk":true}`, "is a duplicate"},
		"PublisherTwice": {`{"trusted_publishers":{"acme":"` + padded + `","acme":"` + raw + `"}}`, "is a duplicate"},
		"Trailing":       {`{"trusted_publishers":{}}{}`, "bytes follow"},
		"NotBool":        {`{"trusted_publishers":{},"allow_unsigned_host_risk":"no"}`, "allow_unsigned_host_risk: unexpected string"},
		"NullFlag":       {`{"trusted_publishers":{},"allow_unsigned_host_risk":null}`, "allow_unsigned_host_risk"},
		"Publisher":      {`{"trusted_publishers":{"../x":"` + padded + `"}}`, `trusted_publishers.../x: "../x" must match`},
		"ShortKey":       {`{"trusted_publishers":{"acme":"AAAA"}}`, "trusted_publishers.acme: has 3 bytes, must have 32"},
		"WeakKey":        {`{"trusted_publishers":{"acme":"` + strings.Repeat("A", 43) + `="}}`, "anybody can sign with it"},
		"KeyText":        {`{"trusted_publishers":{"acme":"?"}}`, "trusted_publishers.acme: is not standard base64"},
		"URLSafeKey":     {`{"trusted_publishers":{"acme":"` + strings.Repeat("_", 43) + `"}}`, "trusted_publishers.acme: is not standard base64"},
		"NullKey":        {`{"trusted_publishers":{"acme":null}}`, "trusted_publishers.acme: must not be null"},
		"List":           {`{"trusted_publishers":["acme"]}`, "trusted_publishers: unexpected array"},
		"NoObject":       {`[]`, "must be an object"},
		"TooLarge":       {strings.Repeat(" ", latticenet.MaxPolicyBytes+1), "the limit is 1048576"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := latticenet.ParsePolicy([]byte(tc.data))
			if got != nil || !strings.Contains(errorText(err), tc.says) {
				t.Errorf("want an error that says %q, got %v", tc.says, err)
			}
		})
	}
}
