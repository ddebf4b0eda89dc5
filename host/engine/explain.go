package engine

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/internal/problem"
)

// Explanation says where an object, or a field of it, comes from.
type Explanation struct {
	Resource abi.Ref         `json:"resource"`
	Bundle   string          `json:"bundle"`
	Object   abi.Ref         `json:"object"`
	Field    string          `json:"field,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`
	// Steps are those that set it, each with its plugin and the digest of the plugin's module.
	Steps []bundle.Step `json:"steps"`
	// Policies are what policies said about it.
	Policies []gate.Reason `json:"policies,omitempty"`

	// Of is the bundle that has the object.
	Of *bundle.Bundle `json:"-"`
}

// Explain finds the one object of an outcome that is named KIND/NAME or KIND/NAMESPACE/NAME, and
// says which steps set a field of it, or anything in it when field is empty, and which policies
// were asked because of it. The field is a path such as
// spec.template.spec.containers[name=main].image.
func (o *Outcome) Explain(object, field string) (*Explanation, error) {
	found, err := findObject(o.Results, object)
	if err != nil {
		return nil, err
	}
	e := &Explanation{
		Resource: found.bundle.Resource, Bundle: found.bundle.Digest(), Object: found.output.Ref, Field: field, Of: found.bundle,
	}
	if e.Steps, err = pipeline.Owners(found.bundle, found.output.Ref, field); err != nil {
		return nil, err
	}
	if field != "" {
		if e.Value, err = fieldValue(found.output.Document, field); err != nil {
			return nil, err
		}
	}
	e.Policies, err = reasonsAbout(found, field)
	return e, err
}

// foundObject is one object of one bundle.
type foundObject struct {
	bundle *bundle.Bundle
	output *bundle.Output
	// decisions are what gates decided about the bundle.
	decisions []*gate.Decision
}

// findObject finds the one object that the user named.
func findObject(results []Derived, name string) (foundObject, error) {
	kind, rest, ok := strings.Cut(name, "/")
	if !ok || kind == "" || rest == "" {
		return foundObject{}, problem.Errorf(problem.Invalid, "%q must be KIND/NAME or KIND/NAMESPACE/NAME, such as deployment/orders", name)
	}
	var found []foundObject
	var all, same []string
	for _, r := range results {
		for i := range r.Bundle.Outputs {
			o := &r.Bundle.Outputs[i]
			all = append(all, ObjectName(o.Ref))
			if isNamed(o.Ref, kind, rest) {
				found = append(found, foundObject{r.Bundle, o, r.Decisions})
				same = append(same, ObjectName(o.Ref))
			}
		}
	}
	switch len(found) {
	case 0:
		return foundObject{}, problem.Errorf(problem.Invalid, "no object is named %s; there are: %s", name, strings.Join(all, ", "))
	case 1:
		return found[0], nil
	}
	return foundObject{}, problem.Errorf(problem.Invalid, "several objects are named %s; say which one: %s", name, strings.Join(same, ", "))
}

// ObjectName names an object as a user may: KIND.GROUP/NAMESPACE/NAME.
func ObjectName(r abi.Ref) string {
	if r.Namespace == "" {
		return r.GroupKind().String() + "/" + r.Name
	}
	return r.GroupKind().String() + "/" + r.Namespace + "/" + r.Name
}

// isNamed reports whether an object is one that the user may mean. The name of an object may itself
// hold a slash.
func isNamed(r abi.Ref, kind, rest string) bool {
	if !strings.EqualFold(kind, r.Kind) && !strings.EqualFold(kind, r.GroupKind().String()) {
		return false
	}
	return rest == r.Name || r.Namespace != "" && rest == r.Namespace+"/"+r.Name
}

// reasonsAbout returns what the decisions about a bundle say about an object, or about a field in
// it and what is below.
func reasonsAbout(found foundObject, field string) ([]gate.Reason, error) {
	if field != "" {
		var err error
		if field, err = dottedField(found.output.Document, field); err != nil {
			return nil, err
		}
	}
	var about []gate.Reason
	for _, d := range found.decisions {
		for _, r := range slices.Concat(d.Reasons, d.Warnings) {
			inside := field == "" || r.Path == field || strings.HasPrefix(r.Path, field+".")
			// Rules name objects as their authors like, most by their names.
			named := r.Object == found.output.Ref.String() || r.Engine == "rego" && r.Object == found.output.Ref.Name
			if named && inside {
				about = append(about, r)
			}
		}
	}
	return about, nil
}
