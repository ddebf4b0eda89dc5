package trust

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

// march is when tests begin.
var march = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// The targets that tests use.
var (
	web1 = tuf.ReleaseTarget("acme", "web", "1.0.0")
	web2 = tuf.ReleaseTarget("acme", "web", "2.0.0")
	base = "policy-bundles/base.tar"
)

// target is what a reader says about a target.
type target struct {
	Content string          `json:"content"`
	Custom  json.RawMessage `json:"custom"`
}

// readers are two clients of one index, ours and tuf-js, with a state each.
type readers struct {
	*testing.T
	tufJS             *script
	url, ours, theirs string
	root              []byte
	time              time.Time
}

func newReaders(t *testing.T, tufJS *script, index http.Handler, root []byte) *readers {
	t.Helper()
	server := httptest.NewServer(index)
	t.Cleanup(server.Close)
	r := &readers{T: t, tufJS: tufJS, url: server.URL, ours: t.TempDir(), theirs: t.TempDir(), root: root, time: march}
	check(t, os.WriteFile(filepath.Join(r.theirs, "root.json"), root, 0o644))
	return r
}

// readOurs refreshes and fetches targets with the client of this project.
func (r *readers) readOurs(names []string) (map[string]target, error) {
	r.Helper()
	source, err := tuf.OpenSource(r.url)
	check(r.T, err)
	defer func() { check(r.T, source.Close()) }()
	client, err := tuf.Open(tuf.Config{Root: r.root, Dir: r.ours, Source: source, Clock: func() time.Time { return r.time }})
	check(r.T, err)
	view, err := client.Refresh(context.Background())
	if err != nil {
		return nil, err
	}
	got := map[string]target{}
	for _, name := range names {
		found, err := view.Target(context.Background(), name)
		if err != nil {
			return nil, err
		}
		got[name] = target{Content: string(found.Data), Custom: found.Custom}
	}
	return got, nil
}

// readTheirs does the same with tuf-js.
func (r *readers) readTheirs(names []string) (map[string]target, error) {
	r.Helper()
	var answer struct {
		Targets map[string]target `json:"targets"`
	}
	err := r.tufJS.call(r.T, map[string]any{
		"now": r.time.UnixMilli(), "metadataDir": r.theirs, "metadataUrl": r.url + "/metadata",
		"targetDir": r.TempDir(), "targetUrl": r.url + "/targets", "names": append([]string{}, names...),
	}, &answer)
	return answer.Targets, err
}

// accept wants both to read the same.
func (r *readers) accept(names ...string) map[string]target {
	r.Helper()
	ours, err := r.readOurs(names)
	check(r.T, err)
	theirs, err := r.readTheirs(names)
	check(r.T, err)
	if diff := cmp.Diff(ours, theirs); diff != "" {
		r.Errorf("ours (-) and tuf-js (+) differ:\n%s", diff)
	}
	return ours
}

// refuse wants both to refuse: ours with an error of a kind, tuf-js with one that says something.
func (r *readers) refuse(kind error, says string, names ...string) {
	r.Helper()
	if _, err := r.readOurs(names); !errors.Is(err, kind) {
		r.Errorf("ours: got %v, want an error that is %q", err, kind)
	}
	if _, err := r.readTheirs(names); err == nil || !strings.Contains(err.Error(), says) {
		r.Errorf("tuf-js: got %v, want an error that says %q", err, says)
	}
}

// The seeds of keys: three for each offline role, of which two must sign, and one for each online
// role.
const (
	rootKeys, targetsKeys, releasesKey, snapshotKey, timestampKey = "abc", "def", "g", "h", "i"
	allKeys                                                       = rootKeys + targetsKeys + releasesKey + snapshotKey + timestampKey
)

// published is an index that package author publishes into a folder.
type published struct {
	*readers
	dir       string
	keys      string
	lifetimes author.Lifetimes
}

// newPublished returns an index with one release, one document and nothing else, and two readers
// that have not read it.
func newPublished(t *testing.T, tufJS *script, o author.Options) *published {
	t.Helper()
	p := &published{
		readers: &readers{T: t, time: march}, dir: t.TempDir(), keys: allKeys, lifetimes: author.Online(),
	}
	d, err := author.New(map[string]author.Signers{
		author.RoleRoot: p.signers(2, rootKeys), author.RoleTargets: p.signers(2, targetsKeys),
		author.RoleReleases: p.signers(1, releasesKey), author.RoleSnapshot: p.signers(1, snapshotKey),
		author.RoleTimestamp: p.signers(1, timestampKey),
	}, o)
	check(t, err)
	check(t, addRelease(d, "1.0.0", "one"))
	check(t, d.Set(tuf.PublishersTarget, []byte(`{"acme":[]}`)))
	p.write(d)
	root := p.file("metadata/1.root.json")
	p.readers = newReaders(t, tufJS, http.FileServer(http.Dir(p.dir)), root)
	return p
}

// addRelease adds a release of acme/web.
func addRelease(d *author.Draft, version, bundle string) error {
	return d.AddRelease(author.Release{
		Publisher: "acme", Name: "web", Version: version, Summary: "derives", ABI: abi.Version,
		Digest: release.Digest([]byte(bundle)), Size: int64(len(bundle)), Bundle: []byte(bundle),
	})
}

func (p *published) signers(threshold int, seeds string) author.Signers {
	p.Helper()
	s := author.Signers{Threshold: threshold}
	for _, seed := range []byte(seeds) {
		s.Keys = append(s.Keys, key(p.T, seed).Public())
	}
	return s
}

func (p *published) write(d *author.Draft) {
	p.Helper()
	var keys []release.PrivateKey
	for _, seed := range []byte(p.keys) {
		keys = append(keys, key(p.T, seed))
	}
	change, err := d.Publish(p.time, p.lifetimes, keys)
	check(p.T, err)
	check(p.T, change.Write(p.dir))
}

// publish changes the index.
func (p *published) publish(change func(*author.Draft) error) {
	p.Helper()
	d, err := author.Open(context.Background(), p.dir, p.root)
	check(p.T, err)
	check(p.T, change(d))
	p.write(d)
}

// rotate gives a role other keys. The root is signed by the old ones too.
func (p *published) rotate(role string, threshold int, seeds string) {
	p.Helper()
	p.keys += seeds
	p.publish(func(d *author.Draft) error { return d.Rotate(role, p.signers(threshold, seeds)) })
}

// renew publishes roles again, which then expire after lifetime.
func (p *published) renew(lifetime time.Duration, roles ...string) {
	p.Helper()
	p.lifetimes = author.Online()
	for _, role := range roles {
		p.lifetimes[role] = lifetime
	}
	p.publish(func(d *author.Draft) error { return d.Renew(roles...) })
	p.lifetimes = author.Online()
}

func (p *published) file(name string) []byte {
	p.Helper()
	data, err := os.ReadFile(filepath.Join(p.dir, filepath.FromSlash(name)))
	check(p.T, err)
	return data
}

// replace serves other bytes under a name.
func (p *published) replace(name string, data []byte) {
	p.Helper()
	check(p.T, os.WriteFile(filepath.Join(p.dir, filepath.FromSlash(name)), data, 0o644))
}

func (p *published) remove(name string) {
	p.Helper()
	check(p.T, os.Remove(filepath.Join(p.dir, filepath.FromSlash(name))))
}

// edit changes what is served under a name, where old must occur exactly once.
func (p *published) edit(name, old, with string) {
	p.Helper()
	data := p.file(name)
	if n := bytes.Count(data, []byte(old)); n != 1 {
		p.Fatalf("%q is %d times in %s", old, n, name)
	}
	p.replace(name, bytes.Replace(data, []byte(old), []byte(with), 1))
}

// release is the path of the one release of newPublished.
func (p *published) release() string {
	p.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "targets", "releases", "acme", "web", "*.1.0.0.json"))
	if err != nil || len(files) != 1 {
		p.Fatal(files, err)
	}
	return "targets/releases/acme/web/" + filepath.Base(files[0])
}
