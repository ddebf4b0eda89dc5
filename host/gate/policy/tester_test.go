package policy_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate/policy"
)

const tested = `@id("secrets")
permit (principal is Lattice::Service, action == Lattice::Action::"AccessSecret", resource)
when { resource.provider == "vault" && resource.path like "media/*" };

@id("no-jobs")
forbid (principal is Lattice::Service, action == Lattice::Action::"AccessSecret", resource)
when { principal.kind == "job" };

@id("fresh")
permit (principal in Lattice::Group::"ops", action == Lattice::Action::"Install", resource)
when { context.indexStaleDays + 1 < 7 };

@id("unused")
forbid (principal, action == Lattice::Action::"UseQueue", resource);

@id("acme")
permit (principal, action == Lattice::Action::"Install", resource)
when { resource.publisher == "acme" };
`

const goodTest = `cases:
- name: media reads its secrets
  request: {principal: 'Service::"media/web"', action: AccessSecret, resource: 'SecretPath::"vault:media/db"'}
  want: allow
  policies: [secrets]
- name: others do not
  request: {principal: 'Service::"media/web"', action: AccessSecret, resource: 'SecretPath::"vault:other/db"'}
  want: no-opinion
- name: jobs never do
  request:
    principal: Lattice::Service::"media/web"
    action: AccessSecret
    resource: Lattice::SecretPath::"vault:media/db"
    attributes: {principal: {kind: job}}
  want: deny
  policies: [no-jobs]
- name: ops install
  request: {principal: 'User::"ann"', groups: [ops], action: Install, resource: 'Plugin::"acme/web@1.0.0"'}
  want: allow
- name: what overflows is an error
  request:
    principal: User::"ann"
    groups: [ops]
    action: Install
    resource: Plugin::"acme/web@1.0.0"
    context: {indexStaleDays: 9223372036854775807}
  want: error
  policies: [fresh]
`

func TestCases(t *testing.T) {
	ask := func(request, want string) string {
		return "cases:\n- {name: x, request: {" + request + "}, want: " + want + "}\n"
	}
	secret := `principal: 'Service::"a/b"', action: AccessSecret, resource: 'SecretPath::"vault:media/x"'`
	tests := map[string]struct {
		reason string
		file   string
		// failures are those of the tests that fail, err is why none ran.
		failures []string
		err      string
	}{
		"Good":     {"What is as it should be passes.", goodTest, nil, ""},
		"Wrong":    {"Another verdict is reported with its policies.", ask(secret, "deny"), []string{"want deny, got allow by secrets"}, ""},
		"Policies": {"Another policy is reported.", "cases:\n- {name: x, request: {" + secret + "}, want: allow, policies: [other]}\n", []string{"want allow by other, got it by secrets"}, ""},
		"Want":     {"A verdict has a name.", ask(secret, "yes"), []string{`want: "yes" must be allow, deny, no-opinion or error`}, ""},
		"NoName":   {"A test has a name.", "cases: [{request: {" + secret + "}, want: allow}]", []string{"has no name; a test needs one"}, ""},
		"Misspelt": {
			"A question that cannot be asked is not an error of a policy.",
			ask(`principal: 'Service::"a/b"', action: ReadSecret, resource: 'SecretPath::"vault:x"'`, "error"),
			[]string{`the question cannot be asked: it does not fit the schema: there is no action "ReadSecret"`}, "",
		},
		"Attribute": {
			"Nor is an attribute that does not exist.", ask(secret+", attributes: {resource: {pth: x}}", "error"),
			[]string{"the question cannot be asked: it does not fit the schema: Lattice::SecretPath::\"vault:media/x\": there is no pth"}, "",
		},
		"Category": {
			"What does not follow from the id must be given.",
			ask(`principal: 'Service::"a/b"', action: OverrideSecurity, resource: 'SecurityOverride::"hostNetwork"'`, "no-opinion"),
			[]string{"the question cannot be asked: it does not fit the schema: Lattice::SecurityOverride::\"hostNetwork\": category is missing"}, "",
		},
		"Type":     {"Types are those of the schema.", ask(`principal: 'Team::"a"', action: Admit, resource: 'Kind::"a/b"'`, "allow"), []string{`request.principal: there is no type of entities "Team"`}, ""},
		"Entity":   {"An entity has a form.", ask(`principal: media/web, action: Admit, resource: 'Kind::"a/b"'`, "allow"), []string{`request.principal: "media/web" is not an entity; write it like Service::"media/plex"`}, ""},
		"Groups":   {"Services are in no group.", ask(secret+", groups: [x]", "allow"), []string{"request.groups: only a User is in groups"}, ""},
		"Value":    {"Cedar has no fractions.", ask(secret+", context: {x: 1.5}", "allow"), []string{"request.context: x: must be a text, a whole number, true, false or a list of texts"}, ""},
		"Field":    {"A field that no one knows is a mistake.", "cases:\n- name: x\n  wants: allow\n", nil, "x_test.yaml:3:3: cases.0.wants: is not a known field; did you mean want?"},
		"NoCases":  {"A file of tests has tests.", "", nil, "x_test.yaml:1:1: cases: is missing or empty; a file of tests is a list of cases"},
		"Two":      {"A second document would not be looked at.", goodTest + "---\n" + goodTest, nil, "x_test.yaml:30:1: a file of tests is one document"},
		"BadYAML":  {"What cannot be read has a place.", "cases:\n  - [", nil, "x_test.yaml:2:"},
		"Endpoint": {"An endpoint has a port.", ask(`principal: 'Service::"a/b"', action: AccessExternalEndpoint, resource: 'ExternalEndpoint::"x"'`, "allow"), []string{`request.resource: "x" must be host:port`}, ""},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			report, err := policy.Test(context.Background(), policy.Options{NoDefaults: true, Files: []policy.File{
				{"p.cedar", []byte(tested)}, {"x_test.yaml", []byte(tc.file)},
			}})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("%s\ngot the error %v, want %q", tc.reason, err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s\n%v", tc.reason, err)
			}
			var failures []string
			for _, r := range report.Failed() {
				failures = append(failures, r.Failure)
			}
			if d := cmp.Diff(tc.failures, failures); d != "" {
				t.Errorf("%s\n%s", tc.reason, d)
			}
		})
	}
}

// Every type of entities can be written, with the attributes that the schema asks for.
func TestCasesKnowTheVocabulary(t *testing.T) {
	const everything = `@id("all") permit (principal, action, resource) when { true };`
	questions := [][3]string{
		{`Service::"media/web"`, "AccessSecret", `SecretPath::"vault:a/b"`},
		{`Service::"media/web"`, "AccessVolume", `Volume::"media/x"`},
		{`Service::"media/web"`, "AccessExternalEndpoint", `ExternalEndpoint::"fd00::1:443"`},
		{`Service::"media/web"`, "AccessNamespace", `Namespace::"x"`},
		{`Service::"media/web"`, "AllowWildcard", `Mesh::"inbound"`},
		{`Service::"media/web"`, "SkipImageVerification", `ImageRef::"nginx"`},
		{`Service::"media/web"`, "UseQueue", `Queue::"x"`},
		{`Service::"media/web"`, "EmitKind", `Kind::"/Secret"`},
		{`Service::"media/web"`, "Admit", `Kind::"lattice.dev/LatticeService"`},
		{`Service::"web"`, "Execute", `Target::"directory:deploy/media"`},
		{`User::"ann"`, "Install", `Plugin::"acme/web@1.0.0"`},
		{`User::"ann"`, "Grant", `Plugin::"acme/web@1.0.0"`},
		{`User::"ann"`, "RunRevoked", `Plugin::"acme/web@1.0.0"`},
		{`Plugin::"acme/web@1.0.0"`, "UseCapability", `Capability::"http.get:example.com"`},
	}
	var b strings.Builder
	b.WriteString("cases:\n")
	for _, q := range questions {
		b.WriteString("- {name: " + q[1] + ", request: {principal: '" + q[0] + "', action: " + q[1] + ", resource: '" + q[2] + "'}, want: allow}\n")
	}
	report, err := policy.Test(context.Background(), policy.Options{NoDefaults: true, Files: []policy.File{
		{"p.cedar", []byte(strings.Replace(everything, "@id", `@reason("it is a test") @id`, 1))}, {"x_test.yaml", []byte(b.String())},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Results) != len(questions) || len(report.Failed()) > 0 {
		t.Errorf("got %+v", report.Failed())
	}
}

// A policy that forbids and a rule that denies must be seen to fire; those that come with the
// program are not the user's business.
func TestSilent(t *testing.T) {
	report, err := policy.Test(context.Background(), policy.Options{Files: []policy.File{
		{"p.cedar", []byte(tested)}, {"r.rego", []byte(denyRule)}, {"x_test.yaml", []byte(goodTest)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"r.rego:3:1: lattice.admit.deny", "p.cedar:13:1: unused"}, report.Silent); d != "" {
		t.Error(d)
	}
	if failed := report.Failed(); len(failed) > 0 {
		t.Errorf("got %+v", failed)
	}
}
