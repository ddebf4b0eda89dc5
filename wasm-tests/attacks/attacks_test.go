// Package attacks holds no code: its test asserts that every row of the project's table of attacks
// has a test. A row is covered by a function TestAttackNN, which may go on with words, or, in a
// file with a function whose name begins with TestAttack, by a subtest whose name begins with NN
// and an underscore or a space.
package attacks

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rows returns what each row of the table is about. A row that is taken out keeps its number.
func rows() map[int]string {
	return map[int]string{
		1:  "an older timestamp",
		2:  "an older snapshot",
		3:  "older targets, named by a snapshot",
		4:  "a role taken out of the snapshot",
		5:  "expired metadata that is still served",
		6:  "a clock set back",
		7:  "one view kept past its expiry",
		8:  "metadata of different times mixed",
		9:  "versions raised as far as they go",
		10: "metadata, targets and blobs without an end",
		11: "a byte a second",
		12: "the root withheld that revokes stolen keys",
		13: "a stranger's root in the cache",
		14: "a root that skips a version or is not signed by the one before",
		15: "fewer keys stolen than the threshold",
		16: "a threshold of zero or less",
		17: "one key counted twice",
		18: "another type, no signature, the signature of another role",
		19: "malformed documents",
		20: "a role that two others delegate to, signed for one of them",
		21: "a delegated role that lists names of others",
		22: "odd names of roles",
		23: "other bytes in place of a target or module",
		24: "a valid release served as another",
		25: "an older version chosen than is locked",
		26: "a bundle that is not signed by the publisher's key",
		27: "a valid signature over something else",
		28: "no signature",
		29: "a publisher's key used for another publisher",
		30: "a bundle with a key of its own",
		31: "an artifact that is not what its manifest says",
		32: "a file of the store damaged on disk",
		33: "invalid digests and sizes",
		34: "a registry that redirects elsewhere",
		35: "a tag moved between verifying and pulling",
		36: "names that leave their folder or look like others",
		37: "two indexes that claim one namespace",
		38: "a yanked release",
		39: "a release revoked while it is installed",
		40: "a revocation taken back with online keys",
		41: "an upgrade that asks for more",
		42: "files changed after installing",
		43: "a manifest in the module that is not the signed one",
		44: "an allowed host that redirects to another",
		45: "a lock edited by hand",
		46: "two installations at once, and one that is killed",
		47: "a Cedar policy that fails while it is evaluated",
		48: "Cedar policies that are empty, ambiguous or misspelt",
		49: "Cedar policies that exhaust the parser",
		50: "requests and facts that do not fit the Cedar schema",
		51: "the order of decisions",
		52: "Cedar decisions compared with another implementation",
		53: "Rego that reaches out of its sandbox",
		54: "Rego whose result has another shape",
		55: "Rego whose builtin fails",
		56: "Rego without an end",
		57: "Rego that conflicts with itself",
		58: "a Rego bundle that changes another",
		59: "Rego with and without its index of rules",
		60: "policies unsigned, edited or older",
		61: "a gate that panics",
		62: "a bundle changed between the gate and the executor",
		63: "an audit log edited, or not writable",
		64: "a secret in a log of decisions",
		65: "readers of others",
	}
}

// function and subtest find the row in a name.
var (
	function = regexp.MustCompile(`^TestAttack(\d\d)(\D|$)`)
	subtest  = regexp.MustCompile(`^(\d\d)[_ ]\S`)
)

func TestEveryRowHasATest(t *testing.T) {
	found, err := tested("../..")
	if err != nil {
		t.Fatal(err)
	}
	table := rows()
	for _, row := range slices.Sorted(maps.Keys(table)) {
		if len(found[row]) == 0 {
			t.Errorf("row %02d has no test: %s", row, table[row])
		}
	}
	for _, row := range slices.Sorted(maps.Keys(found)) {
		if table[row] == "" {
			t.Errorf("the table of attacks has no row %02d: %s", row, strings.Join(found[row], ", "))
		}
	}
}

// tested returns where each row is tested, by reading the test files below root.
func tested(root string) (map[int][]string, error) {
	found := map[int][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"build", "node_modules", "testdata", ".git"}, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		names, err := namesIn(path)
		if err != nil {
			return err
		}
		for _, row := range rowsOf(names) {
			found[row] = append(found[row], path)
		}
		return nil
	})
	return found, err
}

// namesIn returns the names of the functions of a file that test attacks, and then what may be
// names of their subtests.
func namesIn(path string) (names []string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "TestAttack") {
			names = append(names, f.Name.Name)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if text, ok := subtestName(n).(*ast.BasicLit); ok && text.Kind == token.STRING {
			if name, err := strconv.Unquote(text.Value); err == nil {
				names = append(names, name)
			}
		}
		return true
	})
	return names, nil
}

// subtestName returns what names a subtest in a node: the key of a map, the field name of a struct,
// the first field of one without names, or the argument of Run. It is nil in any other node.
func subtestName(n ast.Node) ast.Expr {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if field, ok := n.Key.(*ast.Ident); ok && field.Name == "name" {
			return n.Value
		}
		return n.Key
	case *ast.CompositeLit:
		if len(n.Elts) > 0 {
			return n.Elts[0]
		}
	case *ast.CallExpr:
		if f, ok := n.Fun.(*ast.SelectorExpr); ok && f.Sel.Name == "Run" && len(n.Args) > 0 {
			return n.Args[0]
		}
	}
	return nil
}

func rowsOf(names []string) (found []int) {
	for _, name := range names {
		for _, pattern := range []*regexp.Regexp{function, subtest} {
			if m := pattern.FindStringSubmatch(name); m != nil {
				row, _ := strconv.Atoi(m[1])
				found = append(found, row)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func TestNamesIn(t *testing.T) {
	source := `package p
func TestAttackX(t *testing.T) {
	tests := map[string]int{"01_a": 1, "02 b": 2, "key": 3}
	list := []row{{"03_c", "04_no"}, {name: "05_d", says: "06_no"}, {says: "07 bytes"}}
	t.Run("08_e", nil)
	t.Errorf("09_no")
	x := "10_no"
	}`
	for head, want := range map[string]string{"TestAttackX": "[1 2 3 5 8]", "TestOther": "[]"} {
		path := filepath.Join(t.TempDir(), "x_test.go")
		if err := os.WriteFile(path, []byte(strings.Replace(source, "TestAttackX", head, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		names, err := namesIn(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(rowsOf(names)); got != want {
			t.Errorf("%s: %s, want %s", head, got, want)
		}
	}
}

func TestRowsOf(t *testing.T) {
	for name, want := range map[string]string{
		"TestAttack07_ViewKept": "[7]", "TestAttack46": "[46]", "26_NoSignature": "[26]", "26 no signature": "[26]",
		"TestAttack": "[]", "TestAttack7": "[]", "TestAttack123": "[]", "TestAttacks": "[]", "TestAttack52Differential": "[52]", "2026_x": "[]", "12 ": "[]", "x 12_y": "[]",
	} {
		if got := fmt.Sprint(rowsOf([]string{name})); got != want {
			t.Errorf("%q: %s, want %s", name, got, want)
		}
	}
}
