//go:build !lattice_norego

package rego

import (
	"fmt"
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/types"
)

// library is every package with its rules, and the roots of the data files.
type library struct {
	modules []*module
	// rules are where the rules of a package were first seen, by package and name.
	rules map[string]map[string]*ast.Rule
	data  map[string]any
}

// index lists the rules of all packages. A rule that two files define is a problem: the second
// could weaken the first, by one more way for a helper to be true.
func index(modules []*module, data map[string]any, p *problems) *library {
	l := &library{modules: modules, rules: map[string]map[string]*ast.Rule{}, data: data}
	for _, m := range modules {
		if l.rules[m.name] == nil {
			l.rules[m.name] = map[string]*ast.Rule{}
		}
		reported := map[string]bool{}
		for _, r := range m.parsed.Rules {
			name := ruleName(r)
			first := l.rules[m.name][name]
			switch {
			case first == nil:
				l.rules[m.name][name] = r
			case first.Location.File != m.file && !reported[name]:
				reported[name] = true
				p.add(position(r.Location), m.name+"."+name, "is defined at %s already, and one file must not change the "+
					"rules of another; give it another name%s", position(first.Location), suffixHint(name))
			}
		}
	}
	return l
}

func suffixHint(name string) string {
	if isEntry(name) {
		return ", such as " + name + "_2"
	}
	return ""
}

// of returns the modules of a package.
func (l *library) of(name string) []*module {
	var found []*module
	for _, m := range l.modules {
		if m.name == name {
			found = append(found, m)
		}
	}
	return found
}

// withLibraries returns the modules of a package and of the libraries that it uses, directly or
// through another one.
func (l *library) withLibraries(name string) []*module {
	seen := map[string]bool{name: true}
	found := l.of(name)
	for i := 0; i < len(found); i++ {
		ast.WalkRefs(found[i].parsed, func(r ast.Ref) bool {
			lib := libraryOf(r)
			if lib != "" && !seen[lib] {
				seen[lib] = true
				found = append(found, l.of(lib)...)
			}
			return false
		})
	}
	return found
}

// libraryOf returns the package that a reference into data.lattice.lib names, or nothing.
func libraryOf(r ast.Ref) string {
	if len(r) < 4 || !r.HasPrefix(libraryRoot()) {
		return ""
	}
	name, ok := r[3].Value.(ast.String)
	if !ok {
		return ""
	}
	return "lattice.lib." + string(name)
}

func libraryRoot() ast.Ref { return ast.MustParseRef("data.lattice.lib") }

// checkReferences refuses references into data that lead nowhere, after imports are resolved. OPA
// takes them for undefined, so that a rule with a misspelt one never fires.
func (l *library) checkReferences(m *module, rules []*ast.Rule, p *problems) {
	for _, r := range rules {
		object := m.name + "." + ruleName(r)
		ast.WalkRefs(r, func(ref ast.Ref) bool {
			if !ref[0].Equal(ast.DefaultRootDocument) {
				return false
			}
			if message := l.lost(m, ref); message != "" {
				at := position(ref[0].Location)
				if at.Line == 0 {
					at = position(r.Location)
				}
				p.add(at, object, "%s: %s", written(ref), message)
			}
			return false
		})
	}
}

// written returns a reference up to its first variable, which the compiler has renamed.
func written(ref ast.Ref) string {
	if ground := ref.GroundPrefix(); len(ground) < len(ref) {
		return ground.String() + "[…]"
	}
	return ref.String()
}

// lost returns why a reference leads nowhere, or nothing.
func (l *library) lost(m *module, ref ast.Ref) string {
	if len(ref) < 2 {
		return "data as a whole cannot be read; name what you need of it"
	}
	root, ok := ref[1].Value.(ast.String)
	if !ok {
		return "data must be followed by a name, so that it can be seen that it exists"
	}
	if root != "lattice" {
		if _, ok := l.data[string(root)]; !ok && m.space != spaceTest {
			return "no data file has " + string(root) + " at its top"
		}
		return ""
	}
	name, rest := splitPackage(ref)
	if l.rules[name] == nil {
		return "there is no such package"
	}
	if m.space != spaceTest && name != m.name && libraryOf(ref) == "" {
		return "a package reads its own rules and those of lattice.lib only; move the rule there"
	}
	if len(rest) == 0 {
		return ""
	}
	rule, ok := rest[0].Value.(ast.String)
	if ok && l.rules[name][string(rule)] == nil {
		return "the package " + name + " has no rule " + string(rule)
	}
	return ""
}

// splitPackage splits a reference below data.lattice into the name of a package and what follows.
func splitPackage(ref ast.Ref) (name string, rest ast.Ref) {
	n := min(3, len(ref))
	if ref.HasPrefix(libraryRoot()) {
		n = min(4, len(ref))
	}
	return packageName(ref[:n]), ref[n:]
}

// checkRules refuses a package whose rules cannot say no, and rules that nothing reads: a misspelt
// deny is one.
func (l *library) checkRules(name string, c *ast.Compiler, p *problems) {
	entries := false
	for _, m := range l.of(name) {
		for _, r := range c.Modules[m.file].Rules {
			rule := ruleName(r)
			switch {
			case isEntry(rule) && len(r.Head.Args) > 0:
				p.add(position(r.Location), name+"."+rule, "is a function, and must be a set: %s contains … if { … }", rule)
			case isEntry(rule):
				entries = entries || denies(rule)
				if message := misshapen(rule, c.TypeEnv.GetByRef(r.Module.Package.Path.Append(ast.StringTerm(rule)))); message != "" {
					p.add(position(r.Location), name+"."+rule, "%s", message)
				}
			case len(c.Graph.Dependents(r)) == 0:
				p.add(position(r.Location), name+"."+rule, "no other rule reads this one; the rules that count are deny, violation "+
					"and warn, with any suffix such as %s_images", "deny")
			}
		}
	}
	if !entries {
		first := slices.MinFunc(l.of(name), func(a, b *module) int {
			if a.file < b.file {
				return -1
			}
			return 1
		})
		p.add(position(first.parsed.Package.Location), name, "has no rule deny or violation, so that it would deny nothing")
	}
}

// misshapen returns why a rule that counts can never be a set of texts, or of objects with a text
// msg, going by its type; nothing when it may be one. What it is then, every decision looks at
// again.
func misshapen(rule string, t types.Type) string {
	could := func(t types.Type, fits func(types.Type) bool) bool {
		alternatives, ok := t.(types.Any)
		return t == nil || ok && (len(alternatives) == 0 || slices.ContainsFunc(alternatives, fits)) || fits(t)
	}
	isText := func(t types.Type) bool { _, ok := t.(types.String); return ok }
	isElement := func(t types.Type) bool {
		if _, ok := t.(*types.Object); !ok {
			return isText(t)
		}
		message := types.Select(t, "msg")
		return message != nil && could(message, isText)
	}
	if !could(t, func(t types.Type) bool { _, ok := t.(*types.Set); return ok }) {
		return fmt.Sprintf("is of type %s, and must be a set: %s contains … if { … }", oneLine(types.Sprint(t)), rule)
	}
	if set, ok := t.(*types.Set); ok && !could(set.Of(), isElement) {
		return fmt.Sprintf("has elements of the type %s; elements are texts, or objects with a text msg", oneLine(types.Sprint(set.Of())))
	}
	return ""
}

// entries are the rules of a package that count, sorted.
func (l *library) entries(name string) []string {
	var found []string
	for rule := range l.rules[name] {
		if isEntry(rule) {
			found = append(found, rule)
		}
	}
	slices.Sort(found)
	return found
}
