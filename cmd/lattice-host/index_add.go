package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/spf13/cobra"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/credentials"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index/publisher"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/oci"
	"github.com/latticenet/lattice-host/registry/release"
	"github.com/latticenet/lattice-host/registry/store"
)

func (a *app) indexAddCommand() *cobra.Command {
	var flags publishFlags
	add := indexAddition{app: a}
	c := &cobra.Command{
		Use:   "add DIR FILE... --keys KEYS",
		Short: "Add signed plugins to an index",
		Long: `Add verifies each module with the signature file next to it (FILE` + signatureEnding + `), copies both into the index, and
publishes it. This takes the keys of the roles releases, snapshot and timestamp.

A publisher or a publisher's key that the index does not have yet is added when --publisher-key names it, which takes the
key of the role targets as well; the index vouches for that key, so make sure that it is the publisher's.

With --push, the module also goes to a repository of an OCI registry, with the version as its tag, and the index says so.
Logins are those of docker and other tools that share its configuration.`,
		Example: `  lattice-host index add ./index deployment.wasm keda.wasm --keys ./keys --publisher-key acme.pub
  lattice-host index add ./index keda.wasm --keys ./keys --push registry.example.com/platform/keda`,
		Args: arguments(2, -1, "the folder of the index or the file of a module"),
	}
	flags.add(c)
	c.Flags().StringArrayVar(&add.keyFiles, "publisher-key", nil, "`file` with the public key of a publisher; repeatable")
	c.Flags().StringVar(&add.repository, "push", "", "`repository` to push to, such as registry.example.com/platform/keda; for releases of one plugin")
	c.Flags().BoolVar(&add.plainHTTP, "plain-http", false, "push without TLS, to a registry on this machine")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		add.dir, add.dryRun = args[0], flags.dryRun
		if err := add.read(args[1:]); err != nil {
			return err
		}
		done, err := a.publish(ctx, args[0], &flags, func(p *publishing) error { return add.to(ctx, p) })
		if err != nil {
			return err
		}
		return a.emit(addedReleases{*done, add.added}, func(w io.Writer) { done.write(w) })
	})
	return c
}

// addedReleases is what index add tells.
type addedReleases struct {
	published
	Added []addedRelease `json:"added"`
}

type addedRelease struct {
	Plugin string `json:"plugin"`
	Digest string `json:"digest"`
	OCI    string `json:"oci,omitempty"`
}

// signedRelease is a module with its signature.
type signedRelease struct {
	manifest     *abi.Manifest
	wasm, bundle []byte
	claims       *release.Claims
}

func (r signedRelease) digest() string { return release.Digest(r.wasm) }

// readRelease reads a module and the signature file next to it, without verifying them.
func readRelease(file string) (r signedRelease, err error) {
	if r.wasm, err = readFile(file, abi.MaxModuleBytes); err != nil {
		return r, err
	}
	section, err := release.ManifestSection(r.wasm)
	if err == nil {
		r.manifest, err = abi.ParseManifest(section)
	}
	if err != nil {
		return r, inputf("%s: %w", file, err)
	}
	if r.bundle, err = readFile(file+signatureEnding, release.MaxBundleBytes); err != nil {
		return r, release.NotTrusted(file, r.digest(), fmt.Errorf("%w; sign the module with lattice-host plugin sign", err))
	}
	if r.claims, err = release.ReadClaims(r.bundle); err == nil && r.claims.Digest != r.digest() {
		err = errors.New("the signature file is of another module, of " + r.claims.Digest)
	}
	if err != nil {
		return r, release.NotTrusted(file, r.digest(), err)
	}
	return r, nil
}

// indexAddition is one run of index add.
type indexAddition struct {
	app        *app
	dir        string
	dryRun     bool
	keyFiles   []string
	repository string
	plainHTTP  bool

	keys     []release.PublicKey
	releases []signedRelease
	target   *remote.Repository
	added    []addedRelease
}

// read reads everything before a key is opened.
func (add *indexAddition) read(files []string) (err error) {
	if add.keys, err = readPublicKeys(add.keyFiles); err != nil {
		return err
	}
	add.added = []addedRelease{}
	for _, file := range files {
		r, err := readRelease(file)
		if err != nil {
			return err
		}
		add.releases = append(add.releases, r)
	}
	if add.repository == "" {
		return nil
	}
	first := add.releases[0].manifest
	for _, r := range add.releases {
		if r.manifest.Publisher != first.Publisher || r.manifest.Name != first.Name {
			return usagef("--push takes releases of one plugin; add %s/%s by itself", r.manifest.Publisher, r.manifest.Name)
		}
	}
	docker, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return inputf("the configuration of docker: %w", err)
	}
	add.target, err = oci.Open(add.repository, oci.Options{PlainHTTP: add.plainHTTP, Credential: loginsOf(docker)})
	return asInput(err)
}

// loginsOf returns the logins that docker and other tools keep.
func loginsOf(docker credentials.Store) oci.Credential {
	return func(ctx context.Context, registry string) (username, password string, err error) {
		c, err := credentials.Credential(docker)(ctx, registry)
		return c.Username, c.Password, err
	}
}

// dockerLogins reads the logins of docker when a registry asks for one.
func dockerLogins(ctx context.Context, registry string) (username, password string, err error) {
	docker, err := credentials.NewStoreFromDocker(credentials.StoreOptions{})
	if err != nil {
		return "", "", fmt.Errorf("the configuration of docker: %w", err)
	}
	return loginsOf(docker)(ctx, registry)
}

func readPublicKeys(files []string) ([]release.PublicKey, error) {
	keys := make([]release.PublicKey, len(files))
	for i, file := range files {
		var err error
		if keys[i], err = release.ReadPublicKey(file); err != nil {
			return nil, asInput(err)
		}
	}
	return keys, nil
}

// to adds the releases to an index. Everything that is wrong is reported.
func (add *indexAddition) to(ctx context.Context, p *publishing) error {
	publishers, err := p.draft.Publishers()
	if err != nil {
		return err
	}
	var problems []error
	for _, r := range add.releases {
		if err := ctx.Err(); err != nil {
			return err
		}
		problems = append(problems, add.release(ctx, p, publishers, r))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	p.static = true
	p.before = add.copyFiles
	return p.draft.SetPublishers(publishers)
}

func (add *indexAddition) release(ctx context.Context, p *publishing, publishers *publisher.List, r signedRelease) error {
	m := r.manifest
	if err := add.mayAdd(p, publishers, r); err != nil {
		return release.NotTrusted(m.Reference(), r.digest(), err)
	}
	rule, err := publishers.Rule(m.Publisher, p.at)
	if err != nil {
		return err
	}
	want := release.Want{Publisher: m.Publisher, Name: m.Name, Version: m.Version, Digest: r.digest(), Rule: rule}
	if _, err := release.Verify(r.bundle, r.wasm, want); err != nil {
		return err
	}
	if err := checkModule(m, r.wasm); err != nil {
		return err
	}
	location, err := p.draft.Location(m.Publisher, m.Name, m.Version)
	if err != nil {
		return err
	}
	if add.target != nil {
		artifact, err := oci.Pack(ctx, nowhere{}, r.wasm, r.bundle, m)
		if err != nil {
			return err
		}
		location = add.repository + "@" + artifact.Manifest.Digest.String()
	}
	add.added = append(add.added, addedRelease{m.Reference(), r.digest(), location})
	return p.draft.AddRelease(author.Release{
		Publisher: m.Publisher, Name: m.Name, Version: m.Version, Summary: m.Summary, ABI: m.ABI,
		Capabilities: release.CapabilityNames(m), Digest: r.digest(), Size: int64(len(r.wasm)), OCI: location, Bundle: r.bundle,
	})
}

// mayAdd declares the publisher and the keys of a release that the index does not have and the
// command line names, and checks that the release may be installed: its signatures are enough, and
// nothing revokes it.
func (add *indexAddition) mayAdd(p *publishing, publishers *publisher.List, r signedRelease) error {
	if err := add.declare(publishers, r); err != nil {
		return err
	}
	_, by, err := p.draft.Judge(publishers, r.claims, p.at)
	if by != nil {
		return fmt.Errorf("%s is revoked since %s: %s", by.Subject(), by.Since, by.Reason)
	}
	var tooFew *release.TooFewError
	if errors.As(err, &tooFew) {
		err = fmt.Errorf("%w: who has another of the publisher's keys adds a signature with lattice-host plugin sign --add", err)
	}
	return err
}

// declare puts the keys that signed into the list of publishers, as far as the command line names
// them.
func (add *indexAddition) declare(publishers *publisher.List, r signedRelease) error {
	id := r.manifest.Publisher
	known := publishers.Find(id)
	entry := publisher.Publisher{ID: id, Name: id}
	if known != nil {
		entry = *known
	}
	var unknown []string
	for _, keyID := range r.claims.KeyIDs() {
		i := slices.IndexFunc(add.keys, func(k release.PublicKey) bool { return k.ID == keyID })
		switch {
		case entry.HasKey(keyID):
		case i >= 0:
			entry.Keys = append(slices.Clone(entry.Keys), publisher.NewKey(add.keys[i], time.Time{}, time.Time{}))
		default:
			unknown = append(unknown, keyID)
		}
	}
	switch {
	case len(unknown) < len(r.claims.KeyIDs()):
		// Those that are known may be enough.
		return publishers.Set(entry)
	case known != nil:
		return fmt.Errorf("signed with the key %s, which the index does not list for the publisher %s; name the file with the key with --publisher-key",
			strings.Join(unknown, ", "), id)
	}
	return fmt.Errorf("the index has no publisher %s, and none of the keys of --publisher-key has the id %s that signed; name the file with that key",
		id, strings.Join(unknown, ", "))
}

// copyFiles puts the files of the releases where the index will say that they are.
func (add *indexAddition) copyFiles(ctx context.Context) error {
	files := store.Open(filepath.Join(add.dir, tuf.LayoutFolder))
	var artifacts []store.Artifact
	for _, r := range add.releases {
		artifact, err := oci.Pack(ctx, files.Blobs(), r.wasm, r.bundle, r.manifest)
		if err != nil {
			return asInput(err)
		}
		artifacts = append(artifacts, store.Artifact{
			Name: r.manifest.Reference(), Manifest: artifact.Manifest, Referrers: artifact.Bundles,
		})
		if add.target == nil {
			continue
		}
		// A tag has no plus sign; other tools write an underscore.
		tag := strings.ReplaceAll(r.manifest.Version, "+", "_")
		if err := oci.Push(ctx, files.Blobs(), artifact, add.target, tag); err != nil {
			return asInput(err)
		}
	}
	return asInput(files.TagAll(artifacts))
}

// nowhere takes what is packed to know its digest.
type nowhere struct{}

func (nowhere) Push(_ context.Context, _ ocispec.Descriptor, r io.Reader) error {
	_, err := io.Copy(io.Discard, r)
	return err
}
