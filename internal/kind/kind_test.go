package kind_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/kind"
)

func raw(t testing.TB, json string) cbor.Raw {
	t.Helper()
	value, err := cbor.FromJSON(nil, []byte(json), abi.MaxDepth)
	if err != nil {
		t.Fatalf("%s: %v", json, err)
	}
	return value
}

// database is a definition without a fault.
func database(t testing.TB) *abi.KindDefinition {
	t.Helper()
	return &abi.KindDefinition{
		Group: "data.acme.example", Version: "v1alpha1", Kind: "Database", Plural: "databases",
		Schema: raw(t, `{"type": "object", "required": ["engine"], "properties": {
			"engine": {"type": "string", "enum": ["postgres", "mariadb"], "description": "engine is what runs."},
			"replicas": {"type": "integer", "minimum": 1, "maximum": 9, "default": 1},
			"size": {"type": "string", "pattern": "^[0-9]+Gi$", "default": "10Gi"},
			"public": {"type": "boolean", "default": false},
			"port": {"x-kubernetes-int-or-string": true},
			"users": {"type": "object", "additionalProperties": {"$ref": "#/$defs/User"}},
			"hosts": {"type": "array", "items": {"type": "string", "maxLength": 8}, "maxItems": 2},
			"backup": {"type": "object", "properties": {"schedule": {"type": "string"}, "keep": {"type": "integer", "default": 7}}, "required": ["schedule"]},
			"extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}
		}, "$defs": {"User": {"type": "object", "properties": {"grants": {"type": "array", "items": {"type": "string"}}, "admin": {"type": "boolean", "default": false}}}}}`),
		Features: []abi.KindFeature{{Name: "database"}, {Name: "backup", Paths: []string{"spec.backup"}}, {Name: "grants", Paths: []string{"spec.users.*.grants"}}},
		Rules: []abi.KindRule{{Field: "spec.replicas", Message: "mariadb runs once; set replicas: 1", Condition: raw(t,
			`{"anyOf": [{"not": {"properties": {"engine": {"const": "mariadb"}}}}, {"properties": {"replicas": {"maximum": 1}}}]}`)}},
		Columns: []abi.KindColumn{{Name: "Engine", Path: "spec.engine"}, {Name: "Port", Path: "spec.port"}},
	}
}

func parse(t testing.TB, d *abi.KindDefinition) *kind.Kind {
	t.Helper()
	k, err := kind.Parse(d)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestCheckSpec(t *testing.T) {
	t.Parallel()
	k := parse(t, database(t))
	for name, tc := range map[string]struct{ spec, want string }{
		"Least":         {`{"engine": "postgres"}`, ``},
		"Everything":    {`{"engine": "postgres", "replicas": 3, "port": 5432, "users": {"a": {"grants": ["x"]}}, "hosts": ["a"], "extra": {"any": [1]}}`, ``},
		"PortText":      {`{"engine": "postgres", "port": "sql"}`, ``},
		"PortList":      {`{"engine": "postgres", "port": []}`, `spec.port: want an integer or a string, got a list`},
		"Missing":       {`{}`, `spec.engine: is missing; it is required here`},
		"Enum":          {`{"engine": "oracle"}`, `spec.engine: must be postgres or mariadb, not "oracle"`},
		"Number":        {`{"engine": 5}`, `spec.engine: want a string, got the number 5; put it in quotes: "5"`},
		"Quotes":        {`{"engine": "postgres", "replicas": "3"}`, `spec.replicas: want an integer, got the string "3"; remove the quotes`},
		"Fraction":      {`{"engine": "postgres", "replicas": 1.5}`, `spec.replicas: want an integer, got the number 1.5`},
		"Range":         {`{"engine": "postgres", "replicas": 10}`, `spec.replicas: must be from 1 to 9, not 10`},
		"Pattern":       {`{"engine": "postgres", "size": "ten"}`, `spec.size: must match ^[0-9]+Gi$, not "ten"`},
		"Boolean":       {`{"engine": "postgres", "public": "yes"}`, `spec.public: want true or false, got the string "yes"`},
		"NotAMapping":   {`[]`, `spec: want a mapping, got a list`},
		"MapOfObjects":  {`{"engine": "postgres", "users": {"a": []}}`, `spec.users.a: want a mapping, got a list`},
		"ItemLength":    {`{"engine": "postgres", "hosts": ["a", "123456789"]}`, `spec.hosts.1: can have at most 8 characters, has 9`},
		"Items":         {`{"engine": "postgres", "hosts": ["a", "b", "c"]}`, `spec.hosts: can have at most 2 items, has 3`},
		"EmptyItem":     {`{"engine": "postgres", "hosts": [null]}`, `spec.hosts.0: the item is empty; give it a value or remove it`},
		"DefaultLimit":  {`{"engine": "postgres", "backup": {"schedule": "` + strings.Repeat("x", 4097) + `"}}`, `spec.backup.schedule: can have at most 4096 characters, has 4097`},
		"Unknown":       {`{"engine": "postgres", "engin": "x"}`, `spec.engin: unknown, there is [backup engine extra hosts port public replicas size users]`},
		"UnknownInside": {`{"engine": "postgres", "users": {"a": {"b": 1}}}`, `spec.users.a.b: unknown, there is [admin grants]`},
		"Rule":          {`{"engine": "mariadb", "replicas": 2}`, `spec.replicas: mariadb runs once; set replicas: 1`},
		"RuleHolds":     {`{"engine": "mariadb", "replicas": 1}`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			for _, v := range k.CheckSpec(raw(t, tc.spec)) {
				if v.Message == "" {
					v.Message = fmt.Sprintf("unknown, there is %v", v.Known)
				}
				lines = append(lines, v.Field+": "+v.Message)
			}
			if got := strings.Join(lines, "\n"); got != tc.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tc.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	k := parse(t, database(t))
	for spec, want := range map[string]string{
		`{"engine": "postgres"}`: `{"engine":"postgres","public":false,"replicas":1,"size":"10Gi"}`,
		`{"engine": "postgres", "replicas": 2, "size": "1Gi", "public": true, "backup": {"schedule": "x"}, "users": {"a": {}}, "extra": {"replicas": null}}`: `{"backup":{"keep":7,"schedule":"x"},"engine":"postgres",` +
			`"extra":{"replicas":null},"public":true,"replicas":2,"size":"1Gi","users":{"a":{"admin":false}}}`,
	} {
		full := k.Spec.AppendDefaults(nil, raw(t, spec))
		if err := cbor.Validate(full, abi.MaxDepth); err != nil {
			t.Fatal(err)
		}
		got, err := cbor.ToJSON(nil, full)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s, %v, want %s", spec, got, err, want)
		}
		if again := k.Spec.AppendDefaults(nil, full); !cmp.Equal(again, full) {
			t.Errorf("%s: a default is missing or not stable", spec)
		}
	}
}

func TestUses(t *testing.T) {
	t.Parallel()
	k := parse(t, database(t))
	got := k.Uses(raw(t, `{"engine": "postgres", "backup": {"schedule": "x"}, "users": {"b": {"grants": []}, "a": {"grants": ["x"]}, "c": {}}}`))
	want := []kind.Use{{Feature: "backup", Field: "spec.backup"}, {Feature: "database", Field: "spec"}, {Feature: "grants", Field: "spec.users.a.grants"},
		{Feature: "grants", Field: "spec.users.b.grants"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

// TestBadDefinitions reads what cannot be used, as the first door does.
func TestBadDefinitions(t *testing.T) {
	t.Parallel()
	object := func(properties string) func(*abi.KindDefinition) {
		return func(d *abi.KindDefinition) {
			*d = abi.KindDefinition{Group: d.Group, Version: d.Version, Kind: d.Kind, Plural: d.Plural, Schema: raw(t, `{"type": "object", "properties": {`+properties+`}}`)}
		}
	}
	schema := func(text string) func(*abi.KindDefinition) {
		return func(d *abi.KindDefinition) { object(`"a": {"type": "string"}`)(d); d.Schema = raw(t, text) }
	}
	for name, tc := range map[string]struct {
		change func(*abi.KindDefinition)
		want   string
	}{
		"RecursiveRef": {schema(`{"type": "object", "properties": {"tree": {"$ref": "#/$defs/Node"}}, "$defs": {"Node": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Node"}}}}}`),
			`schema.properties.tree.properties.left.$ref: "#/$defs/Node" is recursive: the definition contains itself`},
		"ForeignRef":      {object(`"a": {"$ref": "https://example.com/x.json"}`), `schema.properties.a.$ref: "https://example.com/x.json" must be #/$defs/NAME`},
		"Union":           {object(`"a": {"type": ["string", "integer"]}`), `schema.properties.a.type: is a union of types`},
		"OneOf":           {object(`"a": {"oneOf": [{"type": "string"}, {"type": "integer"}]}`), `schema.properties.a.oneOf: is not a keyword that a schema of a kind can have`},
		"AnyOf":           {object(`"a": {"type": "string", "anyOf": []}`), `schema.properties.a.anyOf: is for the rules of a kind`},
		"BadDefault":      {object(`"a": {"type": "integer", "maximum": 3, "default": 4}`), `schema.properties.a.default: breaks its own schema: must be at most 3, not 4`},
		"DefaultOfOther":  {object(`"a": {"type": "object", "properties": {"b": {"type": "boolean"}}, "default": {"c": true}}`), `schema.properties.a.default: breaks its own schema: c is not a known field`},
		"NoType":          {object(`"a": {"description": "x"}`), `schema.properties.a: needs a type`},
		"NoItems":         {object(`"a": {"type": "array"}`), `schema.properties.a: needs items`},
		"MapAndObject":    {object(`"a": {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}`), `schema.properties.a: has properties and additionalProperties`},
		"AnyValues":       {object(`"a": {"type": "object", "additionalProperties": true}`), `must be a schema for the values of a map`},
		"RequiredUnknown": {schema(`{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}`), `schema.required: "b" is not among the properties`},
		"BadPattern":      {object(`"a": {"type": "string", "pattern": "(?=x)"}`), `schema.properties.a.pattern: is not a regular expression of RE2`},
		"Misfit":          {object(`"a": {"type": "string", "minimum": 3}`), `schema.properties.a.minimum: is for integer and number and not for string`},
		"NotAnObject":     {schema(`{"type": "string"}`), `schema: must be that of an object with properties`},
		"OtherDraft":      {schema(`{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}`), `schema.$schema: must be https://json-schema.org/draft/2020-12/schema`},
		"KeyWithDot":      {object(`"a.b": {"type": "string"}`), `schema.properties.a.b: must be a name of letters and digits`},
		"Large":           {object(`"a": {"type": "string", "description": "` + strings.Repeat("x", 5<<20) + `"}`), `the limit is 49152`},
		"BuiltinGroup":    {func(d *abi.KindDefinition) { d.Group, d.Kind = "lattice.dev", "LatticeService" }, `group: "lattice.dev" belongs to the host`},
		"KubernetesGroup": {func(d *abi.KindDefinition) { d.Group = "x.k8s.io" }, `group: "x.k8s.io" belongs to the host, to Kubernetes`},
		"KnownGroup":      {func(d *abi.KindDefinition) { d.Group = "cilium.io" }, `group: "cilium.io" belongs to`},
		"CoreGroup":       {func(d *abi.KindDefinition) { d.Group = "" }, `group: must be a DNS name`},
		"Version":         {func(d *abi.KindDefinition) { d.Version = "1.0" }, `version: must be v1, v1beta1, v1alpha1`},
		"Plural":          {func(d *abi.KindDefinition) { d.Plural = "Databases" }, `plural: must be`},
		"Scope":           {func(d *abi.KindDefinition) { d.Scope = "Global" }, `scope: must be Namespaced or Cluster`},
		"FeaturePath":     {func(d *abi.KindDefinition) { d.Features[1].Paths = []string{"spec.backups"} }, `features.1.paths.0: "spec.backups" is not a field of the kind`},
		"FeatureTwice":    {func(d *abi.KindDefinition) { d.Features[1].Name = "database" }, `features.1.name: "database" must be`},
		"RuleField":       {func(d *abi.KindDefinition) { d.Rules[0].Field = "spec.replica" }, `rules.0.field: "spec.replica" is not a field of the kind`},
		"RuleType":        {func(d *abi.KindDefinition) { d.Rules[0].Condition = raw(t, `{"type": "object"}`) }, `rules.0.condition.type: does not belong into a rule`},
		"RuleUnknown":     {func(d *abi.KindDefinition) { d.Rules[0].Condition = raw(t, `{"not": {"required": ["engin"]}}`) }, `rules.0.condition.required: "engin" is not a field of the kind`},
		"RuleMessage":     {func(d *abi.KindDefinition) { d.Rules[0].Message = "" }, `rules.0.message: must be one line`},
		"ColumnOfMap":     {func(d *abi.KindDefinition) { d.Columns[0].Path = "spec.users" }, `columns.0.path: "spec.users" is not a field of the kind with one value`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := database(t)
			tc.change(d)
			m := &abi.Manifest{Publisher: "acme", Name: "database", Version: "1.0.0", Kinds: []abi.KindDefinition{*d}}
			_, err := kind.ParseAll(m)
			if !errors.Is(err, kind.ErrInvalid) || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "kinds.0 (") {
				t.Errorf("error %.300v, want %s", err, tc.want)
			}
		})
	}
}

// TestReferencesAreBounded reads a schema in which each definition uses the next one ten times.
func TestReferencesAreBounded(t *testing.T) {
	t.Parallel()
	var defs []string
	for i := range 12 {
		var properties []string
		for j := range 10 {
			properties = append(properties, fmt.Sprintf(`"p%d": {"$ref": "#/$defs/D%d"}`, j, i+1))
		}
		defs = append(defs, fmt.Sprintf(`"D%d": {"type": "object", "properties": {%s}}`, i, strings.Join(properties, ",")))
	}
	_, err := kind.ParseSchema([]byte(`{"type": "object", "properties": {"a": {"$ref": "#/$defs/D0"}}, "$defs": {` + strings.Join(defs, ",") + `, "D12": {"type": "string"}}}`))
	if !errors.Is(err, kind.ErrInvalid) || !strings.Contains(err.Error(), "grows to more than 20000 schemas") {
		t.Errorf("error %.300v", err)
	}
}

func TestTwoOfOneKind(t *testing.T) {
	t.Parallel()
	m := &abi.Manifest{Kinds: []abi.KindDefinition{*database(t), *database(t)}}
	m.Kinds[1].Version = "v1"
	if _, err := kind.ParseAll(m); !errors.Is(err, kind.ErrInvalid) || !strings.Contains(err.Error(), "kinds.1 (Database.data.acme.example): is a duplicate") {
		t.Errorf("error %v", err)
	}
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	// kubernetes.io, "Version priority", reversed.
	order := []string{"v1alpha1", "v1alpha2", "v2alpha1", "v11alpha2", "v3beta1", "v10beta3", "v1", "v2", "v10"}
	for i, a := range order {
		for j, b := range order {
			if got := kind.CompareVersions(a, b); got != (map[bool]int{true: 1, false: -1}[i > j]) && i != j || i == j && got != 0 {
				t.Errorf("%s, %s: %d", a, b, got)
			}
		}
	}
}

func TestFieldPaths(t *testing.T) {
	t.Parallel()
	k := parse(t, database(t))
	for path, want := range map[string]string{
		"":                    "object: apiVersion kind metadata spec",
		"metadata":            "object: metadata.annotations metadata.labels metadata.name metadata.namespace",
		"spec.users":          "map of object: spec.users.*.admin spec.users.*.grants",
		"spec.users.grants":   "list of string:",
		"spec.users.*.grants": "list of string:",
		"spec.users.anna":     "object: spec.users.*.admin spec.users.*.grants",
		"spec.hosts.0":        "string:",
		"spec.port":           "integer or string:",
	} {
		f, err := k.Field(path)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		got := f.Type + ":"
		for _, below := range f.Fields {
			got += " " + below.Path
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if _, err := k.Field("spec.engin"); err == nil || !strings.Contains(err.Error(), `there is no field "engin" in Database.spec; there is backup, engine`) {
		t.Errorf("error %v", err)
	}
}
