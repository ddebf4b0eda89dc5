//go:build !lattice_norego

package rego

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

// Limits on an input. They lie above what a bundle can be.
const (
	maxInputBytes  = abi.MaxRequestBytes
	maxInputValues = 500_000
	maxInputDepth  = abi.MaxDepth + 8
	// maxNumber is the longest number: more digits than the product of two 64-bit numbers has.
	maxNumber = 64
)

// hidden means the value of a Secret.
const hidden = "(hidden)"

// convert returns what rules see of an input.
func (p *pack) convert(in *gate.Input) (ast.Value, error) {
	document := in.Document
	if document == nil {
		var err error
		if document, err = questions(in); err != nil {
			return nil, err
		}
	}
	m := measure{}
	document, _ = m.value(document, 1)
	if err := m.err(); err != nil {
		return nil, err
	}
	if err := conform(p.input, document); err != nil {
		return nil, err
	}
	if point := document.(map[string]any)["gate"]; point != string(in.Point) {
		return nil, fmt.Errorf("input.gate: is %q at the gate %q", point, in.Point)
	}
	return ast.InterfaceToValue(document)
}

// questions returns the input of a gate where there is only something to ask.
func questions(in *gate.Input) (any, error) {
	requests := in.Requests
	if requests == nil {
		requests = []gate.Request{}
	}
	text, err := json.Marshal(map[string]any{"gate": in.Point, "subject": in.Subject, "requests": requests})
	if err != nil {
		return nil, err
	}
	var v any
	return v, unmarshal(text, &v)
}

// measure walks an input once, adds up its size, and hides the values of Secrets. It looks at
// everything before it complains, so that the order of a map decides nothing.
type measure struct {
	values, bytes, depth int
	strange              string
}

func (m *measure) err() error {
	switch {
	case m.depth > maxInputDepth:
		return fmt.Errorf("the input nests deeper than %d", maxInputDepth)
	case m.values > maxInputValues:
		return fmt.Errorf("the input has %d values, the limit is %d", m.values, maxInputValues)
	case m.bytes > maxInputBytes:
		return fmt.Errorf("the input has %d bytes of text, the limit is %d", m.bytes, maxInputBytes)
	case m.strange != "":
		return fmt.Errorf("the input has a value that is not JSON: %s", m.strange)
	}
	return nil
}

// value returns v, or a copy of it in which values of Secrets are hidden, and whether it is one.
func (m *measure) value(v any, depth int) (any, bool) {
	m.values++
	m.depth = max(m.depth, depth)
	if depth > maxInputDepth {
		return v, false
	}
	switch v := v.(type) {
	case map[string]any:
		return m.object(v, depth)
	case []any:
		return m.list(v, depth)
	case string:
		m.bytes += len(v)
	case json.Number:
		m.number(v)
	case nil, bool, int, int64:
	default:
		m.note(fmt.Sprintf("a %T", v))
	}
	return v, false
}

func (m *measure) object(v map[string]any, depth int) (any, bool) {
	v, changed := hide(v)
	result := v
	for key, member := range v {
		m.bytes += len(key)
		after, other := m.value(member, depth+1)
		if !other {
			continue
		}
		if !changed {
			result, changed = maps.Clone(v), true
		}
		result[key] = after
	}
	return result, changed
}

func (m *measure) list(v []any, depth int) (any, bool) {
	result, changed := v, false
	for i, item := range v {
		after, other := m.value(item, depth+1)
		if !other {
			continue
		}
		if !changed {
			result, changed = slices.Clone(v), true
		}
		result[i] = after
	}
	return result, changed
}

// hide returns a Secret with its keys only, and whether v is a Secret.
func hide(v map[string]any) (map[string]any, bool) {
	apiVersion, _ := v["apiVersion"].(string)
	kind, _ := v["kind"].(string)
	if ref := (abi.Ref{APIVersion: apiVersion, Kind: kind}); !outputkind.Of(ref.GroupKind()).Secret {
		return v, false
	}
	v = maps.Clone(v)
	for _, field := range [...]string{"data", "stringData"} {
		switch values := v[field].(type) {
		case nil:
		case map[string]any:
			keys := make(map[string]any, len(values))
			for key := range values {
				keys[key] = hidden
			}
			v[field] = keys
		default:
			v[field] = hidden
		}
	}
	return v, true
}

// number refuses what only arithmetic with numbers of any size can hold: 1e999999999 has as many
// digits when it is an integer.
func (m *measure) number(n json.Number) {
	m.bytes += len(n)
	if _, err := strconv.ParseFloat(string(n), 64); err != nil || len(n) > maxNumber {
		m.note("a number of more than 64 bits")
	}
}

func (m *measure) note(s string) {
	if m.strange == "" || s < m.strange {
		m.strange = s
	}
}
