package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/layout"
)

// maxDiffBytes is the largest file whose lines are compared.
const maxDiffBytes = 4 << 20

// emitDiff tells what a plan would do.
func (a *app) emitDiff(p *runtime.Plan, list []*judged) error {
	text, err := planDiff(p)
	if err != nil {
		return err
	}
	return a.emit(newExecuted(p, nil, list), func(w io.Writer) {
		// What is in a file comes from somebody else.
		for line := range strings.Lines(string(text)) {
			fmt.Fprintln(w, printable(strings.TrimRight(line, "\n")))
		}
		c := countsOf(p)
		fmt.Fprintf(w, "%s: set %s: would be %d created, %d updated, %d deleted, %d unchanged\n",
			printable(p.Target), p.Set, c.Created, c.Updated, c.Deleted, c.Unchanged)
	})
}

// planDiff returns the changes of a plan, line by line.
func planDiff(p *runtime.Plan) ([]byte, error) {
	var b bytes.Buffer
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action == runtime.Unchanged {
			continue
		}
		fmt.Fprintf(&b, "%s %s: %s\n", c.Action, c.Object, c.Reason)
		if isSecret(c.Object) {
			continue
		}
		before, err := contentBefore(c)
		if err != nil {
			return nil, err
		}
		after, err := contentAfter(p, c)
		if err != nil {
			return nil, err
		}
		// The first line is a command that nobody runs.
		_, hunks, _ := bytes.Cut(diff.Diff(diffName(c.Where, c.Before), before, diffName(c.Where, c.After), after), []byte("\n"))
		b.Write(hunks)
	}
	return b.Bytes(), nil
}

// isSecret reports whether an object holds what must not be shown.
func isSecret(r abi.Ref) bool { return r.APIVersion == "v1" && r.Kind == "Secret" }

func diffName(name, digest string) string {
	if digest == "" {
		return os.DevNull
	}
	return name
}

// contentBefore returns what is in the place of an object now.
func contentBefore(c *runtime.Change) ([]byte, error) {
	if c.Before == "" {
		return nil, nil
	}
	data, err := diskfile.Read(os.OpenFile, c.Where, maxDiffBytes)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, diskfile.ErrTooLarge) {
		return nil, nil
	}
	return data, asInput(err)
}

// contentAfter returns what will be in the place of an object.
func contentAfter(p *runtime.Plan, c *runtime.Change) ([]byte, error) {
	if c.After == "" {
		return nil, nil
	}
	i := slices.IndexFunc(p.Bundles, func(b runtime.Bundle) bool { return b.Content.Resource == c.Resource })
	if i < 0 {
		return nil, nil
	}
	o := p.Bundles[i].Content.Output(c.Object)
	if o == nil {
		return nil, nil
	}
	return layout.Content(p.Bundles[i].Content, o)
}
