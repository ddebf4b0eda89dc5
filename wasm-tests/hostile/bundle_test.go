package hostile

import (
	"fmt"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// output returns an entry of outputs: what it is called, and what the document says of itself.
func output(ref, document string) string {
	return `{"ref":` + ref + `,"document":` + document + `}`
}

func ref(kind, name string) string {
	return `{"apiVersion":"v1","kind":"` + kind + `","name":"` + name + `"}`
}

func document(kind, name string) string {
	return `{"apiVersion":"v1","kind":"` + kind + `","metadata":{"name":"` + name + `"}}`
}

func outputs(entries ...string) string { return `{"outputs":[` + strings.Join(entries, ",") + `]}` }

// repeated returns n entries that differ by their number.
func repeated(n int, entry func(i int) string) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = entry(i)
	}
	return all
}

func configMap(i int) string {
	name := fmt.Sprintf("m%d", i)
	return output(ref("ConfigMap", name), document("ConfigMap", name))
}

func result(severity, field, message string) string {
	return `{"results":[{"severity":"` + severity + `","field":"` + field + `","message":"` + message + `"}]}`
}

func requirement(i int) string {
	return fmt.Sprintf(`{"name":"r%d","apiVersion":"v1","kind":"Secret"}`, i)
}

func requirements(entries ...string) string {
	return `{"requirements":[` + strings.Join(entries, ",") + `]}`
}

// bundleCases answer well-formed messages that break the plugin's own manifest.
func bundleCases() []hostile {
	secrets := []abi.GroupKind{{Kind: "Secret"}}
	requiring := func(c hostile) hostile {
		c.manifest = func(m *abi.Manifest) { m.Requires = secrets }
		return c
	}
	contributing := func(c hostile) hostile {
		c.manifest = func(m *abi.Manifest) { m.Contributes = secrets }
		return c
	}
	leaving := func(c hostile) hostile {
		c.manifest = func(m *abi.Manifest) { m.ContextProduced = []string{"known"} }
		return c
	}
	validating := answer("validate-terminal", "a message about settings that clears the terminal", result("info", "", `\u001b[2J`), badAnswer)
	validating.validate = true
	cases := []hostile{
		answer("outputs-most", "as many outputs as there may be", outputs(repeated(abi.MaxOutputs, configMap)...), ok),
		answer("outputs-many", "three hundred outputs", outputs(repeated(300, configMap)...), badAnswer),
		answer("outputs-flood", "twenty thousand outputs", outputs(repeated(20_000, configMap)...), badAnswer),
		answer("output-undeclared", "an output of a kind that is not in the manifest", outputs(output(ref("ClusterRoleBinding", "root"), document("ClusterRoleBinding", "root"))), badAnswer),
		answer("output-other-group", "an output of a declared kind in another group", outputs(output(
			`{"apiVersion":"evil.example/v1","kind":"ConfigMap","name":"a"}`,
			`{"apiVersion":"evil.example/v1","kind":"ConfigMap","metadata":{"name":"a"}}`)), badAnswer),
		answer("output-disguised", "a document of another kind than its reference", outputs(output(ref("ConfigMap", "a"), document("ClusterRoleBinding", "a"))), badAnswer),
		answer("output-other-namespace", "a document in another namespace than its reference", outputs(output(ref("ConfigMap", "a"),
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"kube-system"}}`)), badAnswer),
		answer("output-disguised-by-case", "a document that says its kind a second time in another spelling", outputs(output(ref("ConfigMap", "a"),
			`{"apiVersion":"v1","Kind":"ConfigMap","kind":"Secret","metadata":{"name":"a"}}`)), badAnswer),
		answer("output-twice", "the same output twice", outputs(configMap(1), configMap(1)), badAnswer),
		answer("output-no-object", "a document that is text", outputs(output(ref("ConfigMap", "a"), `"ConfigMap"`)), badAnswer),
		answer("output-no-name", "a document without a name", outputs(output(`{"apiVersion":"v1","kind":"ConfigMap","name":""}`, document("ConfigMap", ""))), badAnswer),
		answer("output-name-terminal", "a name that clears the terminal", outputs(output(ref("ConfigMap", `\u001b[2J`), document("ConfigMap", `\u001b[2J`))), badAnswer),
		answer("output-version-empty-group", "a version that passes for the core group", outputs(output(
			`{"apiVersion":"/v1","kind":"ConfigMap","name":"a"}`,
			`{"apiVersion":"/v1","kind":"ConfigMap","metadata":{"name":"a"}}`)), badAnswer),
		contributing(answer("contribution-undeclared", "a contribution to a kind that is not in the manifest",
			`{"contributions":[{"ref":`+ref("ConfigMap", "a")+`,"fields":{}}]}`, badAnswer)),
		contributing(answer("contribution-no-object", "a contribution of no fields",
			`{"contributions":[{"ref":`+ref("Secret", "a")+`,"fields":[]}]}`, badAnswer)),
		requiring(answer("requirements-most", "as many requirements as there may be", requirements(repeated(abi.MaxRequirements, requirement)...), ok)),
		requiring(answer("requirements-flood", "fifty thousand requirements", requirements(repeated(50_000, requirement)...), badAnswer)),
		answer("requirement-undeclared", "a requirement of a kind that is not in the manifest", requirements(requirement(1)), badAnswer),
		requiring(answer("requirement-twice", "two requirements of one name", requirements(requirement(1), requirement(1)), badAnswer)),
		requiring(answer("requirement-no-kind", "a requirement of every kind", requirements(`{"name":"all","apiVersion":"v1","kind":""}`), badAnswer)),
		answer("result-terminal", "a message that clears the terminal", result("info", "", `\u001b[2Jall is well`), badAnswer),
		answer("result-second-line", "a message that forges a line of its own", result("info", "", `a\nplugin acme/web: all is well`), badAnswer),
		answer("result-backwards", "a message that turns the rest of the line around", result("info", "", `\u202ellew si lla`), badAnswer),
		answer("result-field-terminal", "a field that clears the terminal", result("info", `\u009b2J`, "x"), badAnswer),
		answer("result-severity", "a severity that does not exist", result("fatal", "", "x"), badAnswer),
		answer("result-silent", "an error without a message", result("error", "", " "), badAnswer),
		answer("results-flood", "ten thousand messages", `{"results":[`+strings.Join(repeated(10_000, func(int) string {
			return `{"severity":"info","message":"x"}`
		}), ",")+`]}`, badAnswer),
		leaving(answer("context-undeclared", "context under a key that is not in the manifest", `{"context":[{"key":"other","value":1}]}`, badAnswer)),
		leaving(answer("context-twice", "context under one key twice", `{"context":[{"key":"known","value":1},{"key":"known","value":2}]}`, badAnswer)),
		leaving(answer("context-key-terminal", "a key that clears the terminal", `{"context":[{"key":"\u001b[2J","value":1}]}`, badAnswer)),
		validating,
	}
	hidden := answer("output-disguised", "in CBOR, a document of another kind than its reference", "", badAnswer)
	return append(cases, inEncoding(hidden, outputs(output(ref("ConfigMap", "a"), document("ClusterRoleBinding", "a")))))
}
