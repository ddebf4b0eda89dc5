package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// keywords is one schema under construction: what a user writes, in the subset of JSON Schema that
// is also a structural schema of Kubernetes.
type keywords map[string]any

// writeKinds writes the schema of the field spec of each root. Lines of a field's comment say more
// than its Go type does:
//
//	//kind:enum TCP UDP            the only values
//	//kind:default "TCP"           what the host fills in, as JSON
//	//kind:maximum 65535           any keyword with a number
//	//kind:values.maxLength 253    a keyword of what a map holds; items. of what a list holds
//
// A field with //kind:partial is to be completed by another: nothing in it is required.
// A struct with //kind:free takes any keys, and values of any type: what is right depends on
// another field. Fields that only plugins see, such as custom of those, are left out.
func writeKinds(pkg *goPackage, dir string, roots []string) error {
	for _, root := range roots {
		w := &kindWriter{pkg: pkg, defs: map[string]keywords{}}
		spec, err := w.spec(root)
		if err != nil {
			return fmt.Errorf("%s: %w", root, err)
		}
		spec["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		spec["$defs"] = w.defs
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(spec); err != nil {
			return err
		}
		if err := writeIfChanged(filepath.Join(dir, strings.ToLower(root)+".json"), out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// markPartial marks a field that another field completes.
const markPartial = "partial"

type kindWriter struct {
	pkg  *goPackage
	defs map[string]keywords
	// partial says that what is written is below a field with //kind:partial.
	partial bool
}

func (w *kindWriter) find(name string) (*structType, error) {
	i := slices.IndexFunc(w.pkg.structs, func(st *structType) bool { return st.name == name })
	if i < 0 {
		return nil, fmt.Errorf("no struct %s in package %s", name, w.pkg.name)
	}
	return w.pkg.structs[i], nil
}

func (w *kindWriter) spec(root string) (keywords, error) {
	st, err := w.find(root)
	if err != nil {
		return nil, err
	}
	for _, f := range st.fields {
		if f.key != "spec" {
			continue
		}
		t, err := w.pkg.resolve(f.expr)
		if err != nil {
			return nil, err
		}
		return w.object(t.goType)
	}
	return nil, fmt.Errorf("no field spec")
}

func (w *kindWriter) object(name string) (keywords, error) {
	st, err := w.find(name)
	if err != nil {
		return nil, err
	}
	free := slices.Contains(st.marks, "free")
	properties := map[string]keywords{}
	k := keywords{"type": "object", "properties": properties}
	if free {
		k["x-kubernetes-preserve-unknown-fields"] = true
	}
	describe(k, st.doc)
	var required []string
	for _, f := range st.fields {
		t, err := w.pkg.resolve(f.expr)
		if err != nil {
			return nil, err
		}
		if free {
			if t.kind != kindMap || t.elem.kind != kindRaw {
				properties[f.key] = keywords{"x-kubernetes-preserve-unknown-fields": true}
				describe(properties[f.key], f.userDoc())
			}
			continue
		}
		if properties[f.key], err = w.field(t, &f); err != nil {
			return nil, fmt.Errorf("%s.%s: %w", name, f.key, err)
		}
		if !f.omitEmpty && !w.partial {
			required = append(required, f.key)
		}
	}
	if len(required) > 0 {
		k["required"] = required
	}
	return k, nil
}

func describe(k keywords, doc string) {
	if doc != "" {
		k["description"] = prose(doc)
	}
}

// userDoc returns the comment with the name that users write.
func (f *field) userDoc() string {
	name := f.access[strings.LastIndexByte(f.access, '.')+1:]
	if rest, ok := strings.CutPrefix(f.doc, name+" "); ok {
		return f.key + " " + rest
	}
	return f.doc
}

func (w *kindWriter) field(t *fieldType, f *field) (keywords, error) {
	partial := slices.Index(f.marks, markPartial)
	if partial >= 0 && !w.partial {
		w.partial = true
		defer func() { w.partial = false }()
	}
	k, err := w.value(t)
	if err != nil {
		return nil, err
	}
	describe(k, f.userDoc())
	for i, mark := range f.marks {
		if i == partial {
			continue
		}
		if err := k.set(mark); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// set adds the keyword of a mark.
func (k keywords) set(mark string) error {
	key, value, _ := strings.Cut(mark, " ")
	if rest, ok := strings.CutPrefix(key, "values."); ok {
		return k.inner("additionalProperties").set(rest + " " + value)
	}
	if rest, ok := strings.CutPrefix(key, "items."); ok {
		return k.inner("items").set(rest + " " + value)
	}
	if key == "enum" {
		k[key] = strings.Fields(value)
		return nil
	}
	if !json.Valid([]byte(value)) {
		return fmt.Errorf("//kind:%s: the value must be JSON", mark)
	}
	k[key] = json.RawMessage(value)
	if key == "x-kubernetes-int-or-string" {
		// It replaces a type.
		delete(k, "type")
	}
	return nil
}

// inner returns the schema of what a list or map holds; setting keywords of one that does not exist
// changes nothing that is written, and is refused by the reader of the schema.
func (k keywords) inner(key string) keywords {
	inner, ok := k[key].(keywords)
	if !ok {
		inner = keywords{}
		k[key] = inner
	}
	return inner
}

func (w *kindWriter) value(t *fieldType) (keywords, error) {
	switch t.kind {
	case kindString:
		return keywords{"type": "string"}, nil
	case kindBool:
		return keywords{"type": "boolean"}, nil
	case kindInt:
		return keywords{"type": "integer"}, nil
	case kindFloat:
		return keywords{"type": "number"}, nil
	case kindPointer:
		return w.value(t.elem)
	case kindSlice:
		// An item is not completed by another.
		partial := w.partial
		w.partial = false
		items, err := w.value(t.elem)
		w.partial = partial
		return keywords{"type": "array", "items": items}, err
	case kindMap:
		values, err := w.value(t.elem)
		return keywords{"type": "object", "additionalProperties": values}, err
	case kindRaw:
		return keywords{"x-kubernetes-preserve-unknown-fields": true}, nil
	case kindStruct:
		name := t.goType
		if w.partial {
			name = "Partial" + name
		}
		if w.defs[name] == nil {
			object, err := w.object(t.goType)
			if err != nil {
				return nil, err
			}
			w.defs[name] = object
		}
		return keywords{"$ref": "#/$defs/" + name}, nil
	}
	return nil, fmt.Errorf("a %s has no form that users write", t.goType)
}
