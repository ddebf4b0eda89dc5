// Package schemas judges Kubernetes objects without a cluster, as closely to an API server as that
// is possible: core types through the decoder and the rules of the real API, custom resources
// through the published CRDs.
//
// It exists because plugins write their objects from small structs of their own. Nothing else would
// notice a field that is misspelt, a port that is a number where a string belongs, or a selector
// that matches nothing, until a cluster refuses the object.
//
// What it cannot see: rules that need other objects (quota, an existing claim), admission webhooks,
// and rules for core types that are not worth repeating offline. So an object that passes here can
// still be refused.
//
// An object that fails here would be refused by a server, with a few exceptions on purpose, each
// explained where it is checked: list entries with the same key, which only server-side apply
// refuses; names that only the newest servers accept; references to names that no object can have;
// pods that could never be made from their template; a namespace on an object that has none.
package schemas

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Validator holds the schemas that objects are judged by. It does not change after [New] and may be
// used from several goroutines at once.
type Validator struct {
	custom map[schema.GroupVersionKind]*customKind
	served map[schema.GroupKind][]string
}

// New makes a validator for the core types and for the CRDs in folders, usually one that the
// package crds fills. Every file there that ends in .yaml must contain CRDs and nothing else.
//
// # Notes
//
// Reading is done here, compiling a schema and its CEL rules when the first object of that kind and
// version arrives: a test that looks at two kinds does not wait for the rules of all the others.
func New(crdDirs ...string) (*Validator, error) {
	v := &Validator{custom: map[schema.GroupVersionKind]*customKind{}, served: map[schema.GroupKind][]string{}}
	for _, dir := range crdDirs {
		if err := v.load(dir); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// Validate returns everything that is wrong with an object, sorted by message and without
// repetitions, or nothing. The object is not changed.
//
// # Errors
//
// Errors that belong to one field are of type [field.Error].
func (v *Validator) Validate(object map[string]any) []error {
	// The way through JSON is what the object will go through on the wire, makes integers of
	// integers, and gives defaulting and pruning a copy that they may write to.
	raw, err := json.Marshal(object)
	if err != nil {
		return []error{fmt.Errorf("not JSON: %w", err)}
	}
	var instance map[string]any
	if err := utiljson.Unmarshal(raw, &instance); err != nil {
		return []error{fmt.Errorf("not JSON: %w", err)}
	}
	gvk, errs := kindOf(instance)
	if len(errs) > 0 {
		return tidy(errs)
	}
	custom := v.custom[gvk]
	switch {
	case custom != nil:
		errs = custom.validate(instance)
	case coreKnows(gvk):
		errs = validateCore(gvk, instance)
	default:
		errs = []error{v.noSchema(gvk)}
	}
	return tidy(errs)
}

// noSchema names the versions that would have been understood, because a wrong version is the usual
// reason.
func (v *Validator) noSchema(gvk schema.GroupVersionKind) error {
	apiVersion, kind := gvk.ToAPIVersionAndKind()
	if served := v.served[gvk.GroupKind()]; len(served) > 0 {
		return fmt.Errorf("no schema for %s %s (served: %s)", apiVersion, kind, strings.Join(served, ", "))
	}
	return fmt.Errorf("no schema for %s %s", apiVersion, kind)
}

func kindOf(instance map[string]any) (schema.GroupVersionKind, []error) {
	var errs []error
	text := func(name string) string {
		path := field.NewPath(name)
		value, present := instance[name]
		s, isText := value.(string)
		switch {
		case present && !isText:
			errs = append(errs, field.TypeInvalid(path, value, "must be a string"))
		case s == "":
			errs = append(errs, field.Required(path, ""))
		}
		return s
	}
	apiVersion, kind := text("apiVersion"), text("kind")
	if len(errs) > 0 {
		return schema.GroupVersionKind{}, errs
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupVersionKind{}, []error{field.Invalid(field.NewPath("apiVersion"), apiVersion, err.Error())}
	}
	return gv.WithKind(kind), nil
}

// tidy sorts, because several of the checks below walk maps.
func tidy(errs []error) []error {
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return slices.CompactFunc(errs, func(a, b error) bool { return a.Error() == b.Error() })
}

// noField is how a missing path is printed, by errors about an object as a whole.
var noField = (*field.Path)(nil).String()

// plain turns field errors into errors; a nil list stays nil, so that "no errors" compares equal to
// nil.
func plain(list field.ErrorList) []error {
	var errs []error
	for _, err := range list {
		if err.Field == noField {
			err.Field = "(root)"
		}
		errs = append(errs, err)
	}
	return errs
}
