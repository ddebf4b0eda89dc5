package resource

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// scalar decodes into a string, a boolean, an integer or a floating-point number.
func (d *decoder) scalar(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		d.text(n, p, v)
	case reflect.Bool:
		if n.Kind != yamldoc.Bool {
			d.mismatch(n, p, "true or false")
			return
		}
		v.SetBool(n.Text == "true")
	case reflect.Int64:
		d.integer(n, p, v)
	case reflect.Float64:
		d.number(n, p, v)
	}
}

func (d *decoder) text(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	switch n.Kind {
	case yamldoc.Text:
		v.SetString(n.Text)
	case yamldoc.Bool, yamldoc.Int, yamldoc.Float:
		d.fail(p.at, p, yamldoc.NotText(n))
	default:
		d.mismatch(n, p, "a string")
	}
}

func (d *decoder) integer(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	switch {
	case n.Kind == yamldoc.Text && yamldoc.IsInteger(n.Text):
		d.fail(p.at, p, "want an integer, got "+n.Describe()+"; remove the quotes")
		return
	case n.Kind != yamldoc.Int:
		d.mismatch(n, p, "an integer")
		return
	}
	if !yamldoc.IsInteger(n.Text) {
		d.fail(p.at, p, yamldoc.OddInteger(n.Text))
		return
	}
	i, err := strconv.ParseInt(n.Text, 0, 64)
	if err != nil {
		d.fail(p.at, p, "the number "+problem.Quote(n.Text)+" is out of range")
		return
	}
	v.SetInt(i)
}

func (d *decoder) number(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	switch {
	case n.Kind == yamldoc.Text && yamldoc.IsInteger(n.Text):
		d.fail(p.at, p, "want a number, got "+n.Describe()+"; remove the quotes")
		return
	case n.Kind != yamldoc.Int && n.Kind != yamldoc.Float:
		d.mismatch(n, p, "a number")
		return
	}
	f, wrong := yamldoc.Number(n)
	if wrong != "" {
		d.fail(p.at, p, wrong)
		return
	}
	v.SetFloat(f)
}

// raw appends a value of any type as CBOR.
func (d *decoder) raw(n *yamldoc.Node, p *fieldPath, dst []byte) []byte {
	switch n.Kind {
	case yamldoc.Bool:
		return cbor.AppendBool(dst, n.Text == "true")
	case yamldoc.Int:
		return d.rawInteger(n, p, dst)
	case yamldoc.Float:
		f, wrong := yamldoc.Number(n)
		if wrong != "" {
			d.fail(p.at, p, wrong)
		}
		return cbor.AppendFloat(dst, f)
	case yamldoc.Text:
		return cbor.AppendString(dst, n.Text)
	case yamldoc.List:
		dst = cbor.AppendArrayHeader(dst, len(n.Items))
		for i, item := range n.Items {
			dst = d.raw(item, p.item(i, item), dst)
		}
		return dst
	case yamldoc.Map:
		return d.rawMapping(n, p, dst)
	}
	return cbor.AppendNull(dst)
}

func (d *decoder) rawMapping(n *yamldoc.Node, p *fieldPath, dst []byte) []byte {
	order := make([]*yamldoc.Member, len(n.Members))
	for i := range n.Members {
		order[i] = &n.Members[i]
	}
	slices.SortFunc(order, func(a, b *yamldoc.Member) int { return cbor.KeyOrder(a.Key, b.Key) })
	dst = cbor.AppendObjectHeader(dst, len(order))
	for _, m := range order {
		dst = d.raw(m.Value, p.member(m), cbor.AppendString(dst, m.Key))
	}
	return dst
}

func (d *decoder) rawInteger(n *yamldoc.Node, p *fieldPath, dst []byte) []byte {
	if !yamldoc.IsInteger(n.Text) {
		d.fail(p.at, p, yamldoc.OddInteger(n.Text))
		return cbor.AppendNull(dst)
	}
	if i, err := strconv.ParseInt(n.Text, 0, 64); err == nil {
		return cbor.AppendInt(dst, i)
	}
	u, err := strconv.ParseUint(strings.TrimPrefix(n.Text, "+"), 0, 64)
	if err != nil {
		d.fail(p.at, p, "the number "+problem.Quote(n.Text)+" is out of range")
	}
	return cbor.AppendUint(dst, u)
}
