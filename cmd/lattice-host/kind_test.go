package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/kind"
)

// kindsPage is the reference of the documents.
const kindsPage = "../../docs/kinds.md"

// TestKindsPage compares the page with the table of kinds. LATTICE_UPDATE=1 writes it.
func TestKindsPage(t *testing.T) {
	t.Parallel()
	var page bytes.Buffer
	page.WriteString(`# What documents can say

Every kind that the program reads itself, field by field. ` + "`lattice-host kind show LatticeService.spec.workload`" + ` prints the same for one
field, and for the kinds that installed plugins bring; ` + "`lattice-host kind crd`" + ` prints definitions for a cluster.

An asterisk in a path is any key of a map or any item of a list. A field without "required" can be left out. Beyond what the
tables say there are rules across fields; what breaks one is reported with its place in the file.

` + "```console\n" + `$ export PATH="$PWD/build:$PATH"
$ lattice-host kind list
$ lattice-host kind show LatticeService.spec.workload.containers
$ lattice-host kind crd LatticeService
` + "```\n")
	for _, k := range resource.Builtin().Kinds() {
		writeKindPage(&page, k)
	}
	if os.Getenv("LATTICE_UPDATE") != "" {
		if err := os.WriteFile(kindsPage, page.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(kindsPage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), page.String()); diff != "" {
		t.Errorf("docs/kinds.md is not what the table of kinds says; run with LATTICE_UPDATE=1 (-page +table):\n%s", diff)
	}
}

func writeKindPage(w *bytes.Buffer, k *kind.Kind) {
	fmt.Fprintf(w, "\n## %s\n\n`%s`, plural `%s`, %s. %s\n\n", k.Kind, k.APIVersion(), k.Plural, strings.ToLower(k.Scope), k.Description)
	w.WriteString("| field | type | what |\n|---|---|---|\n")
	for _, f := range k.All() {
		what := f.Description
		if f.Required {
			what = "Required. " + what
		}
		if len(f.Enum) > 0 {
			what += " One of `" + strings.Join(f.Enum, "`, `") + "`."
		}
		if f.Default != nil {
			what += " Default `" + string(f.Default) + "`."
		}
		if len(f.Limits) > 0 {
			what += " Limits: " + strings.Join(f.Limits, ", ") + "."
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", f.Path, f.Type, strings.ReplaceAll(strings.TrimSpace(what), "|", `\|`))
	}
	w.WriteString("\n| feature | used by |\n|---|---|\n")
	for _, f := range k.Features {
		where := "every document"
		if len(f.Paths) > 0 {
			where = "`" + strings.Join(f.Paths, "`, `") + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s |\n", f.Name, where)
	}
}
