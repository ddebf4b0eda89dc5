package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/walk"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) indexVerifyCommand() *cobra.Command {
	var root string
	var allowExpired bool
	c := &cobra.Command{
		Use:   "verify LOCATION [PLUGIN...] --root FILE",
		Short: "Check an index and everything in it",
		Long: `Verify goes through the index at a folder, an address or a tar file: every role from the pinned root on, what the index lists,
and of each release the module, the publisher's signature and whether the index has its key. PLUGIN is PUBLISHER/NAME or
PUBLISHER/NAME@VERSION and leaves the files of all other releases aside.

A role that has expired is a failure, unless --allow-expired says otherwise.`,
		Example: `  lattice-host index verify ./index --root ./keys/root.json
  lattice-host index verify https://plugins.example.com --root root.json
  lattice-host index verify index.tar acme/keda --root root.json --allow-expired`,
		Args: arguments(1, -1, "the folder, address or archive of the index"),
	}
	c.Flags().StringVar(&root, "root", "", "`file` root.json that you trust")
	c.Flags().BoolVar(&allowExpired, "allow-expired", false, "take an index whose roles have expired")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		pinned, err := readPin(root)
		if err != nil {
			return err
		}
		chosen, err := selection(args[1:])
		if err != nil {
			return err
		}
		report, err := a.verifyIndex(ctx, args[0], pinned, chosen)
		if err != nil {
			return err
		}
		if err := a.emitReport(report); err != nil {
			return err
		}
		if chosen != nil && len(report.Releases) == 0 {
			return errors.Join(report.Err(allowExpired), errNoneChosen)
		}
		return report.Err(allowExpired)
	})
	return c
}

// errNoneChosen says that an index has nothing of what the user named.
var errNoneChosen = inputf("the index has none of these releases")

// readPin reads the root that the user trusts.
func readPin(file string) ([]byte, error) {
	if file == "" {
		return nil, usagef("name the root.json that you trust with --root; get it from the operator of the index")
	}
	return readFile(file, maxRootBytes)
}

// openIndex opens the index at a location.
func openIndex(location string) (tuf.Source, error) {
	source, err := tuf.OpenSource(location)
	if err != nil {
		return nil, asInput(err)
	}
	return source, nil
}

func (a *app) verifyIndex(ctx context.Context, location string, pinned []byte, chosen walk.Select) (report *walk.Report, err error) {
	source, err := openIndex(location)
	if err != nil {
		return nil, err
	}
	defer func() { err = closing(err, source) }()
	report, err = walk.Verify(ctx, source, pinned, a.now(), chosen)
	if err != nil {
		return nil, unreadIndex(location, err)
	}
	return report, nil
}

// selection returns what chooses the releases that the user names; without names it chooses all.
func selection(names []string) (walk.Select, error) {
	if len(names) == 0 {
		return nil, nil
	}
	wanted := map[string]bool{}
	for _, name := range names {
		publisher, plugin, _ := strings.Cut(name, "/")
		_, _, isPlugin := tuf.ParseVersionsTarget(tuf.VersionsTarget(publisher, plugin))
		if _, err := releaseTarget(name); err != nil && !isPlugin {
			return nil, usagef("%q is not a plugin; write PUBLISHER/NAME or PUBLISHER/NAME@VERSION", name)
		}
		wanted[name] = true
	}
	return func(publisher, name, version string) bool {
		path := publisher + "/" + name
		return wanted[path] || wanted[path+"@"+version]
	}, nil
}

// verifiedIndex is what index verify tells.
type verifiedIndex struct {
	Roles    []verifiedRole    `json:"roles"`
	Releases []verifiedRelease `json:"releases"`
	Static   bool              `json:"static"`
}

type verifiedRole struct {
	Role      string    `json:"role"`
	Version   int64     `json:"version"`
	Expires   time.Time `json:"expires"`
	Expired   bool      `json:"expired"`
	Threshold int       `json:"threshold"`
	Keys      []string  `json:"keys"`
	Bins      int       `json:"bins,omitempty"`
}

// verifiedRelease is one release of an index.
type verifiedRelease struct {
	Plugin string `json:"plugin"`
	Digest string `json:"digest"`
	KeyID  string `json:"keyId"`
	// CoSigners are the others that signed, as the bundle claims.
	CoSigners []string `json:"coSigners,omitempty"`
	State     string   `json:"state"`
	Error     string   `json:"error,omitempty"`
}

func (a *app) emitReport(report *walk.Report) error {
	v := verifiedIndex{Roles: []verifiedRole{}, Releases: []verifiedRelease{}, Static: report.Static}
	for _, r := range report.Roles {
		v.Roles = append(v.Roles, verifiedRole{r.Name, r.Version, r.Expires.UTC(), r.Expired, r.Threshold, r.KeyIDs, r.Bins})
	}
	for _, r := range report.Releases {
		verified := verifiedRelease{Plugin: r.Reference(), Digest: r.Digest, State: r.State}
		if len(r.KeyIDs) > 0 {
			verified.KeyID, verified.CoSigners = r.KeyIDs[0], r.KeyIDs[1:]
		}
		if r.Err != nil {
			verified.Error = r.Err.Error()
		}
		v.Releases = append(v.Releases, verified)
	}
	return a.emit(v, v.write)
}

func (v verifiedIndex) write(w io.Writer) {
	rows := [][]string{{"ROLE", "VERSION", "EXPIRES", "KEYS", "STATE"}}
	for _, r := range v.Roles {
		state := stateOK
		if r.Expired {
			state = "expired"
		}
		keys := fmt.Sprintf("%d of %s", r.Threshold, orNothing(r.Keys))
		rows = append(rows, []string{r.Role, strconv.FormatInt(r.Version, 10), r.Expires.Format(time.RFC3339), keys, state})
	}
	table(w, rows)
	if len(v.Releases) == 0 {
		fmt.Fprintln(w, "no releases")
		return
	}
	rows = [][]string{{"RELEASE", "DIGEST", "SIGNED BY", "STATE"}}
	for _, r := range v.Releases {
		rows = append(rows, []string{r.Plugin, problem.ShortDigest(r.Digest), strings.Join(append([]string{r.KeyID}, r.CoSigners...), ", "), r.State})
	}
	fmt.Fprintln(w)
	table(w, rows)
}

// unreadIndex says which index could not be read. One that lacks what it names is as little to be
// trusted as one that is wrong.
func unreadIndex(location string, err error) error {
	switch {
	case problem.IsMachine(err):
		return err
	case errors.Is(err, release.ErrNotTrusted), errors.Is(err, fs.ErrNotExist):
		return release.NotTrusted(location, "", err)
	}
	return asInput(fmt.Errorf("%s: %w", location, err))
}
