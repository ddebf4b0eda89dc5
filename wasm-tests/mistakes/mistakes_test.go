package mistakes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/pack"
)

// file is one kind of file that people write.
type file struct {
	name string
	// text is a file without mistakes; whatever follows it is at its top level.
	text string
	read func(t *testing.T, name string, text []byte) error
}

func files() []file {
	return []file{
		{"cases_test.yaml", "cases:\n- name: a\n  request: {principal: 'User::\"a\"', action: Admit, resource: 'Kind::\"a\"'}\n  want: deny\n", readPolicies},
		{"document.yaml", "apiVersion: lattice.dev/v1alpha1\nkind: LatticeMeshMember\nmetadata: {name: a}\nspec: {target: {selector: {app: a}}}\n", readDocument},
		{"grants.yaml", "apiVersion: lattice.dev/v1\nkind: Grants\nspec: {plugins: []}\n", readGrants},
		{"pipeline.yaml", "apiVersion: lattice.dev/v1\nkind: Pipeline\nmetadata: {name: a}\nspec: {for: {kind: A}, steps: [{name: a, plugin: a}]}\n", readPipeline},
		{"plugin.yaml", "schema: lattice.manifest.v1\npublisher: acme\nname: a\nversion: 1.0.0\nabi: 1\nencoding: cbor\nlimits: {memoryBytes: 1048576, fuel: 1000, timeoutMillis: 100}\nderives: [{group: lattice.dev, kind: LatticeService}]\n", readManifest},
		{"policy.yaml", "apiVersion: lattice.dev/v1alpha1\nkind: CedarPolicy\nmetadata: {name: a}\nspec:\n  policies: '@id(\"a\") forbid (principal, action, resource);'\n", readPolicies},
		{"quota.yaml", "apiVersion: lattice.dev/v1alpha1\nkind: LatticeQuota\nmetadata: {name: a}\nspec: {principal: 'Lattice::Group::\"a\"', limits: {cpu: 1}}\n", readPolicies},
		{"settings.yaml", "apiVersion: lattice.dev/v1\nkind: Settings\nspec: {}\n", readSettings},
	}
}

func readDocument(_ *testing.T, name string, text []byte) error {
	_, err := resource.Decode(name, text, resource.Options{})
	return err
}

func readGrants(_ *testing.T, name string, text []byte) error {
	_, err := market.ParseConsent(name, text)
	return err
}

func readPipeline(_ *testing.T, name string, text []byte) error {
	_, err := pipeline.ParsePipelines(name, text)
	return err
}

func readSettings(_ *testing.T, name string, text []byte) error {
	_, err := pipeline.ParseSettings(name, text)
	return err
}

func readManifest(t *testing.T, name string, text []byte) error {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := pack.ReadManifest(filepath.Join(dir, name))
	if err == nil {
		return nil
	}
	list := problem.From(err)
	for i := range list {
		list[i].File = name
	}
	return list
}

// readPolicies reads a file as one of policies. A CedarPolicy that is wrong is left out with a
// warning.
func readPolicies(t *testing.T, name string, text []byte) error {
	t.Helper()
	set, err := policy.Load(policy.Options{Files: []policy.File{{Name: name, Text: text}}})
	if err != nil {
		return err
	}
	if strings.HasSuffix(name, "_test.yaml") {
		_, err := policy.Test(t.Context(), policy.Options{Files: []policy.File{{Name: name, Text: text}}})
		return err
	}
	return set.Cedar.Problems().Err()
}

// mistakes are what people get wrong, by what it is called, in order. Each follows a valid file.
func mistakes() []struct{ name, text string } {
	return []struct{ name, text string }{
		{"nothing", ""},
		{"a duplicate key", "kind: A\nkind: B\n"},
		{"a field that is not known", "enabeld: false\n"},
		{"an alias that hides a field", "other: &other {enabeld: false}\n<<: *other\n"},
		{"an alias without an anchor", "other: *other\n"},
		{"an alias within its anchor", "other: &other [*other]\n"},
		{"a tab", "other:\n\ta: b\n"},
		{"a line that is not indented like the others", "other:\n  a: b\n c: d\n"},
		{"an open list", "other: [a\nb: c\n"},
		{"open quotes", "other: \"a\n"},
		{"a colon in a value", "other: a: b\n"},
		{"a key that is a number", "1: a\n"},
		{"a tag", "other: !!binary AAAA\n"},
		{"a number that YAML versions read differently", "other: 010\n"},
		{"a NUL byte", "other: \x00\n"},
		{"not UTF-8", "other: \xff\n"},
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for _, m := range mistakes() {
		b.WriteString("-- " + m.name + " --\n")
		for _, f := range files() {
			write(&b, f.name, f.read(t, f.name, []byte(f.text+m.text)))
		}
	}
	for name, whole := range map[string]string{
		"0 a private key": "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
	} {
		b.WriteString("-- " + name[2:] + " --\n")
		for _, f := range files() {
			err := f.read(t, f.name, []byte(whole))
			write(&b, f.name, err)
			if err == nil || strings.Contains(err.Error(), "MC4C") {
				t.Errorf("%s: %v", f.name, err)
			}
		}
	}
	golden(t, "mistakes.txtar", b.String())
}

// TestCases reads files that were wrong in the past.
func TestCases(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob(filepath.Join("testdata", "cases", "*.yaml"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	slices.Sort(paths)
	var b strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		b.WriteString("-- " + name + " --\n")
		read := readPolicies
		switch {
		case strings.Contains(name, "doc"), strings.Contains(name, "deny"):
			read = readDocument
		case strings.Contains(name, "settings"):
			read = readSettings
		case strings.Contains(name, "grants"):
			read = readGrants
		case name == "cases.yaml":
			name = "cases_test.yaml"
		}
		write(&b, name, read(t, name, text))
	}
	golden(t, "cases.txtar", b.String())
}

func write(b *strings.Builder, name string, err error) {
	if err == nil {
		b.WriteString(name + ": is read\n")
		return
	}
	b.WriteString(err.Error() + "\n")
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if os.Getenv("LATTICE_UPDATE") != "" {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Error(d)
	}
}
