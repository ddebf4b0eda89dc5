//go:build !lattice_norego

package rego

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/latticenet/lattice-host/abi/schema"
	"github.com/latticenet/lattice-host/host/gate"
)

// inputJSON is the schema of the inputs, with one definition for each shape that they have.
//
//go:embed input.schema.json
var inputJSON []byte

// definition names what the schema calls the input of a point, and is empty for what is not a
// point.
func definition(p gate.Point) string {
	switch p {
	case gate.Install, gate.Capability:
		return "ask"
	case gate.Admit:
		return "admit"
	case gate.Outputs, gate.Execute:
		return "derived"
	}
	return ""
}

// schemas are what rules are compiled, and inputs checked, against.
type schemas struct {
	input map[string]any
	// named are the schemas that an annotation may name: schema.latticeService, for instance.
	named map[string]any
}

func newSchemas() (*schemas, error) {
	s := &schemas{named: map[string]any{}}
	if err := unmarshal(inputJSON, &s.input); err != nil {
		return nil, fmt.Errorf("input.schema.json: %w", err)
	}
	const suffix = ".schema.json"
	names, err := fs.Glob(schema.Files(), "*"+suffix)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := fs.ReadFile(schema.Files(), name)
		if err != nil {
			return nil, err
		}
		var v map[string]any
		if err := unmarshal(data, &v); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.named[strings.TrimSuffix(name, suffix)] = forOPA(v)
	}
	return s, nil
}

// forOPA takes out what OPA, which knows older drafts only, would try to fetch.
func forOPA(v map[string]any) map[string]any {
	v = maps.Clone(v)
	delete(v, "$schema")
	delete(v, "$id")
	return v
}

// of returns the schemas for the rules of a point; without a point the input may be anything.
func (s *schemas) of(p gate.Point) *ast.SchemaSet {
	set := ast.NewSchemaSet()
	for name, v := range s.named {
		set.Put(ast.SchemaRootRef.Append(ast.StringTerm(name)), v)
	}
	named := ast.SchemaRootRef.Append(ast.StringTerm("input"))
	if p == "" {
		set.Put(named, map[string]any{})
		return set
	}
	defs := s.input["$defs"].(map[string]any)
	input := maps.Clone(defs[definition(p)].(map[string]any))
	input["$defs"] = defs
	set.Put(ast.SchemaRootRef, input)
	set.Put(named, input)
	return set
}

// validator returns what checks the inputs of a point: rules are compiled for inputs of this form,
// and an input of another one would make them silently not fire.
func (s *schemas) validator(p gate.Point) (*jsonschema.Schema, error) {
	const name = "input.schema.json"
	c := jsonschema.NewCompiler()
	if err := c.AddResource(name, s.input); err != nil {
		return nil, err
	}
	return c.Compile(name + "#/$defs/" + definition(p))
}

// conform returns the first thing that keeps an input from being one, in the order of fields.
func conform(s *jsonschema.Schema, input any) error {
	var invalid *jsonschema.ValidationError
	err := s.Validate(input)
	if !errors.As(err, &invalid) {
		return err
	}
	return errors.New(slices.Min(leaves(invalid, message.NewPrinter(language.English))))
}

// leaves returns the innermost causes; the outer ones only say that there are some.
func leaves(e *jsonschema.ValidationError, p *message.Printer) []string {
	field := strings.Join(append([]string{"input"}, e.InstanceLocation...), ".")
	if k, ok := e.ErrorKind.(*kind.Required); ok {
		return []string{field + "." + slices.Min(k.Missing) + ": is missing"}
	}
	if len(e.Causes) == 0 {
		return []string{field + ": " + oneLine(e.ErrorKind.LocalizedString(p))}
	}
	var all []string
	for _, cause := range e.Causes {
		all = append(all, leaves(cause, p)...)
	}
	return all
}

func unmarshal(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return d.Decode(v)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
