package latticenet_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/internal/registrytest"
	"github.com/latticenet/lattice-host/registry/latticenet"
)

func TestEncodeAndParse(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]*latticenet.Manifest{"v1": v1(), "v2": v2()} {
		check(t, m.Sign(registrytest.Key(t, acmeSeed), nil))
		document, err := m.Encode()
		check(t, err)
		got, err := latticenet.Parse(document)
		check(t, err)
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		// What other programs write: HTML in texts escaped, and no white space.
		compact, err := json.Marshal(m)
		check(t, err)
		got, err = latticenet.Parse(compact)
		check(t, err)
		if diff := cmp.Diff(m, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// refusal is a change of a good manifest, and what the error says.
type refusal struct {
	reason string
	change func(*latticenet.Manifest)
	says   string
}

func refuse(t *testing.T, base func() *latticenet.Manifest, tests map[string]refusal) {
	t.Helper()
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := base()
			if m.Bundle != nil {
				m.Bundle.DigestSHA256 = latticenet.Digest(nil)
			}
			check(t, m.Check())
			tc.change(m)
			if got := errorText(m.Check()); !strings.Contains(got, tc.says) {
				t.Errorf("%s\nwant an error that says %q, got %q", tc.reason, tc.says, got)
			}
		})
	}
}

// TestAttack36_Names has names that are paths, devices of Windows, look-alikes or the same in
// another case.
func TestAttack36_Names(t *testing.T) {
	t.Parallel()
	type M = latticenet.Manifest
	tests := map[string]refusal{}
	for name, id := range map[string]string{
		"Empty": "", "Short": "ab", "Long": strings.Repeat("a", 81), "Parent": "..", "Traversal": "../../etc", "Dots": "acme..web",
		"Slash": "acme/web", "Backslash": `acme\web`, "Absolute": "/etc", "Hidden": ".web", "DotAtEnd": "acme.web.", "Hyphen": "-web",
		"HyphenAtEnd": "web-", "Case": "Acme.web", "LookAlike": "аcme.web", "FullWidth": "ａcme", "Underscore": "acme_web", "LineBreak": "acme\nweb",
		"LineBreakAtEnd": "acme.web\n", "NUL": "acme\x00web", "Device": "con", "DeviceWithEnding": "nul.web", "DevicePort": "com1.x", "Blank": "acme web",
		"Colon": "acme:web", "Escaped": "acme%2fweb",
	} {
		tests["ID"+name] = refusal{"An id is a name everywhere.", func(m *M) { m.ID = id }, "id: "}
		if id != "" {
			tests["Publisher"+name] = refusal{"A publisher is a name everywhere.", func(m *M) { m.Publisher = id }, "publisher: "}
		}
		tests["Dependency"+name] = refusal{"A dependency is a name.", func(m *M) { m.Dependencies[0].ID = id }, "dependencies.0.id: "}
	}
	for name, version := range map[string]string{
		"Empty": "", "Long": "1" + strings.Repeat("0", 64), "Traversal": "../1", "Dots": "1..2", "Slash": "1/2", "Backslash": `1\2`, "Hidden": ".1",
		"DotAtEnd": "1.", "LookAlike": "١", "LineBreak": "1\n2", "Device": "NUL", "DeviceWithEnding": "aux.1", "Colon": "1:2", "Blank": "1 2", "Underscore": "1_2",
	} {
		tests["Version"+name] = refusal{"A version is the name of a folder.", func(m *M) { m.Version = version }, "version: "}
	}
	refuse(t, v2, tests)
}

// TestFieldBoundaries has texts that would move the lines which are signed in version 1: one
// signature for two manifests.
func TestFieldBoundaries(t *testing.T) {
	t.Parallel()
	first, second := v1(), v1()
	first.Version, first.Entrypoint = "1.2.0\nsystem-go/web", "acme"
	second.Version, second.Entrypoint, second.Publisher = "1.2.0", "system-go/web", "acme\nacme"
	a, err := first.Payload()
	check(t, err)
	b, err := second.Payload()
	check(t, err)
	if string(a) != string(b) {
		t.Fatal("the two do not have one payload, so that this test shows nothing")
	}
	for _, m := range []*latticenet.Manifest{first, second} {
		if err := m.Check(); err == nil {
			t.Errorf("accepted: %q", a)
		}
		if err := m.Sign(registrytest.Key(t, acmeSeed), nil); err == nil || m.Signature != "" {
			t.Errorf("signed: %q", a)
		}
	}
	controls := map[string]refusal{}
	for name, text := range map[string]string{"LineBreak": "a\nb", "Return": "a\rb", "NUL": "a\x00b", "Tab": "a\tb", "Escape": "a\x1bb", "Delete": "a\x7fb", "NextLine": "a\u0085b", "LineSeparator": "a\u2028b", "Direction": "a\u202eb"} {
		controls["Version"+name] = refusal{"Lines are fields.", func(m *latticenet.Manifest) { m.Version = text }, "version: "}
		controls["Entrypoint"+name] = refusal{"Lines are fields.", func(m *latticenet.Manifest) { m.Entrypoint = text }, "entrypoint: must be 1 to 240 bytes of printable text"}
		controls["Name"+name] = refusal{"Lines are fields.", func(m *latticenet.Manifest) { m.Name = text }, "name: must be 1 to 80 bytes of printable text"}
		controls["Digest"+name] = refusal{"Lines are fields.", func(m *latticenet.Manifest) { m.DigestSHA256 = text }, "digest_sha256: "}
		controls["Capability"+name] = refusal{"Lines are fields.", func(m *latticenet.Manifest) { m.Capabilities[0] = text }, "capabilities.0: "}
	}
	refuse(t, v1, controls)
}

func TestVersion1Refuses(t *testing.T) {
	t.Parallel()
	type M = latticenet.Manifest
	signature := strings.Repeat("A", 86)
	const uncovered = ": a signature of version 1 does not cover it, use schema lattice.plugin.manifest.v2"
	refuse(t, v1, map[string]refusal{
		"Schema":             {"Two versions.", func(m *M) { m.Schema = "lattice.plugin.manifest.v3" }, "schema: is "},
		"Bundle":             {"Not signed.", func(m *M) { m.Bundle = &latticenet.Bundle{} }, "bundle" + uncovered},
		"Runtime":            {"Not signed.", func(m *M) { m.Runtime = &latticenet.Runtime{} }, "runtime" + uncovered},
		"UIRuntime":          {"Not signed.", func(m *M) { m.UIRuntime = &latticenet.UIRuntime{} }, "ui_runtime" + uncovered},
		"Compatibility":      {"Not signed.", func(m *M) { m.Compatibility = &latticenet.Compatibility{} }, "compatibility" + uncovered},
		"MinServer":          {"Not signed.", func(m *M) { m.MinServer = "1" }, "min_server" + uncovered},
		"HostAccess":         {"Not signed.", func(m *M) { m.HostAccess = &latticenet.HostAccess{} }, "host_access" + uncovered},
		"SignedDependencies": {"Could be dropped.", func(m *M) { m.Signature, m.Dependencies = signature, []latticenet.Dependency{{ID: "acme.vpn"}} }, "dependencies" + uncovered},
		"TypedMethods": {"Names only.", func(m *M) {
			m.Interfaces[0].Methods = latticenet.Methods{Typed: []latticenet.Method{{Name: "list"}, {Name: "get"}}}
		}, "interfaces.0.methods: must be names"},
		"Backing":       {"Version 2 has it.", func(m *M) { m.Interfaces[0].Backing = "core" }, "interfaces.0.backing: belongs to schema"},
		"SandboxedView": {"Needs a page.", func(m *M) { m.UI.Views[0].Kind = "sandbox" }, "ui.views.0.kind: a sandboxed view needs ui_runtime"},
		"UpperDigest":   {"Lower case.", func(m *M) { m.DigestSHA256 = strings.Repeat("A", 64) }, "digest_sha256: must be 64"},
		"ShortDigest":   {"64 digits.", func(m *M) { m.DigestSHA256 = strings.Repeat("a", 63) }, "digest_sha256: must be 64"},
		"Signature":     {"64 bytes.", func(m *M) { m.Signature = "AAAA" }, "signature_ed25519: has 3 bytes, must have 64"},
		"SignatureText": {"Base64.", func(m *M) { m.Signature = "?" }, "signature_ed25519: is not standard base64"},
		"NavSection":    {"A key.", func(m *M) { m.UI.Nav[0].Section = "../x" }, "ui.nav.0.section: must match"},
	})
	m := v1()
	m.Dependencies = []latticenet.Dependency{{ID: "acme.vpn"}}
	check(t, m.Check())
}

func TestVersion2Refuses(t *testing.T) {
	t.Parallel()
	type M = latticenet.Manifest
	method := func(change func(*latticenet.Method)) func(*M) {
		return func(m *M) { change(&m.Interfaces[0].Methods.Typed[1]) }
	}
	budget := func(change func(*latticenet.Budget)) func(*M) {
		return method(func(m *latticenet.Method) { change(m.Budget) })
	}
	refuse(t, v2, map[string]refusal{
		"NoName":             {"For people.", func(m *M) { m.Name = "" }, "name: must be 1 to 80 bytes"},
		"BlankName":          {"For people.", func(m *M) { m.Name = " " }, "name: must not be blank"},
		"LongName":           {"Bounded.", func(m *M) { m.Name = strings.Repeat("a", 81) }, "name: must be 1 to 80 bytes"},
		"Type":               {"A closed set.", func(m *M) { m.Type = "native" }, `type: is "native", must be one of system, wasm, worker`},
		"NoCapability":       {"At least one.", func(m *M) { m.Capabilities = nil }, "capabilities: must name at least one"},
		"CapabilityTwice":    {"A set.", func(m *M) { m.Capabilities = append(m.Capabilities, "node:read") }, `capabilities.3: "node:read" is a duplicate`},
		"UnknownCapability":  {"A closed set.", func(m *M) { m.Capabilities[0] = "wireguard:read" }, `capabilities.0: "wireguard:read" is not a capability`},
		"HostRiskInWasm":     {"System only.", func(m *M) { m.Type = "wasm" }, "capabilities.1: http:operator-target is only for plugins of type system"},
		"WorkerCapability":   {"Three only.", func(m *M) { m.Type = "worker" }, "capabilities.0: node:read is not for plugins of type worker"},
		"Entrypoint":         {"Version 1.", func(m *M) { m.Entrypoint = "x" }, "entrypoint: belongs to version 1"},
		"Digest":             {"Version 1.", func(m *M) { m.DigestSHA256 = strings.Repeat("a", 64) }, "digest_sha256: belongs to version 1"},
		"NoBundle":           {"Required.", func(m *M) { m.Bundle = nil }, "bundle: is missing"},
		"BundleFormat":       {"One format.", func(m *M) { m.Bundle.Format = "zip" }, `bundle.format: is "zip"`},
		"BundleDigest":       {"64 digits.", func(m *M) { m.Bundle.DigestSHA256 = "x" }, "bundle.digest_sha256: must be 64"},
		"NoRuntime":          {"Required.", func(m *M) { m.Runtime = nil }, "runtime: is missing"},
		"Protocol":           {"One protocol.", func(m *M) { m.Runtime.Protocol = "exec" }, "runtime.protocol: is"},
		"NoPlatform":         {"At least one.", func(m *M) { m.Runtime.Entrypoints = nil }, "runtime.entrypoints: must name the program"},
		"Platform":           {"A grammar.", func(m *M) { m.Runtime.Entrypoints["Linux"] = "bin/x" }, `runtime.entrypoints: the platform "Linux" must match`},
		"ProgramTraversal":   {"Stays inside.", func(m *M) { m.Runtime.Entrypoints["linux/amd64"] = "bin/../../sh" }, `runtime.entrypoints.linux/amd64: "bin/../../sh": the path has a part ..`},
		"ProgramElsewhere":   {"Below bin.", func(m *M) { m.Runtime.Entrypoints["linux/amd64"] = "ui/sh" }, "must begin with bin/"},
		"UIMode":             {"One mode.", func(m *M) { m.UIRuntime.Mode = "native" }, "ui_runtime.mode: is"},
		"UIElsewhere":        {"Below ui.", func(m *M) { m.UIRuntime.Entrypoint = "/etc/x.html" }, "ui_runtime.entrypoint: "},
		"UINoPage":           {"A page.", func(m *M) { m.UIRuntime.Entrypoint = "ui/x.txt" }, "ui_runtime.entrypoint: must end in .html"},
		"UIBridge":           {"One version.", func(m *M) { m.UIRuntime.BridgeVersion = "2" }, "ui_runtime.bridge_version: is"},
		"NoCompatibility":    {"Required.", func(m *M) { m.Compatibility = nil }, "compatibility: is missing"},
		"NoServer":           {"Required.", func(m *M) { m.Compatibility.Server = "" }, "compatibility.server: must be 1 to 128"},
		"BlankServer":        {"Required.", func(m *M) { m.Compatibility.Server = " " }, "compatibility.server: must not be blank"},
		"NoDashboard":        {"Required.", func(m *M) { m.Compatibility.DashboardHost = "" }, "compatibility.dashboard_host: must be 1 to 128"},
		"LongProtocol":       {"Bounded.", func(m *M) { m.Compatibility.RuntimeProtocol = strings.Repeat("1", 129) }, "compatibility.runtime_protocol: must be 1 to 128"},
		"MinServer":          {"Printable.", func(m *M) { m.MinServer = "1\n" }, "min_server: must be 1 to 128"},
		"CallCapability":     {"Calls need it.", func(m *M) { m.Capabilities = m.Capabilities[:2] }, "host_access.rpc: needs the capability rpc:call"},
		"RPCService":         {"An id and a suffix.", func(m *M) { m.HostAccess.RPC[0].Service = "../nodes" }, "host_access.rpc.0.service: "},
		"RPCTwice":           {"A set.", func(m *M) { m.HostAccess.RPC = append(m.HostAccess.RPC, m.HostAccess.RPC[0]) }, "host_access.rpc.1.service: \"acme.vpn/nodes\" is a duplicate"},
		"RPCNoMethod":        {"At least one.", func(m *M) { m.HostAccess.RPC[0].Methods = nil }, "host_access.rpc.0.methods: must name"},
		"RPCMethod":          {"A grammar.", func(m *M) { m.HostAccess.RPC[0].Methods[0] = "*" }, "host_access.rpc.0.methods.0: \"*\" must match"},
		"RPCMethodTwice":     {"A set.", func(m *M) { m.HostAccess.RPC[0].Methods = []string{"a", "a"} }, "host_access.rpc.0.methods.1: \"a\" is a duplicate"},
		"RPCOwn":             {"Would call itself.", func(m *M) { m.HostAccess.RPC[0].Service = "acme.web/other" }, "a plugin cannot call its own service"},
		"Service":            {"Below the id.", func(m *M) { m.Interfaces[0].Service = "acme.vpn/sites" }, "interfaces.0.service: "},
		"ServiceSuffix":      {"A grammar.", func(m *M) { m.Interfaces[0].Service = "acme.web/Sites" }, "interfaces.0.service: "},
		"ServiceTwice":       {"A set.", func(m *M) { m.Interfaces = append(m.Interfaces, m.Interfaces[0]) }, "interfaces.1.service: \"acme.web/sites\" is a duplicate"},
		"NoMethods":          {"At least one.", func(m *M) { m.Interfaces[0].Methods = latticenet.Methods{} }, "interfaces.0.methods: must name"},
		"MethodNames":        {"Objects only.", func(m *M) { m.Interfaces[0].Methods = latticenet.Methods{Names: []string{"list", "get"}} }, "interfaces.0.methods: must be objects"},
		"NoBacking":          {"Somebody answers.", func(m *M) { m.Interfaces[0].Backing = "" }, `interfaces.0.backing: is "", must be one of runtime, core`},
		"CoreInWasm":         {"System only.", func(m *M) { m.Type, m.Capabilities = "wasm", []string{"kv:read"} }, "interfaces.0.backing: core is only for"},
		"MethodName":         {"A grammar.", method(func(m *latticenet.Method) { m.Name = "Get" }), "interfaces.0.methods.1.name: \"Get\" must match"},
		"MethodTwice":        {"A set.", method(func(m *latticenet.Method) { m.Name = "list" }), "interfaces.0.methods.1.name: \"list\" is a duplicate"},
		"Effect":             {"A closed set.", method(func(m *latticenet.Method) { m.Effect = "execute" }), "interfaces.0.methods.1.effect: is"},
		"WriteWithoutScopes": {"Not inherited.", method(func(m *latticenet.Method) { m.Effect = "write" }), "interfaces.0.methods.1.scopes: a method of effect write must have"},
		"PlanWithoutScopes":  {"Not inherited.", method(func(m *latticenet.Method) { m.Effect = "plan" }), "interfaces.0.methods.1.scopes: a method of effect plan must have"},
		"NoScopes":           {"Somebody may call.", func(m *M) { m.Interfaces[0].Scopes = nil }, "interfaces.0.methods.0.scopes: a method must have scopes"},
		"Scope":              {"A grammar.", method(func(m *latticenet.Method) { m.Scopes = []string{"*"} }), "interfaces.0.methods.1.scopes.0: \"*\" must match"},
		"ScopeTwice":         {"A set.", func(m *M) { m.Interfaces[0].Scopes = []string{"a:b", "a:b"} }, "interfaces.0.scopes.1: \"a:b\" is a duplicate"},
		"ManyTargets":        {"Four at most.", method(func(m *latticenet.Method) { m.OperatorTargetFields = []string{"a", "b", "c", "d", "e"} }), "must name at most 4 fields"},
		"TargetGrammar":      {"A grammar.", method(func(m *latticenet.Method) { m.OperatorTargetFields = []string{"../a"} }), "operator_target_fields.0: \"../a\" must match"},
		"TargetTwice":        {"A set.", method(func(m *latticenet.Method) { m.OperatorTargetFields = []string{"a", "a"} }), "operator_target_fields.1: \"a\" is a duplicate"},
		"TargetCapability":   {"Asked for.", func(m *M) { m.Capabilities = []string{"node:read", "rpc:call"} }, "operator_target_fields: needs the capability http:operator-target"},
		"TargetUnbound":      {"Bound to a field.", func(m *M) { m.Interfaces[0].Methods.Typed[2].OperatorTargetFields = nil }, "capabilities: http:operator-target must be bound"},
		"NoTimeout":          {"Positive.", budget(func(b *latticenet.Budget) { b.TimeoutMS = 0 }), "budget.timeout_ms: is 0, must be 1 to 30000"},
		"LongTimeout":        {"Bounded.", budget(func(b *latticenet.Budget) { b.TimeoutMS = 30_001 }), "budget.timeout_ms: is 30001, must be 1 to 30000"},
		"Stdout":             {"Bounded.", budget(func(b *latticenet.Budget) { b.StdoutBytes = 8<<20 + 1 }), "budget.stdout_bytes: is 8388609, must be 1 to 8388608"},
		"Stderr":             {"Bounded.", budget(func(b *latticenet.Budget) { b.StderrBytes = 1<<20 + 1 }), "budget.stderr_bytes: is 1048577, must be 1 to 1048576"},
		"HostCalls":          {"Bounded.", budget(func(b *latticenet.Budget) { b.HostCalls = 513 }), "budget.host_calls: is 513, must be 0 to 512"},
		"NegativeCalls":      {"Zero means no calls.", budget(func(b *latticenet.Budget) { b.HostCalls = -1 }), "budget.host_calls: is -1, must be 0 to 512"},
		"DependencyRange":    {"A range.", func(m *M) { m.Dependencies[0].Version = "^1" }, `dependencies.0.version: "^1" must be a version`},
		"DependencyTwice":    {"A set.", func(m *M) { m.Dependencies[1].ID = "acme.vpn" }, "dependencies.1.id: \"acme.vpn\" is a duplicate"},
		"DependencyOnSelf":   {"Never met.", func(m *M) { m.Dependencies[0].ID = "acme.web" }, "dependencies.0.id: a plugin cannot depend on itself"},
		"NavSection":         {"One section.", func(m *M) { m.UI.Nav[0].Section = "nodes" }, "ui.nav.0.section: is"},
		"NavTitle":           {"For people.", func(m *M) { m.UI.Nav[0].Title = "\u202e" }, "ui.nav.0.title: must be"},
		"NavRoute":           {"A grammar.", func(m *M) { m.UI.Nav[0].Route = "../x" }, "ui.nav.0.route: must match"},
		"ViewKind":           {"A closed set.", func(m *M) { m.UI.Views[0].Kind = "builtin" }, "ui.views.0.kind: is"},
		"ViewSource":         {"A declared method.", func(m *M) { m.UI.Views[0].Source.Method = "x" }, "ui.views.0.source: the method x of acme.web/sites is not among"},
		"ViewColumn":         {"A grammar.", func(m *M) { m.UI.Views[0].Columns[0].Key = "?" }, "ui.views.0.columns.0.key: must match"},
		"ViewRender":         {"A closed set.", func(m *M) { m.UI.Views[0].Columns[0].Render = "html" }, "ui.views.0.columns.0.render: is"},
		"ViewAction":         {"A declared method.", func(m *M) { m.UI.Views[0].Actions[0].Interface = "acme.vpn/nodes" }, "ui.views.0.actions.0: the method get of acme.vpn/nodes is not among"},
		"ViewForm":           {"A closed set.", func(m *M) { m.UI.Views[0].Actions[0].Form[0].Kind = "file" }, "ui.views.0.actions.0.form.0.kind: is"},
		"ViewFrame":          {"A frame has nothing else.", func(m *M) { m.UI.Views[1].Columns = m.UI.Views[0].Columns }, "ui.views.1: a sandboxed view has no source"},
		"ViewFrameNoPage":    {"A frame has a page.", func(m *M) { m.UIRuntime = nil }, "ui.views.1.kind: a sandboxed view needs ui_runtime"},
	})
	m := v2()
	m.Bundle.DigestSHA256 = latticenet.Digest(nil)
	m.HostAccess.RPC[0].Service = "acme.web/sites"
	check(t, m.Check())
}

// TestRow51_Capabilities goes through types and capabilities: which may have which.
func TestRow51_Capabilities(t *testing.T) {
	t.Parallel()
	got := map[latticenet.Risk]int{}
	for _, c := range latticenet.Capabilities() {
		got[c.Risk]++
		for _, kind := range []string{"system", "wasm", "worker"} {
			m := v1()
			m.Type, m.Capabilities = kind, []string{c.Name}
			want := kind == "system" || kind == "wasm" && (c.Risk != latticenet.RiskHost || c.Name == "http:egress") ||
				kind == "worker" && (c.Name == "kv:read" || c.Name == "static:read" || c.Name == "worker:route")
			if err := m.Check(); want != (err == nil) {
				t.Errorf("%s with %s: allowed is %v, got %v", kind, c.Name, want, err)
			}
		}
	}
	want := map[latticenet.Risk]int{latticenet.RiskRead: 8, latticenet.RiskWrite: 4, latticenet.RiskHost: 17}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestRow50_ParseIsStrict has documents that two readers could understand differently.
func TestRow50_ParseIsStrict(t *testing.T) {
	t.Parallel()
	m := v2()
	m.Bundle.DigestSHA256 = latticenet.Digest(nil)
	document, err := m.Encode()
	check(t, err)
	set := func(old, with string) string { return string(registrytest.SetField(t, document, old, with)) }
	tests := map[string]struct{ data, says string }{
		"Unknown":         {set(`"min_server"`, `"run": "sh", "min_server"`), `unknown field "run"`},
		"UnknownInBundle": {set(`"format"`, `"run": "sh", "format"`), `unknown field "run"`},
		"UnknownInMethod": {set(`"effect": "write"`, `"run": "sh", "effect": "write"`), "methods must be all names or all objects"},
		"UnknownInBudget": {set(`"host_calls"`, `"run": 1, "host_calls"`), "methods must be all names or all objects"},
		"Twice":           {set(`"min_server"`, `"min_server": "1", "min_server"`), "is a duplicate"},
		"TwiceInside":     {set(`"linux/arm64"`, `"linux/amd64": "bin/evil", "linux/arm64"`), "is a duplicate"},
		"Case":            {set(`"min_server"`, `"Min_server"`), "Min_server: must be left out"},
		"Trailing":        {string(document) + "{}", "bytes follow the end"},
		"Null":            {set(`"format": "tar+gzip"`, `"format": null`), "bundle.format: must not be null"},
		"NullMethods":     {`{"id":"acme.web","name":"a","type":"wasm","capabilities":["kv:read"],"interfaces":[{"service":"acme.web/a","methods":null}]}`, "methods: must name at least one"},
		"EmptySignature":  {set(`"bundle": {`, `"signature_ed25519": "", "bundle": {`), "signature_ed25519: must be left out"},
		"PartialBudget":   {set(",\n            \"host_calls\": 0", ""), "budget.host_calls: is missing"},
		"MixedMethods":    {set("\"methods\": [\n        {\n          \"name\": \"list\"", "\"methods\": [\"show\",\n        {\n          \"name\": \"list\""), "methods must be all names or all objects"},
		"Float":           {set(`"timeout_ms": 10000`, `"timeout_ms": 10000.0`), "methods must be all names or all objects"},
		"NotUTF8":         {set("0.2.1\",\n  \"host", "\xff\",\n  \"host"), "UTF-8"},
		"Array":           {"[]", "must be an object"},
		"NullDocument":    {"null", "must be an object"},
		"TooLarge":        {strings.Repeat(" ", latticenet.MaxManifestBytes+1), "the limit is 1048576"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := latticenet.Parse([]byte(tc.data))
			if got != nil || !strings.Contains(errorText(err), tc.says) {
				t.Errorf("want an error that says %q, got %v", tc.says, err)
			}
		})
	}
}

func TestCheckReportsEveryProblem(t *testing.T) {
	t.Parallel()
	m := v2()
	m.Bundle, m.ID, m.Interfaces, m.UI, m.Capabilities = nil, "x", nil, nil, []string{"rpc:call"}
	want := `id: "x" must match ^[a-z0-9][a-z0-9.-]{1,78}[a-z0-9]$, without two dots in a row, and not be the name of a device of Windows
bundle: is missing`
	if diff := cmp.Diff(want, errorText(m.Check())); diff != "" {
		t.Error(diff)
	}
}
