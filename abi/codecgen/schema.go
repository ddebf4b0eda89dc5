package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
)

// schema is the part of JSON Schema (draft 2020-12) that is written, in the order of its fields.
type schema struct {
	Schema               string             `json:"$schema,omitempty"`
	ID                   string             `json:"$id,omitempty"`
	Ref                  string             `json:"$ref,omitempty"`
	Description          string             `json:"description,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Minimum              *int               `json:"minimum,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"`
	Required             []string           `json:"required,omitempty"`
	Defs                 map[string]*schema `json:"$defs,omitempty"`
}

func writeSchemas(pkg *goPackage, dir string, roots []string) error {
	for _, root := range roots {
		w := schemaWriter{pkg: pkg, defs: map[string]*schema{}}
		s, err := w.object(root)
		if err != nil {
			return err
		}
		delete(w.defs, root)
		s.Schema = "https://json-schema.org/draft/2020-12/schema"
		name := lowerFirstWord(root) + ".schema.json"
		s.ID = "https://lattice.dev/schemas/" + pkg.name + "/v1/" + name
		s.Defs = w.defs
		var out bytes.Buffer
		enc := json.NewEncoder(&out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(s); err != nil {
			return err
		}
		if err := writeIfChanged(filepath.Join(dir, name), out.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

type schemaWriter struct {
	pkg  *goPackage
	defs map[string]*schema
}

func (w *schemaWriter) object(name string) (*schema, error) {
	for _, st := range w.pkg.structs {
		if st.name != name {
			continue
		}
		s := &schema{Type: "object", Description: prose(st.doc), Properties: map[string]*schema{}, AdditionalProperties: false}
		w.defs[name] = s
		for _, f := range st.fields {
			t, err := w.pkg.resolve(f.expr)
			if err != nil {
				return nil, err
			}
			p, err := w.value(t)
			if err != nil {
				return nil, err
			}
			if f.doc != "" {
				p.Description = prose(f.doc)
			}
			s.Properties[f.key] = p
			if !f.omitEmpty {
				s.Required = append(s.Required, f.key)
			}
		}
		return s, nil
	}
	return nil, fmt.Errorf("no struct %s in package %s", name, w.pkg.name)
}

func (w *schemaWriter) value(t *fieldType) (*schema, error) {
	switch t.kind {
	case kindString:
		s := &schema{Type: "string"}
		if n := w.pkg.named[t.goType]; n != nil {
			s.Enum = n.constants
		}
		return s, nil
	case kindBool:
		return &schema{Type: "boolean"}, nil
	case kindInt:
		return &schema{Type: "integer"}, nil
	case kindUint:
		return &schema{Type: "integer", Minimum: new(int)}, nil
	case kindFloat:
		return &schema{Type: "number"}, nil
	case kindRaw:
		return &schema{}, nil
	case kindPointer:
		return w.value(t.elem)
	case kindSlice:
		items, err := w.value(t.elem)
		return &schema{Type: "array", Items: items}, err
	case kindMap:
		values, err := w.value(t.elem)
		return &schema{Type: "object", AdditionalProperties: values}, err
	}
	if w.defs[t.goType] == nil {
		if _, err := w.object(t.goType); err != nil {
			return nil, err
		}
	}
	return &schema{Ref: "#/$defs/" + t.goType}, nil
}

// lowerFirstWord writes the first word of a Go name in lower case: httpGetAnswer for HTTPGetAnswer.
func lowerFirstWord(name string) string {
	end := 1
	for end+1 < len(name) && isUpper(name[end]) && isUpper(name[end+1]) {
		end++
	}
	return strings.ToLower(name[:end]) + name[end:]
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

// prose turns a doc comment into one line.
func prose(doc string) string {
	return strings.NewReplacer("[", "", "]", "").Replace(strings.Join(strings.Fields(doc), " "))
}
