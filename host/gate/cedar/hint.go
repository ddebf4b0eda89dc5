package cedar

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"

	"github.com/latticenet/lattice-host/host/gate"
)

// inapplicable is what the type checker says of a policy that can be about no request.
const inapplicable = "unable to find an applicable action given the policy scope constraints"

// The shapes of the type checker's messages to which something can be added.
var (
	unknownAction    = regexp.MustCompile("^unrecognized action `(?:[A-Za-z:]*::)?Action::\"(.*)\"`$")
	unknownType      = regexp.MustCompile("^unrecognized entity type `(.*)`$")
	unknownAttribute = regexp.MustCompile("^attribute `.*` on entity type `(.*)` not found$")
	unknownContext   = regexp.MustCompile("^attribute `.*` in context for Lattice::Action::\"(.*)\" not found$")
	unguarded        = regexp.MustCompile("^unable to guarantee safety of access to optional attribute `(.*)` (on entity type|in context)")
)

// hints adds to what is wrong with a policy what to write instead.
func (c *checker) hints(p *ast.Policy, messages []string) []string {
	if len(messages) > 1 {
		// What else is wrong is why there is no such action.
		messages = slices.DeleteFunc(messages, func(m string) bool { return m == inapplicable })
	}
	for i, message := range messages {
		if hint := c.hint(p, message); hint != "" {
			messages[i] = message + "; " + hint
		}
	}
	return messages
}

func (c *checker) hint(p *ast.Policy, message string) string {
	if message == inapplicable {
		return c.applicable(p)
	}
	if message == "the types Long and String are not compatible" {
		return "numbers, such as the port of an endpoint, are written without quotes"
	}
	if m := unknownAction.FindStringSubmatch(message); m != nil {
		return instead(m[1], "actions", c.actionNames(), func(name string) string { return actionUID(name).String() })
	}
	if m := unknownType.FindStringSubmatch(message); m != nil {
		_, short := cutNamespace(m[1])
		return instead(short, "types", c.typeNames(), func(name string) string { return string(entityType(name)) })
	}
	if m := unknownAttribute.FindStringSubmatch(message); m != nil {
		return has(c.schema.Entities[types.EntityType(m[1])].Shape)
	}
	if m := unknownContext.FindStringSubmatch(message); m != nil {
		if to := c.schema.Actions[actionUID(m[1])].AppliesTo; to != nil {
			return has(to.Context)
		}
	}
	if m := unguarded.FindStringSubmatch(message); m != nil {
		of := "context"
		if m[2] != "in context" {
			of = "resource"
		}
		return fmt.Sprintf("it is not always there: ask `%s has %s && …` first", of, m[1])
	}
	return ""
}

// instead says how a name is written that exists in the namespace of the schema, or which names
// there are.
func instead(name, what string, names []string, write func(string) string) string {
	if slices.Contains(names, name) {
		return "write " + write(name)
	}
	return fmt.Sprintf("the %s of the namespace %s are %s", what, gate.Namespace, strings.Join(names, ", "))
}

func has(shape resolved.RecordType) string {
	if len(shape) == 0 {
		return "it has none"
	}
	names := make([]string, 0, len(shape))
	for name := range shape {
		names = append(names, string(name))
	}
	slices.Sort(names)
	return "it has " + strings.Join(names, ", ")
}

// applicable says what the actions of a policy are for, where its principal or resource is
// something else.
func (c *checker) applicable(p *ast.Policy) string {
	var lines []string
	for _, id := range c.actions(p) {
		if to := c.schema.Actions[actionUID(id)].AppliesTo; to != nil {
			lines = append(lines, fmt.Sprintf("%s is for a principal %s and a resource %s", id, alternatives(to.Principals), alternatives(to.Resources)))
		}
	}
	if len(lines) == 0 {
		return "no action has such a principal and such a resource"
	}
	return strings.Join(lines, ", ")
}

func alternatives(of []types.EntityType) string {
	names := make([]string, len(of))
	for i, t := range of {
		names[i] = string(t)
	}
	return strings.Join(names, " or ")
}

func (c *checker) actionNames() []string {
	var names []string
	for uid := range c.schema.Actions {
		names = append(names, string(uid.ID))
	}
	slices.Sort(names)
	return names
}

func (c *checker) typeNames() []string {
	var names []string
	for _, t := range slices.Sorted(maps.Keys(c.schema.Entities)) {
		_, name := cutNamespace(string(t))
		names = append(names, name)
	}
	return names
}

// cutNamespace cuts the name of a type after its namespace, which may be empty.
func cutNamespace(t string) (namespace, name string) {
	if i := strings.LastIndex(t, "::"); i >= 0 {
		return t[:i], t[i+2:]
	}
	return "", t
}
