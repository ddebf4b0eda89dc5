package schemas

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/kubernetes/scheme"
)

// The API's sources say in a marker comment which kinds have no namespace, and nothing that is
// compiled does. This keeps the list in core.go complete when the pinned version moves.
func TestClusterScopedIsComplete(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "k8s.io/api").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := strings.TrimSpace(string(out))
	want := map[string][]string{}
	err = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != "types.go" {
			return err
		}
		group := groupOf(t, filepath.Dir(path))
		for _, kind := range marked(t, path) {
			if !slices.Contains(want[group], kind) {
				want[group] = append(want[group], kind)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for group, kinds := range want {
		slices.Sort(kinds)
		known := slices.DeleteFunc(kinds, func(kind string) bool { return !inScheme(group, kind) })
		if want[group] = known; len(known) == 0 {
			delete(want, group)
		}
	}
	if diff := cmp.Diff(want, clusterScoped); diff != "" {
		t.Errorf("-sources +core.go:\n%s", diff)
	}
}

func inScheme(group, kind string) bool {
	for gvk := range scheme.Scheme.AllKnownTypes() {
		if gvk.Group == group && gvk.Kind == kind && coreKnows(gvk) {
			return true
		}
	}
	return false
}

// groupOf reads the constant GroupName, which every version of a group declares next to its types.
func groupOf(t *testing.T, dir string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, "register.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	name, found := "", false
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if ok && spec.Names[0].Name == "GroupName" {
			name, found = strings.Trim(spec.Values[0].(*ast.BasicLit).Value, `"`), true
		}
		return !found
	})
	if !found {
		t.Fatalf("%s: no GroupName", dir)
	}
	return name
}

// marked looks at comments by position, because the marker is in a comment of its own above the one
// that documents the type.
func marked(t *testing.T, path string) []string {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []string
	end := token.NoPos
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if ok && gen.Tok == token.TYPE {
			for _, comment := range file.Comments {
				if comment.Pos() > end && comment.End() < gen.TokPos && strings.Contains(raw(comment), "+genclient:nonNamespaced") {
					kinds = append(kinds, gen.Specs[0].(*ast.TypeSpec).Name.Name)
					break
				}
			}
		}
		end = decl.End()
	}
	return kinds
}

// raw is not [ast.CommentGroup.Text], which leaves markers out when they look like directives.
func raw(group *ast.CommentGroup) string {
	var text strings.Builder
	for _, comment := range group.List {
		text.WriteString(comment.Text)
	}
	return text.String()
}
