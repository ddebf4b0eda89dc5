package author_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/revocation"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/release"
)

const day = 24 * time.Hour

var start = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// The targets that tests use.
var (
	web1 = tuf.ReleaseTarget("acme", "web", "1.0.0")
	web2 = tuf.ReleaseTarget("acme", "web", "2.0.0")
	api1 = tuf.ReleaseTarget("beta", "api", "1.0.0")

	webVersions = tuf.VersionsTarget("acme", "web")
)

// The seeds of keys: three for each offline role, of which two must sign, and one for all online
// roles.
var (
	rootKeys    = []byte{1, 2, 3}
	targetsKeys = []byte{4, 5, 6}
	onlineKey   = []byte{7}
)

// fixture is an index in a folder, and a client of it.
type fixture struct {
	*testing.T
	dir, state string
	pinned     []byte
	time       time.Time
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureWith(t, author.Options{})
}

func newFixtureWith(t *testing.T, o author.Options) *fixture {
	t.Helper()
	f := &fixture{T: t, dir: t.TempDir(), state: t.TempDir(), time: start}
	d, err := author.New(map[string]author.Signers{
		author.RoleRoot: f.signers(2, rootKeys), author.RoleTargets: f.signers(2, targetsKeys),
		author.RoleReleases: f.signers(1, onlineKey), author.RoleSnapshot: f.signers(1, onlineKey),
		author.RoleTimestamp: f.signers(1, onlineKey),
	}, o)
	f.check(err)
	f.publish(d, rootKeys[:2], targetsKeys[1:], onlineKey)
	f.pinned, err = os.ReadFile(filepath.Join(f.dir, "metadata", "1.root.json"))
	f.check(err)
	return f
}

func (f *fixture) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) keys(seeds ...[]byte) (keys []release.PrivateKey) {
	for _, seed := range slices.Concat(seeds...) {
		keys = append(keys, registrytest.Key(f, seed))
	}
	return keys
}

func (f *fixture) signers(threshold int, seeds []byte) (s author.Signers) {
	for _, key := range f.keys(seeds) {
		s.Keys = append(s.Keys, key.Public())
	}
	s.Threshold = threshold
	return s
}

func (f *fixture) open() *author.Draft {
	f.Helper()
	d, err := author.Open(context.Background(), f.dir, f.pinned)
	f.check(err)
	return d
}

func (f *fixture) publish(d *author.Draft, seeds ...[]byte) *author.Change {
	f.Helper()
	change, err := d.Publish(f.time, author.Online(), f.keys(seeds...))
	f.check(err)
	f.check(change.Write(f.dir))
	return change
}

// add adds a release that is named as a target, with a content in place of its bundle.
func (f *fixture) add(d *author.Draft, name, content string) {
	f.Helper()
	f.check(d.AddRelease(newRelease(name, content)))
}

func newRelease(name, content string) author.Release {
	publisher, plugin, version, _ := tuf.ParseReleaseTarget(name)
	return author.Release{
		Publisher: publisher, Name: plugin, Version: version, Summary: "Summary of " + version, ABI: 1, Capabilities: []string{"kv"},
		Digest: release.Digest([]byte(content)), Size: int64(len(content)), Bundle: []byte(content),
	}
}

// refuses checks that the keys are not enough to publish.
func (f *fixture) refuses(d *author.Draft, says string, seeds ...[]byte) {
	f.Helper()
	before := f.files()
	change, err := d.Publish(f.time, author.Online(), f.keys(seeds...))
	if err == nil || change != nil || !strings.Contains(err.Error(), says) {
		f.Errorf("got %v, want an error that says %q", err, says)
	}
	if diff := cmp.Diff(before, f.files()); diff != "" {
		f.Errorf("the folder has changed:\n%s", diff)
	}
}

func (f *fixture) files() map[string]string {
	f.Helper()
	files := map[string]string{}
	f.check(filepath.WalkDir(f.dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		relative, _ := filepath.Rel(f.dir, path)
		files[relative] = string(data)
		return err
	}))
	return files
}

func (f *fixture) refresh() (*tuf.View, error) {
	f.Helper()
	source, err := tuf.OpenFolder(f.dir)
	f.check(err)
	f.Cleanup(func() { f.check(source.Close()) })
	client, err := tuf.Open(tuf.Config{Root: f.pinned, Dir: f.state, Source: source, Clock: func() time.Time { return f.time }})
	f.check(err)
	return client.Refresh(context.Background())
}

func (f *fixture) target(name string) *tuf.Target {
	f.Helper()
	v, err := f.refresh()
	f.check(err)
	target, err := v.Target(context.Background(), name)
	f.check(err)
	return target
}

func TestReleases(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.open()
	f.add(d, web1, "one")
	change := f.publish(d, onlineKey)
	want := []string{
		"releases: adds acme/web@1.0.0, " + release.Digest([]byte("one")),
		"releases: version 2, expires on 2026-03-31T12:00:00Z",
		"snapshot: version 2, expires on 2026-03-02T12:00:00Z",
		"timestamp: version 2, expires on 2026-03-02T12:00:00Z",
	}
	if diff := cmp.Diff(want, change.Notes); diff != "" {
		t.Error(diff)
	}
	wantPaths := []string{
		"targets/" + tuftest.TargetPath(tuf.PluginsTarget, f.target(tuf.PluginsTarget).Data),
		"targets/" + tuftest.TargetPath(webVersions, f.target(webVersions).Data),
		"targets/" + tuftest.TargetPath(web1, []byte("one")),
		"metadata/2.releases.json", "metadata/2.snapshot.json", "metadata/timestamp.json",
	}
	if diff := cmp.Diff(wantPaths, change.Paths()); diff != "" {
		t.Error(diff)
	}
	target := f.target(web1)
	if string(target.Data) != "one" || target.Role != author.RoleReleases || target.Custom != nil {
		t.Errorf("%+v", target)
	}

	d = f.open()
	f.add(d, web1, "one")
	if change := f.publish(d); change.Paths() != nil && len(change.Paths()) > 0 {
		t.Errorf("nothing has changed, and %v are written", change.Paths())
	}
	for _, other := range []author.Release{newRelease(web1, "other"), resized(newRelease(web1, "one"))} {
		if err := d.AddRelease(other); err == nil || !strings.Contains(err.Error(), "raise the version") {
			t.Error(err)
		}
	}
	for name, says := range map[string]string{
		"releases/acme/../x.json": "not a name", "x": "not a name", "releases/acme/web/1.json": "not a name",
		web1: "by adding a release", webVersions: "by adding a release", tuf.PluginsTarget: "by adding a release",
	} {
		if err := d.Set(name, nil); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// resized returns a release that differs in nothing but the list.
func resized(r author.Release) author.Release {
	r.Size++
	return r
}

func TestYank(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for _, step := range []struct{ reason, want string }{{"leaks", "leaks"}, {"", ""}} {
		d := f.open()
		f.add(d, web1, "one")
		f.check(d.Yank(web1, step.reason))
		f.publish(d, onlineKey)
		note, err := f.target(web1).Note()
		f.check(err)
		if got := note.Yanked; (got == nil) != (step.want == "") || got != nil && got.Reason != step.want {
			t.Errorf("%+v, want %q", got, step.want)
		}
	}
	d := f.open()
	for _, name := range []string{web2, tuf.PublishersTarget} {
		if err := d.Yank(name, "x"); err == nil {
			t.Errorf("%s was yanked", name)
		}
	}
	if err := d.Yank(web1, strings.Repeat("x", 5000)); err == nil || !strings.Contains(err.Error(), "one line of 1 to 500 bytes") {
		t.Error("a long reason was taken")
	}
}

// TestAttack40_Unrevoked has somebody with all online keys try to take a revocation back.
func TestAttack40_Unrevoked(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	before := f.files()
	d := f.open()
	f.check(d.Revoke(revocation.Entry{Publisher: "evil", Reason: "sold", Since: "2026-03-01T12:00:00Z"}))
	f.publish(d, targetsKeys[:2], onlineKey)
	f.target(tuf.RevocationsTarget)
	d = f.open()
	f.check(d.Restore("publisher evil"))
	f.refuses(d, "targets: the keys given are not enough", onlineKey, targetsKeys[:1], rootKeys)
	// The targets from before, named by newer online roles.
	old := registrytest.Key(t, onlineKey[0])
	signer, err := signature.LoadSigner(old.Ed25519, crypto.Hash(0))
	f.check(err)
	forged := forge(f, signer, []byte(before["metadata/1.targets.json"]))
	for name, data := range forged {
		f.check(os.WriteFile(filepath.Join(f.dir, "metadata", name), data, 0o644))
	}
	if _, err := f.refresh(); !errors.Is(err, tuf.ErrRollback) {
		t.Errorf("a client that has seen the revocation: %v", err)
	}
	// Who sees the index for the first time is bound by nothing but the expiry of the old targets.
	f.state = t.TempDir()
	_, err = f.refresh()
	f.check(err)
	f.time = start.Add(author.Online()[author.RoleTargets] + time.Hour)
	for name, data := range forge(f, signer, []byte(before["metadata/1.targets.json"])) {
		f.check(os.WriteFile(filepath.Join(f.dir, "metadata", name), data, 0o644))
	}
	f.state = t.TempDir()
	if _, err := f.refresh(); !errors.Is(err, tuf.ErrExpired) || !strings.Contains(err.Error(), "targets: version 1 expired") {
		t.Errorf("a client that has not, after the expiry: %v", err)
	}
}

// forge signs a snapshot and a timestamp that lead to older targets.
func forge(f *fixture, signer signature.Signer, targets []byte) map[string][]byte {
	f.Helper()
	meta := func(version int64, data []byte) *metadata.MetaFiles {
		sum := sha256.Sum256(data)
		return &metadata.MetaFiles{Version: version, Length: int64(len(data)), Hashes: metadata.Hashes{"sha256": sum[:]}}
	}
	expires := f.time.Add(day).UTC().Truncate(time.Second)
	snapshot, timestamp := metadata.Snapshot(expires), metadata.Timestamp(expires)
	snapshot.Signed.Version, timestamp.Signed.Version = 9, 9
	snapshot.Signed.Meta["targets.json"] = meta(1, targets)
	releases := []byte(f.files()["metadata/1.releases.json"])
	snapshot.Signed.Meta["releases.json"] = meta(1, releases)
	_, err := snapshot.Sign(signer)
	f.check(err)
	snapshotData, err := snapshot.ToBytes(false)
	f.check(err)
	timestamp.Signed.Meta["snapshot.json"] = meta(9, snapshotData)
	_, err = timestamp.Sign(signer)
	f.check(err)
	timestampData, err := timestamp.ToBytes(false)
	f.check(err)
	return map[string][]byte{"9.snapshot.json": snapshotData, "timestamp.json": timestampData}
}

// TestRevoke adds one revocation to another. Online keys cannot take it back.
func TestRevoke(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for i, publisher := range []string{"evil", "acme"} {
		d := f.open()
		f.check(d.Revoke(revocation.Entry{Publisher: publisher, Reason: "sold", Since: "2026-03-01T12:00:00Z"}))
		f.publish(d, targetsKeys[:2], onlineKey)
		list, err := revocation.Parse(f.target(tuf.RevocationsTarget).Data)
		f.check(err)
		if len(list.Revoked) != i+1 || list.Find(revocation.Release{Publisher: publisher}) == nil {
			t.Errorf("%+v", list)
		}
	}
	d := f.open()
	if err := d.Revoke(revocation.Entry{Publisher: "acme", Reason: "again", Since: "2026-03-02T12:00:00Z"}); err == nil {
		t.Error("revoked twice")
	}
	if err := d.Set(tuf.RevocationsTarget, []byte("{}")); err == nil {
		t.Error("revocations were set")
	}
	restore := func() *author.Draft {
		d := f.open()
		f.check(d.Restore("publisher evil"))
		return d
	}
	f.refuses(restore(), "targets: the keys given are not enough", onlineKey)
	f.publish(restore(), targetsKeys[:2], onlineKey)
	list, err := revocation.Parse(f.target(tuf.RevocationsTarget).Data)
	f.check(err)
	if len(list.Revoked) != 1 {
		t.Errorf("%+v", list)
	}
	if err := f.open().Restore("publisher evil"); err == nil {
		t.Error("restored twice")
	}
}

// TestWhatKeysCannot: online keys release, and nothing else; one offline key of two is not one.
func TestWhatKeysCannot(t *testing.T) {
	const policy = "policy-bundles/base.tar"
	t.Parallel()
	f := newFixture(t)
	set := func(name string) *author.Draft {
		d := f.open()
		if name == web1 {
			f.add(d, name, "content")
			return d
		}
		f.check(d.Set(name, []byte("content")))
		return d
	}
	f.refuses(set(tuf.PublishersTarget), "targets: the keys given are not enough", onlineKey)
	f.refuses(set(policy), "targets: the keys given are not enough", onlineKey, targetsKeys[:1], rootKeys)
	f.refuses(set(web1), "releases: the keys given are not enough", rootKeys, targetsKeys)
	f.publish(set(policy), onlineKey, targetsKeys[:2])
	if got := string(f.target(policy).Data); got != "content" {
		t.Error(got)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	newer := []byte{11, 12, 13}
	tests := map[string]struct {
		role       string
		threshold  int
		keys       []byte
		enough     [][]byte
		notEnough  [][]byte
		withOldKey []byte
	}{
		"Root":      {author.RoleRoot, 2, newer, [][]byte{rootKeys[1:], newer[:2]}, [][]byte{newer}, rootKeys},
		"RootByOld": {author.RoleRoot, 2, newer, [][]byte{rootKeys[1:], newer[:2]}, [][]byte{rootKeys}, nil},
		"Targets":   {author.RoleTargets, 2, newer, [][]byte{rootKeys, newer, onlineKey}, [][]byte{rootKeys, targetsKeys, onlineKey}, targetsKeys},
		"Releases":  {author.RoleReleases, 1, newer[:1], [][]byte{targetsKeys, newer, onlineKey}, [][]byte{targetsKeys, onlineKey}, onlineKey},
		"Timestamp": {author.RoleTimestamp, 1, newer[:1], [][]byte{rootKeys, newer}, [][]byte{rootKeys, onlineKey}, onlineKey},
		"Snapshot":  {author.RoleSnapshot, 1, newer[:1], [][]byte{rootKeys, newer, onlineKey}, [][]byte{rootKeys, onlineKey}, onlineKey},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			_, err := f.refresh()
			f.check(err)
			rotate := func() *author.Draft {
				d := f.open()
				f.check(d.Rotate(tc.role, f.signers(tc.threshold, tc.keys)))
				return d
			}
			f.refuses(rotate(), tc.role+": the keys given are not enough", tc.notEnough...)
			f.publish(rotate(), tc.enough...)
			_, err = f.refresh()
			f.check(err)
			if tc.withOldKey == nil {
				return
			}
			d := f.open()
			f.check(d.Renew(tc.role))
			f.refuses(d, tc.role+": the keys given are not enough", tc.withOldKey)
		})
	}
}

// TestRenew keeps an index alive, and brings one back that has expired.
func TestRenew(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for range 3 {
		f.time = f.time.AddDate(0, 0, 10)
		if _, err := f.refresh(); err == nil {
			t.Error("the index has not expired")
		}
		d := f.open()
		f.check(d.Renew(author.RoleReleases, author.RoleSnapshot))
		f.publish(d, onlineKey)
		_, err := f.refresh()
		f.check(err)
	}
	if err := f.open().Renew("other"); err == nil {
		t.Error("a role that does not exist was accepted")
	}
}

// TestOpenVerifies opens folders that somebody else has written to.
func TestOpenVerifies(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	d := f.open()
	f.add(d, web1, "one")
	f.publish(d, onlineKey)
	for _, name := range []string{"2.releases.json", "2.snapshot.json", "1.targets.json", "timestamp.json"} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(f.dir, "metadata", name)
			good, err := os.ReadFile(file)
			f.check(err)
			bad := bytes.Replace(good, []byte(`"version":`), []byte(`"version": `), 1)
			bad = bytes.Replace(bad, []byte("2026-"), []byte("2027-"), 1)
			f.check(os.WriteFile(file, bad, 0o644))
			if _, err := author.Open(context.Background(), f.dir, f.pinned); err == nil {
				t.Error("it was opened")
			}
			f.check(os.WriteFile(file, good, 0o644))
		})
	}
	other := tuftest.New(t, start).Get("metadata/1.root.json")
	if _, err := author.Open(context.Background(), f.dir, other); !errors.Is(err, tuf.ErrSignature) {
		t.Error("it was opened with another root")
	}
}

// TestTwoAuthors publish at the same time: the second begins again.
func TestTwoAuthors(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	first, second := f.open(), f.open()
	f.add(first, web1, "one")
	f.add(second, web2, "two")
	f.publish(first, onlineKey)
	before := f.files()
	change, err := second.Publish(f.time, author.Online(), f.keys(onlineKey))
	f.check(err)
	if err := change.Write(f.dir); err == nil || !strings.Contains(err.Error(), "somebody else published at the same time") {
		t.Error(err)
	}
	if got := f.files()["metadata/timestamp.json"]; got != before["metadata/timestamp.json"] {
		t.Error("the timestamp has changed")
	}
	_, err = second.Publish(f.time, author.Online(), f.keys(onlineKey))
	if err == nil || !strings.Contains(err.Error(), "open the index again") {
		t.Error(err)
	}
}

// TestDates have no fractions of a second, which the specification does not know.
func TestDates(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	date := regexp.MustCompile(`"expires":"([^"]*)"`)
	for name, data := range f.files() {
		if strings.HasSuffix(name, ".flock") {
			continue
		}
		found := date.FindStringSubmatch(data)
		if len(found) != 2 || !regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`).MatchString(found[1]) {
			t.Errorf("%s: %q", name, found)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	good := map[string]author.Signers{}
	for _, role := range author.Roles() {
		good[role] = f.signers(1, onlineKey)
	}
	for name, s := range map[string]author.Signers{
		"None": {}, "ThresholdZero": f.signers(0, onlineKey), "ThresholdAboveKeys": f.signers(2, onlineKey),
		"SameKeyTwice": f.signers(2, []byte{7, 7}), "NoKey": {Keys: []release.PublicKey{{ID: "x"}}, Threshold: 1},
	} {
		for _, role := range author.Roles() {
			signers := maps.Clone(good)
			signers[role] = s
			if _, err := author.New(signers, author.Options{}); err == nil || !strings.HasPrefix(err.Error(), role+": ") {
				t.Errorf("%s, %s: %v", name, role, err)
			}
		}
	}
	d, err := author.New(good, author.Options{})
	f.check(err)
	if _, err := d.Publish(start, author.Lifetimes{}, f.keys(onlineKey)); err == nil || !strings.Contains(err.Error(), "lifetime") {
		t.Error(err)
	}
}
