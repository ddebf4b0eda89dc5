package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// dirFormat is the form of output that writes a folder.
const dirFormat = "dir="

func (a *app) deriveCommand() *cobra.Command {
	in := new(inputs)
	var audited bool
	c := &cobra.Command{
		Use:   "derive -f FILE...",
		Short: "Derive every object from documents",
		Long: `Derive reads documents, runs the pipeline of each one's kind, and prints what came out. Every plugin is verified before it
runs. When anything is wrong, nothing is printed but the reasons, all of them.

A folder means its *.yaml, *.yml and *.json files. Documents of one run may refer to each other; --with adds
documents that are referred to and not derived. A document that is in both is derived.

With -o yaml, the default, a comment with the digest of the bundle and of each step's plugin precedes the objects of
a document. With -o json the complete bundles are printed, in canonical form: equal inputs give equal bytes. With
-o dir=PATH each object is a file below PATH/NAMESPACE-NAME, with the bundle in bundle.json; files of an earlier run that
this one does not make again are removed.

What plugins with a capability ask the host for, such as a page from the network, can change from one run to the next.
--record writes all of it into a file; with --replay, plugins get the answers in that file, nothing is fetched or kept, and
the result is the same each time.`,
		Example: `  lattice-host derive -f orders.yaml
  lattice-host derive -f services/ --settings prod.yaml -o dir=deploy
  cat orders.yaml | lattice-host derive -f - --with services/ -o json`,
		Args:        noArguments(),
		Annotations: map[string]string{formatsKey: "yaml " + dirFormat + "PATH"},
	}
	in.register(c)
	in.hostCalls.registerRecord(c)
	c.Flags().BoolVar(&in.explain, "explain", false, "print on standard error every decision of the gates, and what would change it")
	c.Flags().BoolVar(&audited, "audit", false, "note what the gates decide in the audit log, as apply does")
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		e, o, end, err := a.derive(ctx, in)
		if err != nil {
			return err
		}
		end()
		if in.explain {
			writeDecisions(a.stderr, o.Decisions())
		}
		if audited {
			if err := e.NoteDecisions(ctx, o); err != nil {
				return engine.ErrAudit(err, "so nothing is printed")
			}
		}
		if err := o.Err(); err != nil {
			return err
		}
		if err := a.keepHostCalls(&in.hostCalls, o.Calls); err != nil {
			return err
		}
		if err := a.writeBundles(o.Results); err != nil {
			return err
		}
		a.noteResults(o.Results)
		return nil
	})
	return c
}

func (a *app) writeBundles(results []engine.Derived) error {
	if dir, ok := strings.CutPrefix(a.output, dirFormat); ok {
		return a.writeFolder(dir, results)
	}
	if a.json() {
		list, err := bundleList(results)
		if err != nil {
			return err
		}
		return a.write(list)
	}
	text, err := yamlStream(results)
	if err != nil {
		return err
	}
	return a.write(text)
}

// bundleList returns the canonical JSON of all bundles, and of what gates decided about each: keys
// sorted, no white space, one line break at the end.
func bundleList(results []engine.Derived) ([]byte, error) {
	data := []byte(`{"apiVersion":"` + pipeline.APIVersion + `","bundles":[`)
	for i, r := range results {
		if i > 0 {
			data = append(data, ',')
		}
		data = append(data, r.Bundle.JSON()...)
	}
	data = append(data, `],"decisions":[`...)
	for i, r := range results {
		if i > 0 {
			data = append(data, ',')
		}
		record, err := r.Record(r.Bundle)
		if err != nil {
			return nil, err
		}
		data = append(data, record...)
	}
	return append(data, `],"kind":"`+engine.BundleListKind+"\"}\n"...), nil
}

// noteResults prints the warnings and messages of the steps.
func (a *app) noteResults(results []engine.Derived) {
	for _, r := range results {
		for _, result := range r.Bundle.Results {
			a.note("%s", resultLine(r.Document, result))
		}
	}
}

// resultLine is one message of a step. What a step said about a derived document has its place at
// the user's.
func resultLine(doc *resource.Document, r bundle.Result) string {
	position, object := doc.Position(r.Field), doc.Object()
	if r.Resource != (abi.Ref{}) {
		position, object = doc.Position("metadata.name"), r.Resource.String()
	}
	parts := []string{position.String(), string(r.Severity), object, r.Field, r.Message}
	if r.Field == "" {
		parts = append(parts[:3], r.Message)
	}
	return strings.Join(parts, ": ")
}
