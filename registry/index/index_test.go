package index_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

var signature64 = base64.StdEncoding.EncodeToString(make([]byte, 64))

// document returns an index that uses every field, unsigned.
func document(t testing.TB) *index.Index {
	t.Helper()
	releases := func(versions ...string) (list []index.Release) {
		for _, v := range versions {
			channel := "stable"
			if strings.Contains(v, "-alpha") {
				channel = "alpha"
			}
			list = append(list, index.Release{
				Version: v, Channel: channel, Capabilities: []string{"kv"},
				ManifestURL: "https://example.com/" + v + ".json", ArtifactURL: "plugins/acme/web/" + v + "/plugin.wasm",
				ArtifactSHA256: strings.Repeat("a", 64), Signature: signature64,
			})
		}
		return list
	}
	return &index.Index{
		Schema: index.Schema, GeneratedAt: "2026-01-02T03:04:05Z", Status: "draft",
		Publishers: []index.Publisher{
			{ID: "acme", Name: "Acme & Söhne", PublicKey: base64.StdEncoding.EncodeToString(registrytest.Key(t, 1).Public().Ed25519)},
			{ID: "zeta", Name: "Zeta", PublicKey: base64.RawStdEncoding.EncodeToString(registrytest.Key(t, 2).Public().Ed25519)},
		},
		Plugins: []index.Plugin{
			{
				ID: "acme.web", Name: "web", Publisher: "acme", Type: "wasm", Summary: "derives", Latest: "1.2.0",
				Channels: index.Channels{Stable: "1.2.0", Alpha: "1.3.0-alpha.1"}, Capabilities: []string{"kv"},
				Releases: releases("1.1.0", "1.2.0", "1.3.0-alpha.1"),
			},
			{
				ID: "zeta_old-system", Name: "old", Publisher: "zeta", Type: "system", Channels: index.Channels{Stable: "1"},
				Capabilities: []string{}, Releases: releases("1"),
			},
		},
		Signatures: []index.Signature{},
	}
}

func encode(t testing.TB, x *index.Index) []byte {
	t.Helper()
	data, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEncodeAndParse(t *testing.T) {
	t.Parallel()
	want := document(t)
	got, err := index.Parse(encode(t, want))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	key, err := got.Publisher("zeta").Key()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(registrytest.Key(t, 2).Public(), key); diff != "" {
		t.Error(diff)
	}
	if got.Plugin("acme", "web") == nil || got.Plugin("zeta", "web") != nil || got.Plugin("zeta", "old") != nil {
		t.Error("plugins are found by another publisher or type")
	}
}

func TestRow53_ParseRefuses(t *testing.T) {
	t.Parallel()
	good := string(encode(t, document(t)))
	set := func(old, with string) string { return string(registrytest.SetField(t, []byte(good), old, with)) }
	// in changes the first of several equal places.
	in := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("%q is not in the document", old)
		}
		return strings.Replace(good, old, with, 1)
	}
	const artifact = `"plugins/acme/web/1.1.0/plugin.wasm"`
	tests := map[string]struct{ reason, data, says string }{
		"Schema":            {"One format.", set("index.v1", "index.v2"), "schema: must be"},
		"LocalTime":         {"Times are UTC.", set("03:04:05Z", "03:04:05+01:00"), "generated_at"},
		"NoTime":            {"An index has a date.", set("2026-01-02T03:04:05Z", "Z"), "generated_at"},
		"Status":            {"A closed set.", set(`"draft"`, `"final"`), "status"},
		"OfficialUnsigned":  {"An official index is signed.", set(`"draft"`, `"official"`), "an official index must have at least one"},
		"IndexSignature":    {"Signatures have 64 bytes.", set(`"signatures": []`, `"signatures": [{"publisher": "acme", "signature_ed25519": "AAAA"}]`), "signatures.0.signature_ed25519: has 3 bytes, must have 64"},
		"IndexSigner":       {"A signature is somebody's.", set(`"signatures": []`, `"signatures": [{"publisher": "", "signature_ed25519": "`+signature64+`"}]`), "signatures.0.publisher: must be one line"},
		"LatestIsAlpha":     {"latest repeats channels.stable.", set(`"latest": "1.2.0"`, `"latest": "1.3.0-alpha.1"`), "plugins.0.latest"},
		"AlphaInStable":     {"A prerelease is not stable.", in("\"version\": \"1.3.0-alpha.1\",\n          \"channel\": \"alpha\"", "\"version\": \"1.3.0-alpha.1\",\n          \"channel\": \"stable\""), "a prerelease cannot be in the channel stable"},
		"PublisherID":       {"The grammar of ids.", in(`"id": "zeta"`, `"id": "Zeta"`), "publishers.1.id"},
		"PublisherTwice":    {"Ids are distinct.", in(`"id": "zeta"`, `"id": "acme"`), "publishers.1.id: \"acme\" is a duplicate"},
		"WeakKey":           {"A key that anybody can sign with is not accepted.", regexp.MustCompile(`("public_key_ed25519": ")[^"]*"`).ReplaceAllString(good, "${1}"+strings.Repeat("A", 43)+`="`), "publishers.0.public_key_ed25519: the key ed25519-"},
		"ShortKey":          {"Keys have 32 bytes.", in(`"public_key_ed25519": "`, `"public_key_ed25519": "AAAA`), "publishers.0.public_key_ed25519"},
		"PluginID":          {"The grammar of ids.", set(`"acme.web"`, `"acme/web"`), "plugins.0.id"},
		"PluginTwice":       {"Ids are distinct.", set(`"zeta_old-system"`, `"acme.web"`), "plugins.1.id"},
		"UnknownPublisher":  {"Publishers are declared.", set(`"publisher": "zeta"`, `"publisher": "beta"`), "plugins.1.publisher"},
		"Type":              {"A closed set.", set(`"type": "wasm"`, `"type": "native"`), "plugins.0.type"},
		"Latest":            {"latest repeats channels.stable.", set(`"latest": "1.2.0"`, `"latest": "1.1.0"`), "plugins.0.latest"},
		"StableMissing":     {"A channel offers a release.", set(`"stable": "1.2.0"`, `"stable": "1.2.1"`), "plugins.0.channels.stable"},
		"StableOffersAlpha": {"A channel offers its own releases.", set(`"stable": "1.2.0"`, `"stable": "1.3.0-alpha.1"`), "plugins.0.channels.stable"},
		"StablePrerelease":  {"A prerelease is not stable.", set(`"version": "1.1.0"`, `"version": "1.1.0-rc.1"`), "plugins.0.releases.0.version"},
		"AlphaNotAlpha":     {"The alpha channel holds alphas.", set(`"version": "1.3.0-alpha.1"`, `"version": "1.3.0-beta.1"`), "plugins.0.releases.2.version"},
		"AlphaInMetadata":   {"Build metadata is not a prerelease.", set(`"version": "1.3.0-alpha.1"`, `"version": "1.3.0+b-alpha"`), "plugins.0.releases.2.version"},
		"VersionTwice":      {"Versions are distinct.", set(`"version": "1.1.0"`, `"version": "1.2.0"`), "plugins.0.releases.1.version"},
		"VersionTraversal":  {"A version is not a path.", set(`"version": "1.1.0"`, `"version": "../../etc"`), "plugins.0.releases.0.version"},
		"VersionDots":       {"A version is not a path.", set(`"version": "1.1.0"`, `"version": "1..0"`), "plugins.0.releases.0.version"},
		"Channel":           {"A closed set.", in(`"channel": "alpha"`, `"channel": "beta"`), "plugins.0.releases.2.channel"},
		"NoCapabilities":    {"Two channels need their own lists.", in("\"channel\": \"stable\",\n          \"capabilities\": [\n            \"kv\"\n          ],", `"channel": "stable",`), "plugins.0.releases.0.capabilities"},
		"CapabilityTwice":   {"A set holds a name once.", in("\"capabilities\": [\n            \"kv\"", `"capabilities": ["kv", "kv"`), "plugins.0.releases.0.capabilities.1"},
		"UpperDigest":       {"Digests are lower-case.", in(strings.Repeat("a", 64), strings.Repeat("A", 64)), "artifact_sha256"},
		"ShortDigest":       {"Digests have 64 digits.", in(strings.Repeat("a", 64), strings.Repeat("a", 63)), "artifact_sha256"},
		"ReleaseSignature":  {"Signatures have 64 bytes.", in(signature64, "AAAA"), "releases.0.signature_ed25519"},
		"HTTP":              {"Only HTTPS.", set("https://example.com/1.1.0.json", "http://example.com/1.1.0.json"), "must be an https URL"},
		"File":              {"Only HTTPS.", set("https://example.com/1.1.0.json", "file:///etc/passwd"), "must be an https URL"},
		"NoHost":            {"A URL has a host.", set("https://example.com/1.1.0.json", "https:///1.1.0.json"), "must be an https URL"},
		"Opaque":            {"A URL has a host.", set("https://example.com/1.1.0.json", "https:example.com"), "must be an https URL"},
		"UserInfo":          {"URLs carry no credentials.", set("https://example.com/1.1.0.json", "https://me@example.com/1.1.0.json"), "must not have user information"},
		"Query":             {"URLs carry no query.", set("https://example.com/1.1.0.json", "https://example.com/1.1.0.json?"), "must not have user information"},
		"Fragment":          {"URLs carry no fragment.", set("https://example.com/1.1.0.json", "https://example.com/1.1.0.json#"), "must not have user information"},
		"URLSpace":          {"URLs are printable.", set("https://example.com/1.1.0.json", "https://example.com/ 1.1.0.json"), "must be an https URL"},
		"ParentPath":        {"Paths stay in the folder.", set(artifact, `"plugins/../../x"`), "must have parts"},
		"DotPath":           {"Paths have one spelling.", set(artifact, `"./x"`), "must have parts"},
		"AbsolutePath":      {"Paths stay in the folder.", set(artifact, `"/etc/passwd"`), "must have parts"},
		"EmptySegment":      {"Paths have one spelling.", set(artifact, `"a//b"`), "must have parts"},
		"EmptyPath":         {"A release has files.", set(artifact, `""`), "must have parts"},
		"Backslash":         {"Paths use forward slashes.", set(artifact, `"a\\b"`), "must have parts"},
		"EscapedPath":       {"Paths are not escaped.", set(artifact, `"%2e%2e/x"`), "must have parts"},
		"HiddenFile":        {"Hidden files are not releases.", set(artifact, `".git/config"`), "must have parts"},
		"LookAlikePath":     {"Paths are ASCII.", set(artifact, `"plugins/аcme"`), "must have parts"},
		"UnknownKey":        {"What is not understood is not ignored.", set(`"status"`, `"trust": "all", "status"`), "unknown field"},
		"OtherCase":         {"Keys have one spelling.", set(`"status"`, `"Status"`), "Status"},
		"DoubleKey":         {"One of two would be ignored.", set(`"status"`, `"status": "draft", "status"`), "is a duplicate"},
		"Missing":           {"Nothing is assumed.", set(`"status": "draft",`, ""), "status: is missing"},
		"NullList":          {"Null is not an empty list.", set(`"signatures": []`, `"signatures": null`), "signatures: must be an array"},
		"NullPlugin":        {"Null is not a plugin.", `{"schema":"","generated_at":"","status":"","publishers":[],"plugins":[null],"signatures":[]}`, "plugins.0: must not be null"},
		"Trailing":          {"Nothing follows the document.", good + "null", "bytes follow the end"},
		"NotAnObject":       {"An index is an object.", "[]", "must be an object"},
		"TooLarge":          {"Reading is bounded.", good + strings.Repeat(" ", index.MaxBytes), "the limit is 16777216"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, err := index.Parse([]byte(tc.data))
			if x != nil || err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
		})
	}
}

func TestParseReportsEveryProblem(t *testing.T) {
	t.Parallel()
	x := document(t)
	x.Status, x.Plugins[0].Releases[0].Channel, x.Plugins[1].Type = "?", "?", "?"
	_, err := x.Encode()
	want := `status: is "?", must be one of official, draft, example
plugins.0.releases.0.channel: is "?", must be one of stable, alpha
plugins.1.type: is "?", must be one of wasm, system, worker`
	if err == nil || err.Error() != want {
		t.Errorf("want\n%s\ngot\n%v", want, err)
	}
}

func TestRow54_Signature(t *testing.T) {
	t.Parallel()
	key, second, stranger := registrytest.Key(t, 7), registrytest.Key(t, 8), registrytest.Key(t, 9)
	signed := func(keys ...release.PrivateKey) *index.Index {
		x := document(t)
		for _, k := range keys {
			if err := x.Sign(k); err != nil {
				t.Fatal(err)
			}
		}
		return x
	}
	pub := func(keys ...release.PrivateKey) (list []release.PublicKey) {
		for _, k := range keys {
			list = append(list, k.Public())
		}
		return list
	}
	tests := map[string]struct {
		reason    string
		index     func() *index.Index
		keys      []release.PublicKey
		threshold int
		says      string
	}{
		"Signed":            {reason: "A trusted key signed.", index: func() *index.Index { return signed(key) }, keys: pub(stranger, key), threshold: 1},
		"TwoOfTwo":          {reason: "Two trusted keys signed.", index: func() *index.Index { return signed(second, key) }, keys: pub(key, second), threshold: 2},
		"SignedTwice":       {reason: "Signing again replaces.", index: func() *index.Index { return signed(key, key) }, keys: pub(key), threshold: 1},
		"Unsigned":          {reason: "No signature, no trust.", index: func() *index.Index { return signed() }, keys: pub(key), threshold: 1, says: "index: not trusted: the index is not signed"},
		"Stranger":          {reason: "Anybody can sign.", index: func() *index.Index { return signed(stranger) }, keys: pub(key), threshold: 1, says: "0 of the trusted index keys"},
		"NoKeys":            {reason: "Without keys nothing is trusted.", index: func() *index.Index { return signed(key) }, threshold: 1, says: "0 of the trusted index keys"},
		"OneOfTwo":          {reason: "One signature is not two.", index: func() *index.Index { return signed(key) }, keys: pub(key, second), threshold: 2, says: "1 of the trusted index keys"},
		"ZeroThreshold":     {reason: "Zero signatures would do.", index: func() *index.Index { return signed(key) }, keys: pub(key), threshold: 0, says: "would trust anybody"},
		"NegativeThreshold": {reason: "Zero signatures would do.", index: func() *index.Index { return signed(key) }, keys: pub(key), threshold: -1, says: "would trust anybody"},
		"SameKeyTwice":      {reason: "A key counts once.", index: func() *index.Index { return signed(key) }, keys: pub(key, key), threshold: 2, says: "1 of the trusted index keys"},
		"DuplicateSignature": {
			reason: "A signature counts once.",
			index:  func() *index.Index { x := signed(key); x.Signatures = append(x.Signatures, x.Signatures[0]); return x },
			keys:   pub(key), threshold: 2, says: "1 of the trusted index keys",
		},
		"KeyUnderTwoIDs": {
			reason: "One key must not count as two.",
			index: func() *index.Index {
				x := signed(key)
				x.Signatures = append(x.Signatures, index.Signature{Publisher: "other", Signature: x.Signatures[0].Signature})
				return x
			},
			keys: append(pub(key), release.PublicKey{ID: "other", Ed25519: key.Public().Ed25519}), threshold: 2, says: "not an Ed25519 key with its own id",
		},
		"ShortKey": {
			reason: "A malformed key is an error, not a panic.", index: func() *index.Index { return signed(key) },
			keys: []release.PublicKey{{ID: key.ID, Ed25519: ed25519.PublicKey{1, 2}}}, threshold: 1, says: "not an Ed25519 key",
		},
		"ContentChanged": {
			reason: "The signature is over the content.",
			index:  func() *index.Index { x := signed(key); x.Plugins[0].Summary = "x"; return x },
			keys:   pub(key), threshold: 1, says: "0 of the trusted index keys",
		},
		"TimeChanged": {
			reason: "The signature is over the time.",
			index:  func() *index.Index { x := signed(key); x.GeneratedAt = "2027-01-02T03:04:05Z"; return x },
			keys:   pub(key), threshold: 1, says: "0 of the trusted index keys",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x, err := index.Parse(encode(t, tc.index()))
			if err != nil {
				t.Fatal(err)
			}
			err = x.Verify(tc.keys, tc.threshold)
			if tc.says == "" {
				if err != nil {
					t.Errorf("%s: %v", tc.reason, err)
				}
				return
			}
			if !errors.Is(err, release.ErrNotTrusted) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %v", tc.reason, tc.says, err)
			}
		})
	}
}

// TestRow54_SignaturePayload computes the signed bytes from the words of the format.
func TestRow54_SignaturePayload(t *testing.T) {
	t.Parallel()
	key := registrytest.Key(t, 7)
	x := &index.Index{Schema: index.Schema, GeneratedAt: "2026-01-02T03:04:05Z", Status: "draft", Publishers: []index.Publisher{}, Plugins: []index.Plugin{}}
	if err := x.Sign(key); err != nil {
		t.Fatal(err)
	}
	payload := "LATTICE-PLUGIN-INDEX-V1\n" +
		`{"generated_at":"2026-01-02T03:04:05Z","plugins":[],"publishers":[],"schema":"lattice.plugin.index.v1","status":"draft"}`
	want := []index.Signature{{Publisher: key.ID, Signature: base64.StdEncoding.EncodeToString(ed25519.Sign(key.Ed25519, []byte(payload)))}}
	if diff := cmp.Diff(want, x.Signatures); diff != "" {
		t.Error(diff)
	}
}

func FuzzParse(f *testing.F) {
	key := registrytest.Key(f, 7)
	x := document(f)
	f.Add(encode(f, x))
	if err := x.Sign(key); err != nil {
		f.Fatal(err)
	}
	f.Add(encode(f, x))
	f.Add([]byte(`{"plugins":[null],"publishers":[{}],"signatures":[{}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := index.Parse(data)
		if err != nil {
			return
		}
		again, err := index.Parse(encode(t, got))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Error(diff)
		}
		// The only signed document is the one that was signed.
		if got.Verify([]release.PublicKey{key.Public()}, 1) == nil {
			got.Signatures, x.Signatures = nil, nil
			if diff := cmp.Diff(x, got); diff != "" {
				t.Errorf("an unsigned document: %s", diff)
			}
		}
	})
}
