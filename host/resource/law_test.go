package resource_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/host/resource"
)

// TestLawKinds holds the law of DESIGN.md about kinds: a kind is a row of one table, and no package
// switches over kinds by name. It looks for the names of the table in the source, as strings and as
// constants.
func TestLawKinds(t *testing.T) {
	t.Parallel()
	allowed := []string{
		// The table of kinds, and that of output kinds, of which one is a kind of document too.
		"host/resource/kinds.go", "internal/outputkind/table.go",
		// How gates read outputs, each under the kind that it is for.
		"host/gate/facts/kinds.go",
	}
	var names []string
	for _, k := range resource.Builtin().Kinds() {
		names = append(names, k.Kind)
	}
	for _, room := range []string{"cmd", "host", "internal", "registry", "runtime"} {
		err := filepath.WalkDir(filepath.Join("..", "..", room), func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			// Packages that help tests name what they test with.
			if e.IsDir() && (e.Name() == "testdata" || strings.HasSuffix(e.Name(), "test")) {
				return filepath.SkipDir
			}
			rel, _ := filepath.Rel(filepath.Join("..", ".."), path)
			if e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || slices.Contains(allowed, filepath.ToSlash(rel)) {
				return nil
			}
			return named(t, path, rel, names)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func named(t *testing.T, path, rel string, names []string) error {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		found := ""
		switch n := n.(type) {
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); n.Kind == token.STRING && err == nil {
				group, _, _ := strings.Cut(text, ".")
				if slices.Contains(names, text) || slices.Contains(names, group) && strings.HasSuffix(text, ".lattice.dev") {
					found = text
				}
			}
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && x.Name == "lattice" && strings.HasPrefix(n.Sel.Name, "Kind") {
				found = "lattice." + n.Sel.Name
			}
		}
		if found != "" {
			t.Errorf("%s:%d: %s: kinds are distinguished by their rows, not by name", rel, set.Position(n.Pos()).Line, found)
		}
		return true
	})
	return nil
}
