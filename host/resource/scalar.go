package resource

import (
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
)

// scalar decodes into a string, a boolean, an integer or a floating-point number.
func (d *decoder) scalar(n *node, p *fieldPath, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		d.text(n, p, v)
	case reflect.Bool:
		if n.kind != boolNode {
			d.mismatch(n, p, "true or false")
			return
		}
		v.SetBool(n.text == "true")
	case reflect.Int64:
		d.integer(n, p, v)
	case reflect.Float64:
		d.number(n, p, v)
	}
}

func (d *decoder) text(n *node, p *fieldPath, v reflect.Value) {
	switch n.kind {
	case textNode:
		v.SetString(n.text)
	case boolNode, intNode, floatNode:
		d.fail(p.at, p, "want a string, got "+n.describe()+"; put it in quotes: "+strconv.Quote(n.text))
	default:
		d.mismatch(n, p, "a string")
	}
}

func (d *decoder) integer(n *node, p *fieldPath, v reflect.Value) {
	switch {
	case n.kind == textNode && isInteger(n.text):
		d.fail(p.at, p, "want an integer, got "+n.describe()+"; remove the quotes")
		return
	case n.kind != intNode:
		d.mismatch(n, p, "an integer")
		return
	}
	if !isInteger(n.text) {
		d.fail(p.at, p, oddInteger(n.text))
		return
	}
	i, err := strconv.ParseInt(n.text, 0, 64)
	if err != nil {
		d.fail(p.at, p, "the number "+problem.Quote(n.text)+" is out of range")
		return
	}
	v.SetInt(i)
}

func (d *decoder) number(n *node, p *fieldPath, v reflect.Value) {
	switch {
	case n.kind == textNode && isInteger(n.text):
		d.fail(p.at, p, "want a number, got "+n.describe()+"; remove the quotes")
		return
	case n.kind != intNode && n.kind != floatNode:
		d.mismatch(n, p, "a number")
		return
	}
	f, wrong := n.float()
	if wrong != "" {
		d.fail(p.at, p, wrong)
		return
	}
	v.SetFloat(f)
}

// float returns the value of a number, or what is wrong with it.
func (n *node) float() (f float64, wrong string) {
	if n.kind == intNode {
		if !isInteger(n.text) {
			return 0, oddInteger(n.text)
		}
		if i, err := strconv.ParseInt(n.text, 0, 64); err == nil {
			return float64(i), ""
		}
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, "the number " + problem.Quote(n.text) + " is out of range or not in plain notation"
	}
	return f, ""
}

// isInteger accepts decimal numbers without leading zeros, and hexadecimal and octal ones that begin with 0x and 0o.
func isInteger(s string) bool {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(digits, "0x"); ok {
		return rest != "" && strings.Trim(rest, "0123456789abcdefABCDEF") == ""
	}
	if rest, ok := strings.CutPrefix(digits, "0o"); ok {
		return rest != "" && strings.Trim(rest, "01234567") == ""
	}
	return strings.Trim(digits, "0123456789") == "" && (digits == "0" || digits[0] != '0')
}

// oddInteger refuses notations that one YAML version reads differently from the next.
func oddInteger(s string) string {
	return "the number " + problem.Quote(s) + " can be read in two ways; write it as a decimal number without leading zeros and underscores"
}

// raw appends a value of any type as CBOR.
func (d *decoder) raw(n *node, p *fieldPath, dst []byte) []byte {
	switch n.kind {
	case boolNode:
		return cbor.AppendBool(dst, n.text == "true")
	case intNode:
		return d.rawInteger(n, p, dst)
	case floatNode:
		f, wrong := n.float()
		if wrong != "" {
			d.fail(p.at, p, wrong)
		}
		return cbor.AppendFloat(dst, f)
	case textNode:
		return cbor.AppendString(dst, n.text)
	case listNode:
		dst = cbor.AppendArrayHeader(dst, len(n.items))
		for i, item := range n.items {
			dst = d.raw(item, p.item(i, item), dst)
		}
		return dst
	case mapNode:
		return d.rawMapping(n, p, dst)
	}
	return cbor.AppendNull(dst)
}

func (d *decoder) rawMapping(n *node, p *fieldPath, dst []byte) []byte {
	order := make([]*member, len(n.members))
	for i := range n.members {
		order[i] = &n.members[i]
	}
	slices.SortFunc(order, func(a, b *member) int { return cbor.KeyOrder(a.key, b.key) })
	dst = cbor.AppendObjectHeader(dst, len(order))
	for _, m := range order {
		dst = d.raw(m.value, p.member(m), cbor.AppendString(dst, m.key))
	}
	return dst
}

func (d *decoder) rawInteger(n *node, p *fieldPath, dst []byte) []byte {
	if !isInteger(n.text) {
		d.fail(p.at, p, oddInteger(n.text))
		return cbor.AppendNull(dst)
	}
	if i, err := strconv.ParseInt(n.text, 0, 64); err == nil {
		return cbor.AppendInt(dst, i)
	}
	u, err := strconv.ParseUint(strings.TrimPrefix(n.text, "+"), 0, 64)
	if err != nil {
		d.fail(p.at, p, "the number "+problem.Quote(n.text)+" is out of range")
	}
	return cbor.AppendUint(dst, u)
}
