package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexRotateCommand() *cobra.Command {
	r := &indexRotation{app: a}
	c := &cobra.Command{
		Use:   "rotate DIR ROLE --keys KEYS",
		Short: "Give a role of an index other keys",
		Long: `Rotate gives a role other keys, or another threshold, and publishes it signed with them, so that its old keys are of no use
any more. The keys that the role has from now on are those of --new, which may be keys that it had; without --new, as many as
it had are made in the first folder of --keys, as ROLE-K.key with numbers that are free.

New keys of root are signed by the root's keys until now as well. Other roles' keys are signed by root, those of releases by
targets. Clients that pinned the index follow by themselves: the pin need not change. --update-root writes the newest root into
the pin, so that new clients need not fetch every root since the first.`,
		Example: `  lattice-host index rotate ./index timestamp --keys ./keys
  lattice-host index rotate ./index root --new keys/root-1.pub --new keys/root-2.pub --new carol.pub --threshold 2 --keys ./keys`,
		Args: arguments(2, 2, "the folder of the index and the role"),
	}
	r.flags.add(c)
	c.Flags().StringArrayVar(&r.files, "new", nil, "`file` with a public key that the role has from now on; repeatable")
	c.Flags().IntVar(&r.threshold, "threshold", 0, "how many of the keys must sign; as many as until now when it is left out")
	c.Flags().BoolVar(&r.updateRoot, "update-root", false, "write the newest root into the pin")
	addUnencryptedFlag(c, &r.unencrypted)
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		r.role = args[1]
		if c.Flags().Changed("threshold") && r.threshold < 1 {
			return usagef("--threshold must be at least 1")
		}
		return r.run(ctx, args[0])
	})
	return c
}

// indexRotation is one run of index rotate.
type indexRotation struct {
	app         *app
	flags       publishFlags
	role        string
	files       []string
	threshold   int
	updateRoot  bool
	unencrypted bool
	newKeys     []newKey
	made        []madeKey
}

// rotated is what index rotate tells.
type rotated struct {
	published
	Keys []madeKey `json:"keys"`
}

func (r *indexRotation) run(ctx context.Context, dir string) error {
	done, err := r.app.publish(ctx, dir, &r.flags, func(p *publishing) error { return r.apply(ctx, p) })
	if err != nil {
		return err
	}
	if r.updateRoot && !done.DryRun {
		if err := r.pin(ctx, dir); err != nil {
			return err
		}
	}
	return r.app.emit(rotated{*done, append([]madeKey{}, r.made...)}, func(w io.Writer) {
		done.write(w)
		for _, key := range r.made {
			fmt.Fprintf(w, "made %s  %s\n", key.ID, printable(key.PrivateFile))
		}
	})
}

func (r *indexRotation) apply(ctx context.Context, p *publishing) error {
	state, err := r.state(p.draft)
	if err != nil {
		return err
	}
	signers := author.Signers{Threshold: r.threshold}
	if signers.Threshold == 0 {
		signers.Threshold = state.Threshold
	}
	if signers.Keys, err = readPublicKeys(r.files); err != nil {
		return err
	}
	if len(r.files) == 0 {
		if signers.Keys, err = r.generate(ctx, p, len(state.KeyIDs)); err != nil {
			return err
		}
	}
	p.static = r.role == author.RoleReleases
	return p.draft.Rotate(r.role, signers)
}

func (r *indexRotation) state(draft *author.Draft) (author.RoleState, error) {
	states, err := draft.State()
	if err != nil {
		return author.RoleState{}, err
	}
	for _, state := range states {
		if state.Name == r.role {
			return state, nil
		}
	}
	return author.RoleState{}, usagef("%q is not a role of an index, the roles are %s", r.role, orNothing(author.Roles()))
}

// generate makes keys that are written when everything is signed.
func (r *indexRotation) generate(ctx context.Context, p *publishing, n int) ([]release.PublicKey, error) {
	if len(r.flags.folders) == 0 {
		return nil, usagef("name the folder for the new keys with --keys, or the keys with --new")
	}
	var maker keyMaker
	if !r.flags.dryRun {
		var err error
		if maker, err = r.app.newKeyMaker(ctx, r.unencrypted); err != nil {
			return nil, err
		}
	}
	names, err := freeNames(r.flags.folders[0], r.role, n)
	if err != nil {
		return nil, err
	}
	var public []release.PublicKey
	for _, name := range names {
		key, err := release.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		p.ring.add(key)
		r.newKeys = append(r.newKeys, newKey{name, key})
		public = append(public, key.Public())
	}
	p.before = func(context.Context) error {
		for _, k := range r.newKeys {
			made, err := maker.write(r.flags.folders[0], k.name, k.key)
			if err != nil {
				return err
			}
			r.made = append(r.made, made)
		}
		return nil
	}
	return public, nil
}

// freeNames returns n names of keys of a role that are not taken in a folder.
func freeNames(folder, role string, n int) ([]string, error) {
	var names []string
	for k := 1; len(names) < n; k++ {
		name := role + "-" + strconv.Itoa(k)
		_, errPrivate := os.Lstat(filepath.Join(folder, name+release.PrivateEnding))
		_, errPublic := os.Lstat(filepath.Join(folder, name+release.PublicEnding))
		if errors.Is(errPrivate, fs.ErrNotExist) && errors.Is(errPublic, fs.ErrNotExist) {
			names = append(names, name)
			continue
		}
		if err := errors.Join(errPrivate, errPublic); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return names, nil
}

// pin writes the newest root into the pin, now that a client was led to it.
func (r *indexRotation) pin(ctx context.Context, dir string) error {
	pinFile, err := r.flags.pin()
	if err != nil {
		return err
	}
	pinned, err := readFile(pinFile, maxRootBytes)
	if err != nil {
		return err
	}
	draft, err := author.Open(ctx, dir, pinned)
	if err != nil {
		return unreadIndex(dir, err)
	}
	states, err := draft.State()
	if err != nil {
		return asInput(err)
	}
	root, err := readFile(filepath.Join(dir, "metadata", strconv.FormatInt(states[0].Version, 10)+".root.json"), maxRootBytes)
	if err != nil {
		return err
	}
	return asInput(writeFile(pinFile, root, 0o644))
}
