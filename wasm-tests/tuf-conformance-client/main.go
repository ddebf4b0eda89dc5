// Command tuf-conformance-client lets the public TUF conformance suite
// (github.com/theupdateframework/tuf-conformance) test the client of registry/index/tuf. It speaks
// the protocol that the suite asks for:
//
//	tuf-conformance-client --metadata-dir DIR init ROOT
//	tuf-conformance-client --metadata-dir DIR --metadata-url URL refresh
//	tuf-conformance-client --metadata-dir DIR --metadata-url URL --target-name NAME --target-base-url URL --target-dir DIR download
//
// It exits with 0 or 1. The newest verified metadata of each role lies in the metadata folder as
// ROLE.json afterwards.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// options are the flags of the protocol.
type options struct {
	metadataDir, metadataURL, targetName, targetDir, targetBaseURL string
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("tuf-conformance-client", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.metadataDir, "metadata-dir", "", "folder of the client's metadata")
	flags.StringVar(&o.metadataURL, "metadata-url", "", "where the repository's metadata is")
	flags.StringVar(&o.targetName, "target-name", "", "target to download")
	flags.StringVar(&o.targetDir, "target-dir", "", "folder for downloaded targets")
	flags.StringVar(&o.targetBaseURL, "target-base-url", "", "where the repository's targets are")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.metadataDir == "" {
		return errors.New("--metadata-dir is missing")
	}
	switch command := flags.Arg(0); {
	case command == "init" && flags.NArg() == 2:
		return o.init(flags.Arg(1))
	case command == "refresh" && flags.NArg() == 1:
		return o.withClient(ctx, func(*tuf.View) error { return nil })
	case command == "download" && flags.NArg() == 1:
		return o.withClient(ctx, func(v *tuf.View) error { return o.download(ctx, v) })
	}
	return fmt.Errorf("%q must be init ROOT, refresh or download", flags.Args())
}

// own returns a path in the folder of this program's own files, which the suite does not look into.
func (o options) own(name string) string { return filepath.Join(o.metadataDir, ".lattice", name) }

// init keeps the root as the anchor of all that follows.
func (o options) init(file string) error {
	root, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.own("."), 0o755); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(o.own("anchor"), root, 0o644), os.WriteFile(filepath.Join(o.metadataDir, "root.json"), root, 0o644))
}

// withClient refreshes, does something with the result, and shows the suite what is trusted now,
// however that went.
func (o options) withClient(ctx context.Context, do func(*tuf.View) error) error {
	client, closeSource, err := o.client()
	if err != nil {
		return err
	}
	view, err := client.Refresh(ctx)
	if err == nil {
		err = do(view)
	}
	return errors.Join(err, o.show(client), closeSource())
}

func (o options) client() (client *tuf.Client, closeSource func() error, err error) {
	root, err := os.ReadFile(o.own("anchor"))
	if err != nil {
		return nil, nil, err
	}
	now, err := date()
	if err != nil {
		return nil, nil, err
	}
	targets := o.targetBaseURL
	if targets == "" {
		targets = o.metadataURL
	}
	source, err := tuf.OpenHTTP("", tuf.HTTPOptions{MetadataURL: o.metadataURL, TargetsURL: targets})
	if err != nil {
		return nil, nil, err
	}
	client, err = tuf.Open(tuf.Config{
		Root: root, Dir: o.own("state"), Source: source, AnyRepository: true, Clock: func() time.Time { return now },
	})
	if err != nil {
		return nil, nil, errors.Join(err, source.Close())
	}
	return client, source.Close, nil
}

// date asks the command date for the time: the suite changes it for programs that use the C
// library, which Go's do not.
func date() (time.Time, error) {
	out, err := exec.Command("date", "+%s").Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("date +%%s: %w", err)
	}
	seconds, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("date +%%s: %w", err)
	}
	return time.Unix(seconds, 0), nil
}

// show writes the metadata that is trusted into the metadata folder.
func (o options) show(client *tuf.Client) error {
	newest, err := client.Newest()
	if err != nil {
		return err
	}
	for role, data := range newest {
		if err := replace(filepath.Join(o.metadataDir, url.PathEscape(role)+".json"), data); err != nil {
			return err
		}
	}
	return nil
}

func (o options) download(ctx context.Context, v *tuf.View) error {
	if o.targetName == "" || o.targetDir == "" || o.targetBaseURL == "" {
		return errors.New("--target-name, --target-dir and --target-base-url must be given")
	}
	target, err := v.Target(ctx, o.targetName)
	if err != nil {
		return err
	}
	return replace(filepath.Join(o.targetDir, url.PathEscape(o.targetName)), target.Data)
}

// replace writes a file that is complete or not there.
func replace(file string, data []byte) error {
	temporary := file + ".tmp"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}
