package quota

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// Quota is one LatticeQuota.
type Quota struct {
	// Name is metadata.name, Position where its document begins.
	Name     string
	Position problem.Position
	// Principal is whom it limits.
	Principal Principal
	// Limits are for all workloads of the principal together, MaxPerWorkload for each one.
	Limits         Amounts
	MaxPerWorkload Amounts
	// Enabled is false for a quota that is not to be applied.
	Enabled bool
}

// String returns the kind and the name.
func (q *Quota) String() string { return "LatticeQuota/" + q.Name }

// TypeGroup is the type of a principal that is a group of namespaces.
const TypeGroup = "Group"

// Principal is whom a quota limits.
type Principal struct {
	// Type is Service, Group or User.
	Type string
	// ID is namespace/name, the value of [GroupLabel], or that of [OwnerAnnotation].
	ID string
}

// String returns the entity as Cedar writes it.
func (p Principal) String() string { return "Lattice::" + p.Type + "::" + strconv.Quote(p.ID) }

// maxPrincipalRunes is the longest id of a principal.
const maxPrincipalRunes = 253

const principalRule = `must be Lattice::Service::"namespace/name", Lattice::Group::"group" or Lattice::User::"user"`

func parsePrincipal(s string) (Principal, bool) {
	for _, kind := range []string{"Service", TypeGroup, "User"} {
		rest, ok := strings.CutPrefix(s, "Lattice::"+kind+`::"`)
		id, closed := strings.CutSuffix(rest, `"`)
		if !ok || !closed || !validPrincipalID(id) {
			continue
		}
		namespace, name, ok := strings.Cut(id, "/")
		if kind == "Service" && (!ok || namespace == "" || name == "" || strings.Contains(name, "/")) {
			continue
		}
		return Principal{kind, id}, true
	}
	return Principal{}, false
}

// validPrincipalID reports whether an id needs no escapes and hides nothing.
func validPrincipalID(id string) bool {
	return id != "" && utf8.ValidString(id) && utf8.RuneCountInString(id) <= maxPrincipalRunes &&
		!strings.ContainsFunc(id, func(r rune) bool { return r == '"' || r == '\\' || unicode.Is(unicode.C, r) })
}

// document is a LatticeQuota as it is written. What a cluster adds to it is read and ignored.
type document struct {
	APIVersion string        `json:"apiVersion"`
	Kind       string        `json:"kind"`
	Metadata   *yamldoc.Node `json:"metadata"`
	Spec       spec          `json:"spec"`
	Status     *yamldoc.Node `json:"status"`
}

// spec keeps amounts as they are written: YAML may take one for a number.
type spec struct {
	Principal      string                   `json:"principal"`
	Limits         map[string]*yamldoc.Node `json:"limits"`
	MaxPerWorkload map[string]*yamldoc.Node `json:"maxPerWorkload"`
	Enabled        *bool                    `json:"enabled"`
}

// Parse reads the quotas of one file of YAML or JSON documents, strictly. Every problem is
// reported; the error satisfies errors.Is with problem.Invalid.
func Parse(file string, data []byte) ([]Quota, error) {
	opened, documents := yamldoc.Open(file, data, MaxFileBytes)
	r := reader{opened}
	var quotas []Quota
	for _, n := range documents {
		var d document
		before := len(r.Problems)
		r.Decode(n, &d)
		if len(r.Problems) > before {
			continue
		}
		q := r.quota(n, &d)
		if i := slices.IndexFunc(quotas, func(o Quota) bool { return o.Name == q.Name }); i >= 0 {
			r.failAt(q.Position, q.String(), "metadata.name", "is the name of the quota at %s too", quotas[i].Position)
		}
		quotas = append(quotas, q)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return quotas, nil
}

type reader struct{ *yamldoc.Reader }

func (r reader) failAt(at problem.Position, object, field, format string, args ...any) {
	r.Problems = append(r.Problems, problem.Problem{Position: at, Object: object, Field: field, Message: fmt.Sprintf(format, args...)})
}

// quota checks one document.
func (r reader) quota(n *yamldoc.Node, d *document) Quota {
	q := Quota{
		Position: n.In(r.File),
		Enabled:  d.Spec.Enabled == nil || *d.Spec.Enabled,
	}
	if d.Metadata != nil {
		q.Name = d.Metadata.TextOf("name")
	}
	if d.APIVersion != "lattice.dev/v1alpha1" || d.Kind != "LatticeQuota" {
		r.failAt(q.Position, "", "kind", "is %q of %q, and must be LatticeQuota of lattice.dev/v1alpha1", d.Kind, d.APIVersion)
		return q
	}
	if q.Name == "" {
		r.failAt(q.Position, "LatticeQuota", "metadata.name", "is missing")
	}
	var ok bool
	if q.Principal, ok = parsePrincipal(d.Spec.Principal); !ok {
		r.failAt(q.Position, q.String(), "spec.principal", "is %q, and %s", d.Spec.Principal, principalRule)
	}
	q.Limits = r.amounts(q.String(), "spec.limits", d.Spec.Limits)
	q.MaxPerWorkload = r.amounts(q.String(), "spec.maxPerWorkload", d.Spec.MaxPerWorkload)
	if len(d.Spec.Limits)+len(d.Spec.MaxPerWorkload) == 0 {
		r.failAt(q.Position, q.String(), "spec", "limits nothing; give limits or maxPerWorkload")
	}
	return q
}

func (r reader) amounts(object, field string, written map[string]*yamldoc.Node) Amounts {
	a := Amounts{}
	for _, key := range slices.Sorted(maps.Keys(written)) {
		w := written[key]
		if !slices.Contains(keys(), key) {
			r.failAt(w.In(r.File), object, field+"."+key, "unknown key; the keys of a quota are cpu, gpu and memory")
			continue
		}
		if a[key] = parseAmount(key, amountText(w)); a[key] == nil {
			r.failAt(w.In(r.File), object, field+"."+key, "is %q, and must be %s", amountText(w), amountRule(key))
		}
	}
	return a
}

// amountText is an amount as it is written.
func amountText(n *yamldoc.Node) string {
	switch n.Kind {
	case yamldoc.Text, yamldoc.Int, yamldoc.Float:
		return n.Text
	}
	return ""
}

func amountRule(key string) string {
	switch key {
	case CPU:
		return "cores such as 2 or 500m"
	case Memory:
		return "bytes such as 512Mi"
	}
	return "a number such as 4"
}
