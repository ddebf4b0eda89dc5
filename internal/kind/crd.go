package kind

import (
	"encoding/json"
	"slices"
	"strings"
)

// object is a JSON object under construction; encoding/json sorts its keys.
type object map[string]any

// CRD returns the CustomResourceDefinition (apiextensions.k8s.io/v1) of the kind as JSON: one
// version, served and stored, with columns and the status as a subresource.
func (k *Kind) CRD() ([]byte, error) {
	spec := k.Spec.structural()
	if len(k.Rules) > 0 {
		all := make([]any, len(k.Rules))
		for i, r := range k.Rules {
			all[i] = r.Condition.structural()
		}
		spec["allOf"] = all
	}
	properties := object{
		"apiVersion": object{"type": TypeString, "description": "The group and version of the kind: " + k.APIVersion() + "."},
		"kind":       object{"type": TypeString, "description": "The kind: " + k.Kind + "."},
		"metadata":   object{"type": TypeObject},
		"spec":       spec,
		"status":     object{"type": TypeObject, "x-kubernetes-preserve-unknown-fields": true, "description": "What has become of the document."},
	}
	top := object{"type": TypeObject, "properties": properties, "required": []string{"spec"}}
	if k.Description != "" {
		top["description"] = k.Description
	}
	version := object{
		"name": k.Version, "served": true, "storage": true,
		"schema":       object{"openAPIV3Schema": top},
		"subresources": object{"status": object{}},
	}
	if columns := k.columns(); len(columns) > 0 {
		version["additionalPrinterColumns"] = columns
	}
	singular := strings.ToLower(k.Kind)
	return json.MarshalIndent(object{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   object{"name": k.Plural + "." + k.Group},
		"spec": object{
			"group": k.Group, "scope": k.Scope, "versions": []any{version},
			"names": object{"kind": k.Kind, "listKind": k.Kind + "List", "plural": k.Plural, "singular": singular},
		},
	}, "", "  ")
}

// columns returns the columns of a list. The age is the last one, as in lists of Kubernetes' own
// kinds; a definition with columns would lose it otherwise.
func (k *Kind) columns() []any {
	if len(k.Columns) == 0 {
		return nil
	}
	columns := make([]any, 0, len(k.Columns)+1)
	for _, c := range k.Columns {
		s := k.at(c.Path)
		kind := s.Type
		if kind == TypeAny {
			kind = TypeString
		}
		columns = append(columns, object{"name": c.Name, "type": kind, "jsonPath": "." + c.Path})
	}
	return append(columns, object{"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"})
}

// structural returns the schema in the words of apiextensions.k8s.io/v1.
func (s *Schema) structural() object {
	o := object{}
	set := func(given bool, key string, value any) {
		if given {
			o[key] = value
		}
	}
	set(s.Description != "", "description", s.Description)
	set(s.Type != TypeAny, "type", s.Type)
	set(s.Properties != nil, "properties", structuralMap(s.Properties))
	set(len(s.Required) > 0, "required", s.Required)
	set(s.Free, "x-kubernetes-preserve-unknown-fields", true)
	set(s.IntOrString, "x-kubernetes-int-or-string", true)
	set(len(s.Enum) > 0, "enum", s.Enum)
	set(s.Default != nil, "default", s.Default)
	set(s.Pattern != "", "pattern", s.Pattern)
	set(s.Minimum != nil, "minimum", s.Minimum)
	set(s.Maximum != nil, "maximum", s.Maximum)
	set(s.MinLength != nil, "minLength", s.MinLength)
	set(s.MaxLength != nil, "maxLength", s.MaxLength)
	set(s.MinItems != nil, "minItems", s.MinItems)
	set(s.MaxItems != nil, "maxItems", s.MaxItems)
	set(s.MinProperties != nil, "minProperties", s.MinProperties)
	set(s.MaxProperties != nil, "maxProperties", s.MaxProperties)
	if s.Values != nil {
		o["additionalProperties"] = s.Values.structural()
	}
	if s.Items != nil {
		o["items"] = s.Items.structural()
	}
	if s.Const != nil {
		o["enum"] = []bool{*s.Const}
	}
	set(s.AnyOf != nil, "anyOf", structuralList(s.AnyOf))
	set(s.AllOf != nil, "allOf", structuralList(s.AllOf))
	if s.Not != nil {
		o["not"] = s.Not.structural()
	}
	return o
}

func structuralMap(m map[string]*Schema) object {
	o := make(object, len(m))
	for name, s := range m {
		o[name] = s.structural()
	}
	return o
}

func structuralList(list []*Schema) []any {
	all := make([]any, len(list))
	for i, s := range list {
		all[i] = s.structural()
	}
	return all
}

// Compare orders kinds by group and kind.
func Compare(a, b *Kind) int {
	return slices.Compare([]string{a.Group, a.Kind}, []string{b.Group, b.Kind})
}
