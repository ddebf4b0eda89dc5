package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

// pinName is the root that an index is verified from, in the folder of its keys.
const pinName = "root.json"

// maxRootBytes is what clients read of a root.
const maxRootBytes = 512_000

// publishFlags are the flags of the commands that publish an index.
type publishFlags struct {
	folders, files []string
	root           string
	dryRun         bool
}

func (f *publishFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.folders, "keys", nil, "`folder` with private keys; repeatable")
	c.Flags().StringArrayVar(&f.files, "key", nil, "`file` with a private key; repeatable")
	c.Flags().StringVar(&f.root, "root", "", "`file` with the root that the index is verified from; "+pinName+" in the first folder of keys when empty")
	c.Flags().BoolVar(&f.dryRun, "dry-run", false, "show what would be published, and write nothing")
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagDirname("keys")
}

// pin returns the file of the root that the index is verified from.
func (f *publishFlags) pin() (string, error) {
	switch {
	case f.root != "":
		return f.root, nil
	case len(f.folders) > 0:
		return filepath.Join(f.folders[0], pinName), nil
	}
	return "", usagef("name the folder with the keys of the index with --keys, or the root to verify it from with --root and keys with --key")
}

// publishing is one change of an index.
type publishing struct {
	app   *app
	flags *publishFlags
	dir   string
	at    time.Time
	ring  *keyring
	draft *author.Draft
	// static says that what the static document says may have changed, though no release has.
	static bool
	// affected are the releases that a revocation covers.
	affected []string
	// before runs when everything is signed and nothing is published yet, except for a dry run.
	before func(ctx context.Context) error
}

// publish opens an index, has it changed, and publishes it.
func (a *app) publish(ctx context.Context, dir string, flags *publishFlags, change func(p *publishing) error) (*published, error) {
	p := &publishing{app: a, flags: flags, dir: dir}
	if err := p.open(ctx); err != nil {
		return nil, err
	}
	if err := change(p); err != nil {
		return nil, asInput(err)
	}
	return p.finish(ctx)
}

func (p *publishing) open(ctx context.Context) (err error) {
	if p.at, err = p.app.publishTime(); err != nil {
		return err
	}
	if p.ring, err = p.app.newKeyring(p.flags.folders, p.flags.files); err != nil {
		return err
	}
	pinFile, err := p.flags.pin()
	if err != nil {
		return err
	}
	pinned, err := readFile(pinFile, maxRootBytes)
	if err != nil {
		return err
	}
	if err := p.checkFolder(); err != nil {
		return err
	}
	if err := p.remember(ctx, pinFile, pinned); err != nil {
		return err
	}
	if p.draft, err = author.Open(ctx, p.dir, pinned); err != nil {
		return unreadIndex(p.dir, err)
	}
	return nil
}

// checkFolder refuses a folder that is not an index.
func (p *publishing) checkFolder() error {
	if _, err := os.Stat(filepath.Join(p.dir, "metadata")); err != nil {
		return inputf("%s: holds no index; make one with lattice-host index init", p.dir)
	}
	return nil
}

// seenFolder is where it lies what was seen of an index, next to the pin.
func seenFolder(pinFile string) string { return strings.TrimSuffix(pinFile, ".json") + ".seen" }

// remember compares the index with the newest that was seen from this pin, and remembers it, except
// for a dry run: anyone who can write to the folder could otherwise have what was taken back signed
// again.
func (p *publishing) remember(ctx context.Context, pinFile string, pinned []byte) error {
	if p.flags.dryRun {
		return p.compare(ctx, pinFile, pinned)
	}
	return p.look(ctx, pinFile, pinned, seenFolder(pinFile))
}

// compare is remember without remembering.
func (p *publishing) compare(ctx context.Context, pinFile string, pinned []byte) (err error) {
	temporary, err := os.MkdirTemp("", "lattice-host-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	if err := os.CopyFS(temporary, os.DirFS(seenFolder(pinFile))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return asInput(err)
	}
	return p.look(ctx, pinFile, pinned, temporary)
}

// look verifies the index with a memory.
func (p *publishing) look(ctx context.Context, pinFile string, pinned []byte, memory string) error {
	source, err := tuf.OpenFolder(p.dir)
	if err != nil {
		return asInput(err)
	}
	// Long ago, nothing had expired.
	longAgo := func() time.Time { return time.Unix(0, 0) }
	client, err := tuf.Open(tuf.Config{Root: pinned, Dir: memory, Source: source, Clock: longAgo})
	if err != nil {
		return errors.Join(release.NotTrusted(pinFile, "", err), source.Close())
	}
	if _, err := client.Refresh(ctx); err != nil {
		return errors.Join(unreadIndex(p.dir, err), source.Close())
	}
	return source.Close()
}

// published is what a command that publishes tells.
type published struct {
	Index  string   `json:"index"`
	DryRun bool     `json:"dryRun"`
	Notes  []string `json:"notes"`
	// Hits are the releases that are revoked and were not.
	Hits  []string `json:"hits,omitempty"`
	Files []string `json:"files"`
}

// finish signs and writes the change.
func (p *publishing) finish(ctx context.Context) (*published, error) {
	change, err := p.sign(ctx)
	if err != nil {
		return nil, err
	}
	done := &published{
		Index: p.dir, DryRun: p.flags.dryRun, Notes: append([]string{}, change.Notes...), Hits: p.affected, Files: change.Paths(),
	}
	if p.flags.dryRun {
		return done, nil
	}
	if p.before != nil {
		if err := p.before(ctx); err != nil {
			return nil, err
		}
	}
	if len(done.Files) == 0 {
		return done, nil
	}
	if err := change.Write(p.dir); err != nil {
		return nil, asInput(err)
	}
	return done, p.settle(ctx)
}

// sign returns the change, with a static document that fits it.
func (p *publishing) sign(ctx context.Context) (*author.Change, error) {
	if err := p.updateStatic(ctx); err != nil {
		return nil, asInput(err)
	}
	needs, err := p.draft.Needs()
	if err != nil {
		return nil, asInput(err)
	}
	keys, err := p.ring.keysFor(ctx, needs)
	if err != nil {
		return nil, err
	}
	lifetimes, err := p.draft.Lifetimes()
	if err != nil {
		return nil, asInput(err)
	}
	change, err := p.draft.Publish(p.at, lifetimes, keys)
	return change, asInput(err)
}

// updateStatic writes the static document when releases change. When something else does that it
// says, it is written if the keys for that are at hand.
func (p *publishing) updateStatic(ctx context.Context) error {
	needs, err := p.draft.Needs()
	if err != nil {
		return err
	}
	for _, need := range needs {
		if need.Role == author.RoleReleases {
			keys, err := p.ring.keysFor(ctx, []author.Need{need})
			if err != nil {
				// All roles that lack keys are named at once.
				return nil
			}
			return p.draft.UpdateStatic(p.at, keys)
		}
	}
	if !p.static || len(needs) == 0 {
		return nil
	}
	need := p.draft.ReleasesNeed()
	keys, err := p.ring.find(ctx, need)
	if err != nil {
		return err
	}
	if len(keys) < need.Threshold {
		p.app.note("%s stays as it is until releases are published next: the key of the role %s is not at hand", tuf.StaticTarget, author.RoleReleases)
		return nil
	}
	return p.draft.UpdateStatic(p.at, keys)
}

// settle reads back what was published as a client does, and remembers it. The static document also
// lies where readers of the format look for it.
func (p *publishing) settle(ctx context.Context) error {
	pinFile, err := p.flags.pin()
	if err != nil {
		return err
	}
	pinned, err := readFile(pinFile, maxRootBytes)
	if err != nil {
		return err
	}
	if err := p.remember(ctx, pinFile, pinned); err != nil {
		return err
	}
	file := filepath.Join(p.dir, tuf.StaticTarget)
	content, err := p.draft.Target(tuf.StaticTarget)
	if errors.Is(err, tuf.ErrNotFound) {
		if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err != nil {
		return err
	}
	return asInput(writeFile(file, content, 0o644))
}

// emitPublished tells what was published.
func (a *app) emitPublished(p *published, err error) error {
	if err != nil {
		return err
	}
	return a.emit(p, p.write)
}

func (p *published) write(w io.Writer) {
	for _, note := range p.Notes {
		fmt.Fprintln(w, printable(note))
	}
	for _, reference := range p.Hits {
		fmt.Fprintln(w, "  hits "+reference)
	}
	switch {
	case len(p.Files) == 0:
		fmt.Fprintln(w, "nothing has changed")
	case p.DryRun:
		fmt.Fprintln(w, "nothing was written; without --dry-run these files are:")
		for _, file := range p.Files {
			fmt.Fprintln(w, "  "+printable(file))
		}
	default:
		fmt.Fprintf(w, "published %s\n", printable(p.Index))
	}
}

// publishTime returns when an index is published: at the time of $SOURCE_DATE_EPOCH, when it is
// set, so that one can be made twice with the same bytes.
func (a *app) publishTime() (time.Time, error) {
	epoch := a.getenv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return a.now(), nil
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return time.Time{}, usagef("$SOURCE_DATE_EPOCH must be a number of seconds, not %q", epoch)
	}
	return time.Unix(seconds, 0), nil
}

// parseLifetime reads a duration such as 90d or 12h.
func parseLifetime(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, usagef("%q is not a duration; write 90d or 12h", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < time.Second {
		return 0, usagef("%q is not a duration; write 90d or 12h", s)
	}
	return d, nil
}

// roleValue splits a flag ROLE=VALUE.
func roleValue(flag, s string) (role, value string, err error) {
	role, value, ok := strings.Cut(s, "=")
	for _, known := range author.Roles() {
		if ok && role == known {
			return role, value, nil
		}
	}
	return "", "", usagef("--%s %s: must be ROLE=VALUE, with one of the roles %s", flag, s, strings.Join(author.Roles(), ", "))
}
