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
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexInitCommand() *cobra.Command {
	in := &indexInit{app: a}
	c := &cobra.Command{
		Use:   "init DIR --keys KEYS",
		Short: "Make an empty index and its keys",
		Long: `Init publishes an empty index in DIR. The keys of its roles are in the folder KEYS: ROLE.key, or ROLE-1.key and so on for a role
with several. Those that are not in any folder of --keys are made in the first; of a key that others hold, its public half
ROLE-K.pub is enough as long as those at hand can sign. KEYS/root.json is the pin: give it to everyone who is to trust the index,
by a way that they trust.

A role has one key unless --threshold says otherwise, such as root=2/3: three keys, two of which must sign. Do so for root
and targets when more than one person answers for the index, and take their private keys away from this machine afterwards.

How long a role is valid after it was published is kept in the index: by default a day for snapshot and timestamp, so that a
machine has to refresh them, 30 days for releases, 90 for targets, 365 for root. With --air-gap, snapshot and timestamp live
30 days as well, for an index that people carry to where it is used.`,
		Example: `  lattice-host index init ./index --keys ./keys
  lattice-host index init ./index --keys ./keys --threshold root=2/3 --threshold targets=2/3 --expires snapshot=7d`,
		Args: arguments(1, 1, "the folder of the index"),
	}
	in.flags.add(c)
	c.Flags().StringArrayVar(&in.thresholds, "threshold", nil, "`ROLE=M/N`: the role has N keys, M of which must sign; repeatable")
	c.Flags().StringArrayVar(&in.expires, "expires", nil, "`ROLE=DURATION`: how long the role is valid, such as 12h or 90d; repeatable")
	c.Flags().BoolVar(&in.airGap, "air-gap", false, "the index is carried to where it is used")
	c.Flags().IntVar(&in.bins, "bins", 0, binsUsage())
	addUnencryptedFlag(c, &in.unencrypted)
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		in.dir = args[0]
		return in.run(ctx)
	})
	return c
}

// binsUsage is the help of --bins.
func binsUsage() string {
	return fmt.Sprintf("spread the releases over 2^`BITS` roles, at most %d: for more than a thousand releases; 8 is good for 30,000", author.MaxBinBits)
}

// indexInit is one run of index init.
type indexInit struct {
	app         *app
	dir, pin    string
	flags       publishFlags
	thresholds  []string
	expires     []string
	airGap      bool
	bins        int
	unencrypted bool
	ring        *keyring
	maker       *keyMaker
	made        []madeKey
	newKeys     []newKey
}

// newKey is a key that is written when everything else is well.
type newKey struct {
	name string
	key  release.PrivateKey
}

// initialised is what index init tells.
type initialised struct {
	published
	Root string    `json:"root"`
	Keys []madeKey `json:"keys"`
}

func (in *indexInit) run(ctx context.Context) (err error) {
	if err := in.check(); err != nil {
		return err
	}
	if in.ring, err = in.app.newKeyring(in.flags.folders, in.flags.files); err != nil {
		return err
	}
	draft, err := in.draft(ctx)
	if err != nil {
		return asInput(err)
	}
	at, err := in.app.publishTime()
	if err != nil {
		return err
	}
	p := &publishing{app: in.app, flags: &in.flags, dir: in.dir, at: at, ring: in.ring, draft: draft}
	change, err := p.sign(ctx)
	if err != nil {
		return err
	}
	done := initialised{
		published: published{Index: in.dir, DryRun: in.flags.dryRun, Notes: change.Notes, Files: change.Paths()},
		Root:      in.pin, Keys: []madeKey{},
	}
	if !in.flags.dryRun {
		if err := in.write(ctx, p, change); err != nil {
			return err
		}
		done.Keys = append(done.Keys, in.made...)
	}
	return in.app.emit(done, func(w io.Writer) {
		done.write(w)
		for _, key := range done.Keys {
			fmt.Fprintf(w, "made %s  %s\n", key.ID, printable(key.PrivateFile))
		}
		if !done.DryRun {
			fmt.Fprintf(w, "%s is the pin: give it to those who are to trust the index\n", printable(done.Root))
		}
	})
}

// check refuses to make an index where there is one, or with the pin of another.
func (in *indexInit) check() (err error) {
	if len(in.flags.folders) == 0 {
		return usagef("name the folder for the keys with --keys")
	}
	if in.pin, err = in.flags.pin(); err != nil {
		return err
	}
	if info, err := os.Stat(in.dir); err == nil && !info.IsDir() {
		return inputf("%s: exists and is not a folder; name another one", in.dir)
	}
	for _, name := range []string{"timestamp.json", "1.root.json"} {
		if _, err := os.Lstat(filepath.Join(in.dir, "metadata", name)); err == nil {
			return inputf("%s: already exists; add plugins to it with lattice-host index add", in.dir)
		}
	}
	if _, err := os.Lstat(in.pin); err == nil {
		return inputf("%s: is the pin of another index; name other keys, or another file with --root", in.pin)
	}
	return nil
}

func (in *indexInit) draft(ctx context.Context) (*author.Draft, error) {
	signers, err := in.signers(ctx)
	if err != nil {
		return nil, err
	}
	lifetimes := author.Online()
	if in.airGap {
		lifetimes = author.AirGap()
	}
	if err := readLifetimes(in.expires, lifetimes); err != nil {
		return nil, err
	}
	draft, err := author.New(signers, author.Options{BinBits: in.bins})
	if err != nil {
		return nil, err
	}
	return draft, draft.SetLifetimes(lifetimes)
}

// signers returns the keys of all roles, those that are there and those to be made.
func (in *indexInit) signers(ctx context.Context) (map[string]author.Signers, error) {
	signers, counts := map[string]author.Signers{}, map[string]int{}
	for _, role := range author.Roles() {
		signers[role], counts[role] = author.Signers{Threshold: 1}, 1
	}
	for _, value := range in.thresholds {
		role, numbers, err := roleValue("threshold", value)
		if err != nil {
			return nil, err
		}
		m, n, _ := strings.Cut(numbers, "/")
		threshold, errM := strconv.Atoi(m)
		keys, errN := strconv.Atoi(n)
		if errM != nil || errN != nil || threshold < 1 || threshold > keys || keys > maxRoleKeys {
			return nil, usagef("--threshold %s: must be ROLE=M/N, such as %s=2/3, with at most %d keys", value, role, maxRoleKeys)
		}
		signers[role], counts[role] = author.Signers{Threshold: threshold}, keys
	}
	for _, role := range author.Roles() {
		s := signers[role]
		for i := range counts[role] {
			name := role
			if counts[role] > 1 {
				name = role + "-" + strconv.Itoa(i+1)
			}
			key, err := in.key(ctx, name)
			if err != nil {
				return nil, err
			}
			s.Keys = append(s.Keys, key)
		}
		signers[role] = s
	}
	return signers, nil
}

// maxRoleKeys bounds the keys of a role. People have to hold them.
const maxRoleKeys = 32

// key returns the public half of the named key, and makes the key when no folder has it.
func (in *indexInit) key(ctx context.Context, name string) (release.PublicKey, error) {
	for _, folder := range in.flags.folders {
		key, err := release.ReadPublicKey(filepath.Join(folder, name+release.PublicEnding))
		if !errors.Is(err, fs.ErrNotExist) {
			return key, err
		}
	}
	if in.maker == nil && !in.flags.dryRun {
		maker, err := in.app.newKeyMaker(ctx, in.unencrypted)
		if err != nil {
			return release.PublicKey{}, err
		}
		in.maker = &maker
	}
	key, err := release.GenerateKey(rand.Reader)
	if err != nil {
		return release.PublicKey{}, err
	}
	in.ring.add(key)
	in.newKeys = append(in.newKeys, newKey{name, key})
	return key.Public(), nil
}

// write writes the keys, then the index, which is of no use without them, then the pin.
func (in *indexInit) write(ctx context.Context, p *publishing, change *author.Change) error {
	for _, k := range in.newKeys {
		made, err := in.maker.write(in.flags.folders[0], k.name, k.key)
		if err != nil {
			return err
		}
		in.made = append(in.made, made)
	}
	if err := os.MkdirAll(in.dir, 0o755); err != nil {
		return asInput(err)
	}
	if err := change.Write(in.dir); err != nil {
		return asInput(err)
	}
	root, err := readFile(filepath.Join(in.dir, "metadata", "1.root.json"), maxRootBytes)
	if err != nil {
		return err
	}
	if err := writeFile(in.pin, root, 0o644); err != nil {
		return asInput(err)
	}
	return p.settle(ctx)
}
