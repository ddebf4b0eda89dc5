package publisher_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// full returns a list that uses every field.
func full(t testing.TB) *publisher.List {
	t.Helper()
	l := publisher.New()
	for _, p := range []publisher.Publisher{
		{ID: "beta", Name: "Beta", Keys: []publisher.Key{publisher.NewKey(registrytest.Key(t, 3).Public(), time.Time{}, time.Time{})}},
		{ID: "acme", Name: "Acme & Söhne", Keys: []publisher.Key{
			publisher.NewKey(registrytest.Key(t, 1).Public(), start, start.AddDate(1, 0, 0)),
			publisher.NewKey(registrytest.Key(t, 2).Public(), time.Time{}, start),
		}},
	} {
		if err := l.Set(p); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func TestEncode(t *testing.T) {
	t.Parallel()
	l := full(t)
	data, err := l.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := publisher.Parse(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(l, again); diff != "" {
		t.Error(diff)
	}
	if got := l.Find("acme"); got == nil || got.Name != "Acme & Söhne" || len(got.Keys) != 2 {
		t.Errorf("%+v", got)
	}
	if err := l.Remove("acme"); err != nil || l.Find("acme") != nil || l.Find("beta") == nil {
		t.Errorf("%v, %+v", err, l)
	}
	if err := l.Remove("acme"); err == nil || err.Error() != "acme: not a publisher of the index" {
		t.Error(err)
	}
}

// TestValid asks about both ends of a key's time.
func TestValid(t *testing.T) {
	t.Parallel()
	key := registrytest.Key(t, 1).Public()
	end := start.Add(time.Hour)
	tests := map[string]struct {
		key  publisher.Key
		at   time.Time
		want bool
	}{
		"Always":    {publisher.NewKey(key, time.Time{}, time.Time{}), start, true},
		"Early":     {publisher.NewKey(key, start, end), start.Add(-time.Second), false},
		"First":     {publisher.NewKey(key, start, end), start, true},
		"Last":      {publisher.NewKey(key, start, end), end, true},
		"Late":      {publisher.NewKey(key, start, end), end.Add(time.Second), false},
		"Malformed": {publisher.Key{NotAfter: "tomorrow"}, start, false},
	}
	for name, tc := range tests {
		if got := tc.key.Valid(tc.at); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	key := publisher.NewKey(registrytest.Key(t, 1).Public(), time.Time{}, time.Time{})
	entry := func(id, name, keys string) string {
		return fmt.Sprintf(`{"id":%q,"name":%q,"keys":[%s]}`, id, name, keys)
	}
	one := fmt.Sprintf(`{"id":%q,"publicKey":%q}`, key.ID, key.PublicKey)
	with := func(field string) string { return one[:len(one)-1] + "," + field + "}" }
	list := func(entries ...string) string {
		return `{"version":1,"publishers":[` + strings.Join(entries, ",") + `]}`
	}
	tests := map[string]struct{ document, says string }{
		"Version":     {`{"version":2,"publishers":[]}`, "version: is 2, this program reads version 1"},
		"Null":        {`{"version":1,"publishers":null}`, "publishers"},
		"Unknown":     {`{"version":1,"publishers":[],"x":1}`, `"x"`},
		"ID":          {list(entry("Acme", "x", one)), "publishers.0.id: "},
		"Name":        {list(entry("acme", "", one)), "publishers.0.name: "},
		"NameLines":   {list(entry("acme", "a\nb", one)), "publishers.0.name: "},
		"NoKeys":      {list(entry("acme", "x", "")), "publishers.0.keys: has 0 entries"},
		"ManyKeys":    {list(entry("acme", "x", strings.TrimSuffix(strings.Repeat(one+",", 33), ","))), "publishers.0.keys: has 33 entries"},
		"KeyTwice":    {list(entry("acme", "x", one+","+one)), "publishers.0.keys.1: ed25519-"},
		"KeyID":       {list(entry("acme", "x", strings.Replace(one, "ed25519-", "ed25519-x", 1))), "publishers.0.keys.0.id: "},
		"KeyBytes":    {list(entry("acme", "x", `{"id":"x","publicKey":"AAAA"}`)), "publishers.0.keys.0.publicKey: "},
		"WeakKey":     {list(entry("acme", "x", `{"id":"x","publicKey":"`+strings.Repeat("A", 43)+`="}`)), "publishers.0.keys.0.publicKey: the key ed25519-"},
		"NotBefore":   {list(entry("acme", "x", with(`"notBefore":"2026-01-01"`))), "publishers.0.keys.0.notBefore: "},
		"NotAfter":    {list(entry("acme", "x", with(`"notAfter":"2026-01-01T00:00:00+01:00"`))), "publishers.0.keys.0.notAfter: "},
		"EndsFirst":   {list(entry("acme", "x", with(`"notBefore":"2026-01-02T00:00:00Z","notAfter":"2026-01-01T00:00:00Z"`))), "must be later than notBefore"},
		"Threshold":   {list(strings.Replace(entry("acme", "x", one), "]}", `],"threshold":2}`, 1)), "publishers.0.threshold: is 2, must be at least 1 and at most the number of keys, 1"},
		"Below":       {list(strings.Replace(entry("acme", "x", one), "]}", `],"threshold":-1}`, 1)), "publishers.0.threshold: is -1"},
		"Zero":        {list(strings.Replace(entry("acme", "x", one), "]}", `],"threshold":0}`, 1)), "threshold: must be left out"},
		"Order":       {list(entry("beta", "x", one), entry("acme", "x", one)), "publishers.1: acme must appear once"},
		"Twice":       {list(entry("acme", "x", one), entry("acme", "x", one)), "publishers.1: acme must appear once"},
		"KeyUnknown":  {list(entry("acme", "x", with(`"threshold":2`))), `"threshold"`},
		"DoubleField": {`{"version":1,"version":1,"publishers":[]}`, "version"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := publisher.Parse([]byte(tc.document)); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
	if _, err := publisher.Parse([]byte(list(entry("acme", "x", one)))); err != nil {
		t.Error(err)
	}
}

// TestThresholdWritten refuses when writing what it refuses when reading.
func TestThresholdWritten(t *testing.T) {
	t.Parallel()
	key := publisher.NewKey(registrytest.Key(t, 1).Public(), time.Time{}, time.Time{})
	for _, threshold := range []int{-1, 2, 1 << 40} {
		p := publisher.Publisher{ID: "acme", Name: "x", Keys: []publisher.Key{key}, Threshold: threshold}
		l := publisher.New()
		if err := l.Set(p); err == nil {
			t.Errorf("a threshold of %d of 1 is taken", threshold)
		}
		l.Publishers = append(l.Publishers, p)
		if _, err := l.Encode(); err == nil {
			t.Errorf("a threshold of %d of 1 is written", threshold)
		}
	}
}

// TestJudge: what a bundle claims next to the signatures that are right does not help a key that is
// revoked, and what is revoked is said to be, even where its key is gone.
func TestJudge(t *testing.T) {
	t.Parallel()
	stolen, other := registrytest.Key(t, 1), registrytest.Key(t, 2)
	r := registrytest.Sign(t, stolen, registrytest.Manifest(t, "acme/web@1.0.0"))
	forged := append(append(bytes.Clone(r.Bundle), '\n'), registrytest.SetField(t, r.Bundle, stolen.ID, other.ID)...)
	list := func(keys ...release.PrivateKey) *publisher.List {
		l, p := publisher.New(), publisher.Publisher{ID: "acme", Name: "Acme"}
		for _, key := range keys {
			p.Keys = append(p.Keys, publisher.NewKey(key.Public(), start, start.Add(time.Hour)))
		}
		if err := l.Set(p); err != nil {
			t.Fatal(err)
		}
		return l
	}
	revoked := revocation.New()
	if err := revoked.Add(revocation.Entry{KeyID: stolen.ID, Reason: "stolen", Since: "2026-01-01T00:00:00Z"}); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		bundle    []byte
		list      *publisher.List
		revoked   *revocation.List
		at        time.Time
		by, wrong bool
	}{
		"Good":          {r.Bundle, list(stolen, other), revocation.New(), start, false, false},
		"Revoked":       {r.Bundle, list(stolen, other), revoked, start, true, false},
		"RevokedForged": {forged, list(stolen, other), revoked, start, true, false},
		"RevokedGone":   {r.Bundle, list(other), revoked, start, true, false},
		"NoPublisher":   {r.Bundle, publisher.New(), revocation.New(), start, false, true},
		"Late":          {r.Bundle, list(stolen), revocation.New(), start.Add(2 * time.Hour), false, true},
		"AnyTime":       {r.Bundle, list(stolen), revocation.New(), time.Time{}, false, false},
		"Other":         {r.Bundle, list(other), revocation.New(), start, false, true},
	}
	for name, tc := range tests {
		claims, err := release.ReadClaims(tc.bundle)
		if err != nil {
			t.Fatal(err)
		}
		if _, by, err := publisher.Judge(tc.list, tc.revoked, claims, tc.at); (by != nil) != tc.by || (err != nil) != tc.wrong {
			t.Errorf("%s: %+v, %v", name, by, err)
		}
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
		l, err := publisher.Parse(data)
		if err != nil {
			return
		}
		first, err := l.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := publisher.Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := again.Encode(); err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s\n%s\n%v", first, second, err)
		}
	})
}
