// Package acceptance lists what the program must be able to do, row by row, and the laws that hold
// in every package, and finds the tests that are named after them.
package acceptance

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// row is one thing that the program must be able to do. Open ones have no test yet.
type row struct {
	what string
	open bool
}

// rows are those of the acceptance table, by number.
func rows() map[int]row {
	return map[int]row{
		1: {what: "a LatticeService is read and validated, in twelve groups of rules"}, 2: {what: "an image needs a digest, unless settings relax that"},
		3: {what: "the Deployment"}, 4: {what: "Service, ServiceAccount and PodDisruptionBudget"}, 5: {what: "secure defaults of containers"},
		6: {what: "the five routes of secrets"}, 7: {what: "both spellings of a reference to a secret"}, 8: {what: "one store for each text"},
		9: {what: "templates"}, 10: {what: "files and volumes"}, 11: {what: "the hash of the configuration"}, 12: {what: "scaling through KEDA"},
		13: {what: "the port whose metrics are read"}, 14: {what: "topology and accelerators"}, 15: {what: "allowed programs"},
		16: {what: "agreements of both sides"}, 17: {what: "the CiliumNetworkPolicy"}, 18: {what: "authorization policies and service entries"},
		19: {what: "ingress"}, 20: {what: "quota"}, 21: {what: "Cedar gates"}, 22: {what: "Cedar and Rego decide alike"},
		23: {what: "CedarPolicy documents in a cluster"}, 24: {what: "a denied service loses its secrets"},
		25: {what: "LatticeJob"}, 26: {what: "training"}, 27: {what: "LatticeModel", open: true}, 28: {what: "LatticePackage", open: true},
		29: {what: "SecretProvider"}, 30: {what: "TrustPolicy", open: true}, 31: {what: "LatticeComplianceProfile", open: true},
		32: {what: "the provider of a platform"}, 33: {what: "stages"},
		34: {what: "documents of cells", open: true}, 35: {what: "the OCI spec of a container", open: true}, 36: {what: "the OCI spec of a root container", open: true},
		37: {what: "namespaces and cgroups", open: true}, 38: {what: "security options of cells", open: true}, 39: {what: "volumes of cells", open: true},
		40: {what: "secrets of cells", open: true}, 41: {what: "identity of cells", open: true}, 42: {what: "attachable cells", open: true},
		43: {what: "defaults of spaces", open: true}, 44: {what: "names and subnets of cells", open: true}, 45: {what: "egress rules of cells", open: true},
		46: {what: "states of cells", open: true}, 47: {what: "CellProfile", open: true}, 48: {what: "the containerd executor", open: true},
		49: {what: "signed manifests of LatticeNet"}, 50: {what: "strict decoding"}, 51: {what: "rules of capabilities"}, 52: {what: "trust policies"},
		53: {what: "the static index"}, 54: {what: "the signature of an index"}, 55: {what: "revocation and rollback"},
		56: {what: "hostile archives"}, 57: {what: "the gate of an installation"}, 58: {what: "the life of an installed plugin"},
		59: {what: "the sandbox"}, 60: {what: "the broker of host calls"}, 61: {what: "consent is bound to a version"},
		62: {what: "Meshfile documents", open: true}, 63: {what: "environments of a Meshfile", open: true}, 64: {what: "values of a Meshfile", open: true},
		65: {what: "a plugin is replaced by the index"}, 66: {what: "equal bytes every time"}, 67: {what: "conformance without a network"},
	}
}

// laws are those of the design that bind every package.
func laws() map[string]string {
	return map[string]string{
		"01": "a digest names bytes that never change", "02": "one rule, one place", "03": "what is not declared is a question",
		"04": "a denial is an object", "05": "valid is not right", "06": "a derived name is injective",
		"07": "the first door checks everything", "08": "a golden is read before it is kept", "09": "intermediate documents stay inside",
		"10": "what a thing costs does not depend on how many others there are", "11": "a limit covers all that is spent", "Kinds": "kinds are rows of one table",
	}
}

const root = "../.."

// named returns the names of all tests of the repository, and of the scripts of the command.
func named(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "build" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && len(d.Name()) > 2):
			return fs.SkipDir
		case strings.HasSuffix(path, ".txtar") && filepath.Base(filepath.Dir(path)) == "script":
			names = append(names, d.Name())
		case strings.HasSuffix(path, "_test.go"):
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, declaration := range file.Decls {
				if f, ok := declaration.(*ast.FuncDecl); ok && f.Recv == nil {
					names = append(names, f.Name.Name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestRowsHaveTests holds the table to the tests that exist: a row without a test is open, one with
// a test is not.
func TestRowsHaveTests(t *testing.T) {
	t.Parallel()
	const last = 67
	names := strings.Join(named(t), "\n")
	for n := 1; n <= last; n++ {
		r, ok := rows()[n]
		tested := regexp.MustCompile(fmt.Sprintf(`(?m)^(TestRow%02d(_|$)|row%02d-)`, n, n)).MatchString(names)
		switch {
		case !ok:
			t.Errorf("row %d is missing", n)
		case tested && r.open:
			t.Errorf("row %d (%s) has a test; it is not open any more", n, r.what)
		case !tested && !r.open:
			t.Errorf("row %d (%s) has no test named TestRow%02d…", n, r.what, n)
		}
	}
}

// TestLawsHaveTests holds the laws to the tests that are named after them.
func TestLawsHaveTests(t *testing.T) {
	t.Parallel()
	names := strings.Join(named(t), "\n")
	for law, what := range laws() {
		if !regexp.MustCompile(`(?m)^(TestLaw` + law + `(_|$)|law` + law + `-)`).MatchString(names) {
			t.Errorf("law %s (%s) has no test named TestLaw%s…", law, what, law)
		}
	}
}

// TestLaw05_RulesHaveSources proves that each built-in plugin has a page with the rules of those
// who read its objects, each with its source, and an example.
func TestLaw05_RulesHaveSources(t *testing.T) {
	t.Parallel()
	for _, plugin := range builtins(t) {
		page := read(t, filepath.Join(root, "docs", "plugins", plugin+".md"))
		table := ruleTable.FindStringSubmatch(page)
		if table == nil || !strings.Contains(page, "\n$ lattice-host ") {
			t.Errorf("docs/plugins/%s.md has no table of rules, or no example", plugin)
			continue
		}
		want := len(strings.Split(table[1], " | "))
		for rule := range strings.SplitSeq(strings.TrimSuffix(table[2], "\n"), "\n") {
			if cells := strings.Split(rule, " | "); len(cells) != want {
				t.Errorf("docs/plugins/%s.md: a rule has %d cells, not %d: %s", plugin, len(cells), want, rule)
			}
		}
	}
}

// ruleTable finds a table of rules: its head, which ends with source and version, and its lines.
var ruleTable = regexp.MustCompile(`\n(\| rule \|.* source \| version \|)\n\|[-|]+\|\n((?:\|.*\n)+)`)

// TestLaw08_ErrorsAreNamedSo proves that a golden of a built-in plugin that wants an error says so
// in its name.
func TestLaw08_ErrorsAreNamedSo(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(root, "plugins", "builtin", "*", "testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%d goldens, %v", len(files), err)
	}
	for _, file := range files {
		wants := strings.Contains(read(t, file), "\n-- want-error --\n")
		if named := strings.HasPrefix(filepath.Base(file), "error-"); wants != named {
			t.Errorf("%s: wants an error: %t, is named so: %t", file, wants, named)
		}
	}
}

// builtins returns the names of the built-in plugins.
func builtins(t *testing.T) []string {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(root, "plugins", "builtin", "*", "plugin.yaml"))
	if err != nil || len(manifests) == 0 {
		t.Fatalf("%d manifests, %v", len(manifests), err)
	}
	for i, m := range manifests {
		manifests[i] = filepath.Base(filepath.Dir(m))
	}
	return manifests
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
