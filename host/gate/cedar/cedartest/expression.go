package cedartest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
)

// expression makes conditions for one action. Depth bounds how deep they nest.
type expression struct {
	*Random
	about *gate.Request
}

// attributes returns the expressions of one type that the entities and the context of the action
// have.
func attributes[T any](e *expression) []string {
	var found []string
	for _, of := range []struct {
		on     string
		record gate.Record
	}{{"principal", e.about.Principal.Attributes}, {"resource", e.about.Resource.Attributes}, {"context", e.about.Context}} {
		for _, name := range slices.Sorted(maps.Keys(of.record)) {
			if _, ok := of.record[name].(T); ok && !e.optional(name) {
				found = append(found, of.on+"."+name)
			}
		}
	}
	return found
}

// optional reports whether a policy must ask whether an attribute is there.
func (e *expression) optional(name string) bool {
	return e.about.Action == gate.ActionExecute && name == "indexStaleDays"
}

func (e *expression) boolean(depth int) string {
	if depth <= 0 {
		return e.plain()
	}
	depth--
	switch e.r.IntN(14) {
	case 0, 1:
		return "(" + e.boolean(depth) + " && " + e.boolean(depth) + ")"
	case 2, 3:
		return "(" + e.boolean(depth) + " || " + e.boolean(depth) + ")"
	case 4:
		return "!(" + e.boolean(depth) + ")"
	case 5:
		return "(if " + e.boolean(depth) + " then " + e.boolean(depth) + " else " + e.boolean(depth) + ")"
	case 6:
		return "(" + e.text(depth) + pick(e.Random, " == ", " != ") + e.text(depth) + ")"
	case 7, 8:
		return "(" + e.long(depth) + pick(e.Random, " < ", " <= ", " > ", " >= ", " == ", " != ") + e.long(depth) + ")"
	case 9:
		return e.text(depth) + " like " + pick(e.Random, `"*"`, `"media*"`, `"*/*"`, `"a\*"`, `"*.example.com"`, `""`)
	case 10:
		return e.set(depth) + ".contains(" + e.text(depth) + ")"
	case 11:
		return e.set(depth) + pick(e.Random, ".containsAll(", ".containsAny(") + e.set(depth) + ")"
	case 12:
		return e.set(depth) + pick(e.Random, ".isEmpty()", " == "+e.set(depth))
	}
	return e.extension()
}

// plain is a condition that does not nest.
func (e *expression) plain() string {
	switch e.r.IntN(8) {
	case 0:
		return pick(e.Random, "true", "false")
	case 1:
		return "principal in " + e.ancestor(e.about.Principal.Type).String()
	case 2:
		return "principal == " + e.entity(e.about.Principal.Type).String()
	case 3:
		return "resource in [" + e.entity(e.about.Resource.Type).String() + ", " + e.entity(e.about.Resource.Type).String() + "]"
	case 4:
		return "context has indexStaleDays"
	case 5:
		if bools := attributes[bool](e); len(bools) > 0 {
			return pick(e.Random, bools...)
		}
		return "resource is " + typeName(e.about.Resource.Type)
	case 6:
		if e.about.Action == gate.ActionExecute {
			return "(context has indexStaleDays && context.indexStaleDays * 92233720368547758 > 7)"
		}
	}
	return "(" + e.text(0) + " == " + e.text(0) + ")"
}

func (e *expression) text(depth int) string {
	if known := attributes[string](e); len(known) > 0 && e.r.IntN(2) == 0 {
		return pick(e.Random, known...)
	}
	if depth > 0 && e.r.IntN(3) == 0 {
		return "(if " + e.boolean(depth-1) + " then " + e.text(depth-1) + " else " + e.text(depth-1) + ")"
	}
	switch e.r.IntN(6) {
	case 0:
		// Such an entity may not be there.
		return e.service().String() + ".namespace"
	case 1:
		return "{a: " + e.text(0) + ", b: 1}.a"
	}
	return literal(e.word())
}

// literal writes text as Cedar does.
func literal(s string) string {
	return strings.TrimPrefix(gate.Entity{ID: s}.String(), gate.Namespace+"::::")
}

func (e *expression) long(depth int) string {
	if known := attributes[int64](e); len(known) > 0 && e.r.IntN(2) == 0 {
		return pick(e.Random, known...)
	}
	if depth > 0 && e.r.IntN(2) == 0 {
		return "(" + e.long(depth-1) + pick(e.Random, " + ", " - ", " * ") + e.long(depth-1) + ")"
	}
	if depth > 0 && e.r.IntN(4) == 0 {
		return "-(" + e.long(depth-1) + ")"
	}
	return pick(e.Random, "0", "1", "7", "443", "-1", "9223372036854775807", "-9223372036854775808", strconv.Itoa(e.r.IntN(1000)))
}

func (e *expression) set(depth int) string {
	elements := make([]string, 1+e.r.IntN(3))
	for i := range elements {
		elements[i] = e.text(depth - 1)
	}
	return "[" + strings.Join(elements, ", ") + "]"
}

// extension is a condition on a decimal, an address or a time.
func (e *expression) extension() string {
	return pick(e.Random,
		fmt.Sprintf(`decimal("%d.%d").lessThan(decimal("5.0"))`, e.r.IntN(10), e.r.IntN(10)),
		fmt.Sprintf(`ip("10.%d.0.1").isInRange(ip("10.0.0.0/%d"))`, e.r.IntN(4), 8+e.r.IntN(9)),
		`ip("::1").isLoopback()`,
		fmt.Sprintf(`datetime("2024-01-0%d") < datetime("2024-01-05")`, 1+e.r.IntN(9)),
		fmt.Sprintf(`datetime("2024-01-01").offset(duration("%dd")) > datetime("2024-02-01")`, e.r.IntN(60)),
	)
}
