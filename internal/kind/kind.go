package kind

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

// MaxSchemaBytes is the largest schema of one kind: it fits into a manifest with room for the rest.
const MaxSchemaBytes = 48 << 10

// MaxKinds is how many kinds one plugin brings.
const MaxKinds = 16

// maxRules, maxFeatures and maxColumns are how many of each a kind has.
const (
	maxRules    = 64
	maxFeatures = 64
	maxColumns  = 16
)

// The scopes of a kind.
const (
	ScopeNamespaced = "Namespaced"
	ScopeCluster    = "Cluster"
)

// Group is the API group of the host's own kinds. No plugin brings a kind of this group.
const Group = "lattice.dev"

// Kind is the definition of one kind of document. It does not change.
type Kind struct {
	abi.GroupKind
	// Version is the version of the kind, such as v1alpha1.
	Version string
	// Plural is the plural in lower case.
	Plural string
	// Scope is one of the Scope constants.
	Scope string
	// Plugin is publisher/name@version of the plugin that brings the kind; empty for the host's
	// own.
	Plugin string
	// Description says what documents of the kind are for.
	Description string
	// Spec is the schema of the spec, as a user writes it.
	Spec *Schema
	// Features are what a document can use, sorted by name.
	Features []Feature
	// Rules are conditions across fields.
	Rules []Rule
	// Columns are what lists of documents show.
	Columns []Column
	// Workload says that its documents have containers, which quotas count, and
	// resources.
	Workload bool
	// Mesh says that the spec is that of a participant of the mesh: whom it selects, who may call
	// it, and where it goes.
	Mesh bool
}

// Feature is something that a document can use, which a step of its pipeline must cover.
type Feature struct {
	Name string
	// Paths are the fields that use it, an asterisk for every key or item; without any, every
	// document uses it.
	Paths []string
}

// Rule is a condition across fields.
type Rule struct {
	// Field is where a document that breaks it is at fault.
	Field string
	// Message says what is wrong and what to do.
	Message string
	// Condition is what the spec must meet.
	Condition *Schema
}

// Column is a column in lists of documents.
type Column struct{ Name, Path string }

// APIVersion returns group/version.
func (k *Kind) APIVersion() string { return k.Group + "/" + k.Version }

// IsCluster reports whether documents of the kind live outside of namespaces.
func (k *Kind) IsCluster() bool { return k.Scope == ScopeCluster }

var (
	versionPattern = regexp.MustCompile(`^v([1-9][0-9]{0,5})(?:(alpha|beta)([1-9][0-9]{0,5}))?$`)
	groupPattern   = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+$`)
	pluralPattern  = regexp.MustCompile(`^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$`)
	kindPattern    = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)
	columnPattern  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 -]{0,31}$`)
)

// ParseAll reads the kinds that a manifest brings. The error wraps [ErrInvalid] and has one line
// for each thing that is wrong.
func ParseAll(m *abi.Manifest) ([]*Kind, error) {
	if len(m.Kinds) > MaxKinds {
		return nil, joined([]error{fmt.Errorf("kinds: there are %d, a plugin brings at most %d", len(m.Kinds), MaxKinds)})
	}
	var kinds []*Kind
	var problems []error
	for i := range m.Kinds {
		k, err := Parse(&m.Kinds[i])
		if err == nil && slices.ContainsFunc(kinds, func(o *Kind) bool { return o.GroupKind == k.GroupKind }) {
			err = errors.New("is a duplicate; a plugin brings one version of a kind")
		}
		if err != nil {
			at := "kinds." + strconv.Itoa(i) + " (" + m.Kinds[i].GroupKind().String() + "): "
			for line := range strings.SplitSeq(err.Error(), "\n") {
				problems = append(problems, errors.New(at+line))
			}
			continue
		}
		k.Plugin = m.Reference()
		kinds = append(kinds, k)
	}
	return kinds, joined(problems)
}

// Parse reads a definition. The error wraps [ErrInvalid] and joins everything that is wrong.
func Parse(d *abi.KindDefinition) (*Kind, error) {
	k := &Kind{GroupKind: d.GroupKind(), Version: d.Version, Plural: d.Plural, Scope: d.Scope, Description: d.Description}
	if k.Scope == "" {
		k.Scope = ScopeNamespaced
	}
	problems := k.checkNames()
	schema, err := cbor.ToJSON(nil, d.Schema)
	switch {
	case err != nil:
		problems = append(problems, errors.New("schema: is not a value"))
	case len(schema) > MaxSchemaBytes:
		problems = append(problems, fmt.Errorf("schema: has %d bytes, the limit is %d; shorten it", len(schema), MaxSchemaBytes))
	default:
		if k.Spec, err = ParseSchema(schema); err != nil {
			problems = append(problems, err)
		}
	}
	if k.Spec == nil {
		return nil, joined(problems)
	}
	problems = append(problems, k.readFeatures(d)...)
	problems = append(problems, k.readRules(d)...)
	problems = append(problems, k.readColumns(d)...)
	return k, joined(problems)
}

func (k *Kind) checkNames() []error {
	var problems []error
	require := func(ok bool, text string) {
		if !ok {
			problems = append(problems, errors.New(text))
		}
	}
	require(kindPattern.MatchString(k.Kind), "kind: must be a name in CamelCase, at most 63 letters and digits")
	require(groupPattern.MatchString(k.Group) && len(k.Group) <= 190, "group: must be a DNS name of the publisher's with a dot in it, such as acme.example")
	require(!reserved(k.Group), "group: "+strconv.Quote(k.Group)+" belongs to the host, to Kubernetes or to software that is known; "+
		"a plugin brings kinds of a group of its publisher's")
	require(versionPattern.MatchString(k.Version), "version: must be v1, v1beta1, v1alpha1 or the like")
	require(pluralPattern.MatchString(k.Plural), "plural: must be at most 63 lower-case letters, digits and hyphens")
	require(k.Scope == ScopeNamespaced || k.Scope == ScopeCluster, "scope: must be Namespaced or Cluster")
	require(len(k.Description) <= 1024, "description: must be at most 1024 bytes")
	return problems
}

// reserved reports whether a group cannot be a plugin's: gates and pipelines know what its kinds
// mean.
func reserved(group string) bool {
	for _, end := range []string{Group, "k8s.io", "kubernetes.io"} {
		if group == end || strings.HasSuffix(group, "."+end) {
			return true
		}
	}
	return outputkind.KnowsGroup(group)
}

func (k *Kind) readFeatures(d *abi.KindDefinition) []error {
	var problems []error
	if len(d.Features) > maxFeatures {
		return []error{fmt.Errorf("features: there are %d, the limit is %d", len(d.Features), maxFeatures)}
	}
	for i, f := range d.Features {
		at := "features." + strconv.Itoa(i)
		if !abi.ValidName(f.Name) || slices.ContainsFunc(k.Features, func(o Feature) bool { return o.Name == f.Name }) {
			problems = append(problems, fmt.Errorf("%s.name: %q must be lower-case letters, digits and single hyphens, and there once", at, f.Name))
		}
		for j, path := range f.Paths {
			if k.at(path) == nil {
				problems = append(problems, fmt.Errorf("%s.paths.%d: %q is not a field of the kind", at, j, path))
			}
		}
		k.Features = append(k.Features, Feature{f.Name, f.Paths})
	}
	slices.SortFunc(k.Features, func(a, b Feature) int { return strings.Compare(a.Name, b.Name) })
	return problems
}

func (k *Kind) readRules(d *abi.KindDefinition) []error {
	var problems []error
	if len(d.Rules) > maxRules {
		return []error{fmt.Errorf("rules: there are %d, the limit is %d", len(d.Rules), maxRules)}
	}
	for i, r := range d.Rules {
		at := "rules." + strconv.Itoa(i)
		if r.Field != "spec" && k.at(r.Field) == nil {
			problems = append(problems, fmt.Errorf("%s.field: %q is not a field of the kind", at, r.Field))
		}
		if r.Message == "" || len(r.Message) > 500 || strings.ContainsAny(r.Message, "\n\r") {
			problems = append(problems, fmt.Errorf("%s.message: must be one line of at most 500 bytes", at))
		}
		text, err := cbor.ToJSON(nil, r.Condition)
		var condition *Schema
		if err == nil {
			condition, err = parseSchema(text, true)
		}
		if err == nil {
			err = k.Spec.covers(condition, "schema")
		}
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				problems = append(problems, errors.New(at+".condition."+strings.TrimPrefix(line, "schema.")))
			}
		}
		k.Rules = append(k.Rules, Rule{r.Field, r.Message, condition})
	}
	return problems
}

// covers checks that every field that a condition looks at is one of the schema.
func (s *Schema) covers(condition *Schema, at string) error {
	var problems []error
	for _, name := range condition.Names() {
		property := s.Properties[name]
		if property == nil {
			problems = append(problems, fmt.Errorf("%s.properties.%s: is not a field of the kind", at, name))
			continue
		}
		problems = append(problems, property.covers(condition.Properties[name], at+".properties."+name))
	}
	for _, name := range condition.Required {
		if s.Properties[name] == nil {
			problems = append(problems, fmt.Errorf("%s.required: %q is not a field of the kind", at, name))
		}
	}
	if condition.Items != nil {
		if s.Items == nil {
			problems = append(problems, fmt.Errorf("%s.items: the field is not a list", at))
		} else {
			problems = append(problems, s.Items.covers(condition.Items, at+".items"))
		}
	}
	for _, part := range slices.Concat(condition.AnyOf, condition.AllOf, []*Schema{condition.Not}) {
		if part != nil {
			problems = append(problems, s.covers(part, at))
		}
	}
	return errors.Join(problems...)
}

func (k *Kind) readColumns(d *abi.KindDefinition) []error {
	var problems []error
	if len(d.Columns) > maxColumns {
		return []error{fmt.Errorf("columns: there are %d, the limit is %d", len(d.Columns), maxColumns)}
	}
	for i, c := range d.Columns {
		at := "columns." + strconv.Itoa(i)
		if !columnPattern.MatchString(c.Name) {
			problems = append(problems, fmt.Errorf("%s.name: must be at most 32 letters, digits, spaces and hyphens", at))
		}
		if s := k.at(c.Path); s == nil || !s.isScalar() || strings.Contains(c.Path, "*") {
			problems = append(problems, fmt.Errorf("%s.path: %q is not a field of the kind with one value, outside of lists and maps", at, c.Path))
		}
		k.Columns = append(k.Columns, Column(c))
	}
	return problems
}

func (s *Schema) isScalar() bool {
	return s.IntOrString || s.Type != TypeObject && s.Type != TypeArray && s.Type != TypeAny
}

// at returns the schema of a path such as spec.users.*.name, or nil.
func (k *Kind) at(path string) *Schema {
	names := strings.Split(path, ".")
	if names[0] != "spec" {
		return nil
	}
	s := k.Spec
	for _, name := range names[1:] {
		switch {
		case name == "*" && s.IsMap():
			s = s.Values
		case name == "*" && s.Type == TypeArray:
			s = s.Items
		default:
			s = s.Properties[name]
		}
		if s == nil {
			return nil
		}
	}
	return s
}

// CheckSpec returns everything that the kind has against a spec, a valid item: its schema, and when
// it fits, the rules. Fields begin with spec.
func (k *Kind) CheckSpec(spec cbor.Raw) []Violation {
	violations := k.Spec.Check(spec)
	for i := range violations {
		violations[i].Field = strings.TrimSuffix("spec."+violations[i].Field, ".")
	}
	if len(violations) > 0 {
		return violations
	}
	for _, r := range k.Rules {
		if !r.Condition.matches(spec) {
			violations = append(violations, Violation{Field: r.Field, Message: r.Message})
		}
	}
	return violations
}

// Use is a place of a document that uses a feature.
type Use struct{ Feature, Field string }

// Uses returns what a spec uses, sorted by feature and field.
func (k *Kind) Uses(spec cbor.Raw) []Use {
	var uses []Use
	for _, f := range k.Features {
		if len(f.Paths) == 0 {
			uses = append(uses, Use{f.Name, "spec"})
		}
		for _, path := range f.Paths {
			names := strings.Split(path, ".")
			for _, field := range found(spec, names[1:], names[0]) {
				uses = append(uses, Use{f.Name, field})
			}
		}
	}
	slices.SortFunc(uses, func(a, b Use) int {
		if c := strings.Compare(a.Feature, b.Feature); c != 0 {
			return c
		}
		return strings.Compare(a.Field, b.Field)
	})
	return slices.Compact(uses)
}

// found returns the places of a path in a value that is there.
func found(value cbor.Raw, names []string, at string) []string {
	if value == nil || value[0] == simpleNull {
		return nil
	}
	if len(names) == 0 {
		return []string{at}
	}
	if names[0] != "*" {
		return found(cbor.Lookup(value, names[0]), names[1:], at+"."+names[0])
	}
	var all []string
	d := cbor.NewDecoder(value)
	switch major(value) {
	case majorArray:
		for i := range d.Array() {
			all = append(all, found(d.Raw(), names[1:], at+"."+strconv.Itoa(i))...)
		}
	case majorMap:
		key := ""
		for i := range d.Object() {
			key = d.Key(i, key)
			all = append(all, found(d.Raw(), names[1:], at+"."+key)...)
		}
	}
	return all
}

// AppendDefaults appends a value with the defaults of the schema filled in. The value must meet the
// schema.
func (s *Schema) AppendDefaults(dst []byte, value cbor.Raw) []byte {
	d := cbor.NewDecoder(value)
	switch {
	case s.Type == TypeArray && major(value) == majorArray:
		n := d.Array()
		dst = cbor.AppendArrayHeader(dst, n)
		for range n {
			dst = s.Items.AppendDefaults(dst, d.Raw())
		}
		return dst
	case s.Type == TypeObject && major(value) == majorMap:
		return s.appendObject(dst, d)
	}
	return append(dst, value...)
}

func (s *Schema) appendObject(dst []byte, d *cbor.Decoder) []byte {
	type entry struct {
		key   string
		value cbor.Raw
	}
	var entries []entry
	key := ""
	for i := range d.Object() {
		key = d.Key(i, key)
		item := d.Raw()
		if of := s.of(key); of != nil {
			item = of.AppendDefaults(nil, item)
		}
		entries = append(entries, entry{key, item})
	}
	for name, property := range s.Properties {
		if property.Default == nil || slices.ContainsFunc(entries, func(e entry) bool { return e.key == name }) {
			continue
		}
		// The default was read when the schema was.
		if item, err := cbor.FromJSON(nil, property.Default, maxSchemaDepth); err == nil {
			entries = append(entries, entry{name, property.AppendDefaults(nil, item)})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return cbor.KeyOrder(a.key, b.key) })
	dst = cbor.AppendObjectHeader(dst, len(entries))
	for _, e := range entries {
		dst = append(cbor.AppendString(dst, e.key), e.value...)
	}
	return dst
}

// of returns the schema of a key, or nil.
func (s *Schema) of(key string) *Schema {
	if property := s.Properties[key]; property != nil {
		return property
	}
	return s.Values
}

// Digest returns the SHA-256 of everything that a definition says, as sha256: and 64 hexadecimal
// digits. The lock has it.
func Digest(d *abi.KindDefinition) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256(d.AppendCBOR(nil)))
}

// CompareVersions orders versions of a kind as Kubernetes does: alpha, beta, then those without
// either (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Version priority"). Both
// must be well-formed.
func CompareVersions(a, b string) int {
	x, y := versionKey(a), versionKey(b)
	return slices.Compare(x[:], y[:])
}

func versionKey(version string) [3]int {
	m := versionPattern.FindStringSubmatch(version)
	if m == nil {
		return [3]int{}
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[3])
	stability := map[string]int{"alpha": 1, "beta": 2, "": 3}[m[2]]
	return [3]int{stability, major, minor}
}
