package resource

import (
	"reflect"
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// The types of resources that the platform knows; any other type is a custom one.
const (
	typeService         = "service"
	typeExternalService = "external-service"
	typeVolume          = "volume"
	typeSecret          = "secret"
	typeGPU             = "gpu"
	typeExistingSecret  = "existing-secret"
	typeExistingConfig  = "existing-configmap"
)

// keyCustom holds the parameters of a custom type in the form that plugins see.
const keyCustom = "custom"

// resourceType is a known type and its parameters.
type resourceType struct {
	name   string
	params []string
}

func resourceTypes() []resourceType {
	return []resourceType{
		{typeService, []string{}},
		{typeExternalService, []string{"endpoints", "resolution"}},
		{typeVolume, []string{"size", "storageClass", "accessMode", "allowedConsumers", "perReplica", "scratch", "medium", "sizeLimit"}},
		{typeSecret, []string{"provider", "keys", "refreshInterval", "secretType"}},
		{typeGPU, []string{"count", "memory", "compute", "model", "tolerations"}},
		{typeExistingSecret, []string{}},
		{typeExistingConfig, []string{}},
	}
}

func knownType(name string) *resourceType {
	types := resourceTypes()
	i := slices.IndexFunc(types, func(t resourceType) bool { return t.name == name })
	if i < 0 {
		return nil
	}
	return &types[i]
}

// resource decodes a resource, whose parameters depend on its type.
func (d *decoder) resource(n *yamldoc.Node, p *fieldPath, v reflect.Value) {
	structures()[v.Type()].fill(d, n, p, v, objectRules{skip: []string{"params"}})
	m, name := n.Find("params"), n.TextOf("type")
	if m == nil || m.Value.Kind == yamldoc.Null || name == "" {
		return
	}
	params := new(lattice.ResourceParams)
	v.Addr().Interface().(*lattice.Resource).Params = params
	known := knownType(name)
	if known == nil {
		d.custom(m.Value, p.member(m), params)
		return
	}
	structures()[reflect.TypeFor[lattice.ResourceParams]()].fill(d, withTextAmounts(m.Value), p.member(m), reflect.ValueOf(params).Elem(), objectRules{
		allowed: known.params,
		foreign: func(key string) string { return foreignParam(key, name) },
	})
}

// custom keeps the parameters of a custom type as they are.
func (d *decoder) custom(n *yamldoc.Node, p *fieldPath, params *lattice.ResourceParams) {
	if d.derived {
		structures()[reflect.TypeFor[lattice.ResourceParams]()].fill(d, n, p, reflect.ValueOf(params).Elem(), objectRules{allowed: []string{keyCustom}})
		return
	}
	d.freeKeys(n, p, reflect.ValueOf(&params.Custom).Elem())
}

// foreignParam explains a parameter that belongs to another type.
func foreignParam(key, name string) string {
	for _, t := range resourceTypes() {
		if slices.Contains(t.params, key) {
			return "belongs to resources of type " + t.name + ", this one is of type " + name + "; remove it"
		}
	}
	if t := knownType(name); t != nil && len(t.params) == 0 {
		return "resources of type " + name + " have no parameters; remove it"
	}
	return ""
}

// amounts are the keys of amounts.
func amounts() []string { return []string{"size", "cpu", "memory", "sizeLimit", "ephemeral-storage"} }

// withTextAmounts turns the numbers under the keys of amounts into text: people write an amount
// without unit as a number.
func withTextAmounts(n *yamldoc.Node) *yamldoc.Node {
	if n.Kind != yamldoc.Map {
		return n
	}
	changed := *n
	changed.Members = slices.Clone(n.Members)
	for i, m := range changed.Members {
		number := m.Value.Kind == yamldoc.Int && yamldoc.IsInteger(m.Value.Text) || m.Value.Kind == yamldoc.Float
		if number && slices.Contains(amounts(), m.Key) {
			changed.Members[i].Value = &yamldoc.Node{Kind: yamldoc.Text, Place: m.Value.Place, Text: decimal(m.Value.Text)}
		}
	}
	return &changed
}

// decimal writes an integer of any base in decimal digits, and leaves every other number as it is.
func decimal(s string) string {
	if i, err := strconv.ParseInt(s, 0, 64); err == nil {
		return strconv.FormatInt(i, 10)
	}
	return s
}
