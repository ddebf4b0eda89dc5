package revocation_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/revocation"
)

const since = "2026-03-01T12:00:00Z"

var (
	digestA = "sha256:" + strings.Repeat("a", 64)
	digestB = "sha256:" + strings.Repeat("b", 64)
	keyA    = "ed25519-" + strings.Repeat("a", 16)
	keyB    = "ed25519-" + strings.Repeat("b", 16)
)

func entries() []revocation.Entry {
	return []revocation.Entry{
		{Publisher: "evil", Reason: "sold", Since: since},
		{KeyID: keyA, Reason: "stolen", Since: since},
		{Plugin: "acme/web", Versions: []string{"1.0.0", "1.1.0"}, Reason: "leaks", Since: since},
		{Plugin: "acme/old", Reason: "abandoned", Since: since},
		{Plugin: "acme/ranged", Range: "<1.2.3", Severity: "critical", Reason: "leaks", Since: since},
		{Digest: digestA, Reason: "mined", Since: since},
	}
}

func full(t testing.TB) *revocation.List {
	t.Helper()
	l := revocation.New()
	for _, e := range entries() {
		if err := l.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestFind(t *testing.T) {
	t.Parallel()
	l := full(t)
	good := revocation.Release{Publisher: "acme", Name: "web", Version: "1.2.0", Digest: digestB, Signers: []string{keyB}}
	tests := map[string]struct {
		change func(*revocation.Release)
		want   string
	}{
		"Good":        {func(*revocation.Release) {}, ""},
		"Empty":       {func(r *revocation.Release) { *r = revocation.Release{} }, ""},
		"Publisher":   {func(r *revocation.Release) { r.Publisher = "evil" }, "publisher evil"},
		"Key":         {func(r *revocation.Release) { r.Signers = []string{keyA} }, "key " + keyA},
		"Version":     {func(r *revocation.Release) { r.Version = "1.1.0" }, "acme/web@1.0.0,1.1.0"},
		"Range":       {func(r *revocation.Release) { r.Name, r.Version = "ranged", "1.2.3-rc.1" }, "acme/ranged@<1.2.3"},
		"NotInRange":  {func(r *revocation.Release) { r.Name, r.Version = "ranged", "1.2.3" }, ""},
		"OneOfTwo":    {func(r *revocation.Release) { r.Signers = []string{keyA, keyB} }, ""},
		"TwoOfTwo":    {func(r *revocation.Release) { r.Signers, r.Threshold = []string{keyA, keyB}, 2 }, "key " + keyA},
		"TooFew":      {func(r *revocation.Release) { r.Threshold = 2 }, ""},
		"AllVersions": {func(r *revocation.Release) { r.Name = "old" }, "acme/old"},
		"Digest":      {func(r *revocation.Release) { r.Digest = digestA }, digestA},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, got := good, ""
			tc.change(&r)
			if e := l.Find(r); e != nil {
				got = e.Subject()
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	data, err := full(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := revocation.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full(t), again); diff != "" {
		t.Error(diff)
	}
	if err := again.Add(revocation.Entry{Publisher: "evil", Reason: "again", Since: since}); err == nil || !strings.Contains(err.Error(), "publisher evil: is revoked since "+since) {
		t.Error(err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	entry := func(fields string) string {
		return fmt.Sprintf(`{"version":1,"revoked":[{%s,"reason":"r","since":"%s"}]}`, fields, since)
	}
	tests := map[string]struct{ document, says string }{
		"Version":         {`{"version":2,"revoked":[]}`, "this program reads version 1"},
		"Null":            {`{"version":1,"revoked":null}`, "revoked"},
		"Unknown":         {`{"version":1,"revoked":[],"x":1}`, `"x"`},
		"Nothing":         {entry(`"versions":["1.0.0"]`), "exactly one of"},
		"TwoThings":       {entry(`"digest":"` + digestA + `","publisher":"acme"`), "exactly one of"},
		"Digest":          {entry(`"digest":"` + strings.ToUpper(digestA) + `"`), "digest: "},
		"Plugin":          {entry(`"plugin":"acme"`), "plugin: "},
		"PluginVersion":   {entry(`"plugin":"acme/web@1.0.0"`), "plugin: "},
		"Publisher":       {entry(`"publisher":"Acme"`), "publisher: "},
		"Range":           {entry(`"plugin":"a/b","range":"newest"`), "range: "},
		"RangeIsVersion":  {entry(`"plugin":"a/b","range":"1.2.3"`), "range: "},
		"RangeAndVersion": {entry(`"plugin":"a/b","range":"<1","versions":["1.0.0"]`), "range: "},
		"RangeOfKey":      {entry(`"keyId":"` + keyA + `","range":"<1"`), "versions: belong to a plugin"},
		"Severity":        {entry(`"plugin":"a/b","severity":"awful"`), "severity: "},
		"KeyID":           {entry(`"keyId":"ed25519-x"`), "keyId: "},
		"BadVersion":      {entry(`"plugin":"acme/web","versions":["1"]`), "versions.0: "},
		"VersionsOrder":   {entry(`"plugin":"acme/web","versions":["1.1.0","1.0.0"]`), "versions.1: "},
		"VersionsOfOther": {entry(`"publisher":"acme","versions":["1.0.0"]`), "versions: belong to a plugin"},
		"NoReason":        {`{"version":1,"revoked":[{"publisher":"acme","reason":"","since":"` + since + `"}]}`, "reason: "},
		"LongReason":      {`{"version":1,"revoked":[{"publisher":"acme","reason":"` + strings.Repeat("x", 501) + `","since":"` + since + `"}]}`, "reason: "},
		"TwoLines":        {`{"version":1,"revoked":[{"publisher":"acme","reason":"a\nb","since":"` + since + `"}]}`, "reason: "},
		"Since":           {`{"version":1,"revoked":[{"publisher":"acme","reason":"r","since":"2026-03-01T12:00:00+01:00"}]}`, "since: "},
		"Order": {`{"version":1,"revoked":[{"publisher":"b","reason":"r","since":"` + since + `"},{"publisher":"a","reason":"r","since":"` + since + `"}]}`,
			"revoked.1: publisher a must appear once"},
		"Twice": {`{"version":1,"revoked":[{"publisher":"a","reason":"r","since":"` + since + `"},{"publisher":"a","reason":"s","since":"` + since + `"}]}`,
			"revoked.1: publisher a must appear once"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := revocation.Parse([]byte(tc.document)); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}

// FuzzParse reads any bytes: what is taken is written as it was understood.
func FuzzParse(f *testing.F) {
	data, err := full(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := revocation.Parse(data)
		if err != nil {
			return
		}
		first, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := revocation.Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s\n%s\n%v", first, second, err)
		}
	})
}
