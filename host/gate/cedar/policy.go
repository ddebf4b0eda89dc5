package cedar

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

// The annotations that the host reads.
const (
	annotationID          = "id"
	annotationTitle       = "title"
	annotationDescription = "description"
	annotationSeverity    = "severity"
	annotationReason      = "reason"
)

// policy is one policy that is fit for use.
type policy struct {
	id       string
	at       problem.Position
	text     string
	compiled *cedar.Policy
	tree     *ast.Policy
	forbids  bool
	notes    map[string]string
	// What reasons say of it: the place, what it is called, how grave it is, and why it is there.
	position, title, severity, because string
	// unordered is set when the message of an error may differ from one evaluation to the next.
	unordered bool
}

// Policy describes one policy, for those who ask about a decision.
type Policy struct {
	ID string
	// Position is the file:line:column.
	Position string
	// Text is what its author wrote.
	Text string
	// Forbids tells whether the policy forbids; it permits otherwise.
	Forbids bool
	// Annotations are what the policy says about itself, by name and without @.
	Annotations map[string]string
}

var idGrammar = regexp.MustCompile(`^[A-Za-z0-9._-]{1,80}$`)

// source is Cedar text to be read.
type source struct {
	origin
	// prefix is put before every id.
	prefix string
	text   []byte
}

// result is what a text holds.
type result struct {
	policies []*policy
	problems problem.List
	// mayForbid is set when a policy forbids, or could not be read, so that it may.
	mayForbid bool
}

// read reads every policy of a text.
func (c *checker) read(src source) result {
	if len(src.text) > maxFileBytes {
		return result{mayForbid: true, problems: problem.List{{
			Position: src.at(1, 1), Message: fmt.Sprintf("the policies have %d bytes, the limit is %d; split them", len(src.text), maxFileBytes),
		}}}
	}
	statements, bad := split(src.text)
	if bad != nil {
		return result{mayForbid: true, problems: problem.List{{Position: src.at(bad.line, bad.column), Message: bad.message}}}
	}
	var r result
	for _, st := range statements {
		p, problems := c.policy(&src, &st)
		r.problems = append(r.problems, problems...)
		r.mayForbid = r.mayForbid || p == nil || p.forbids
		if p != nil {
			r.policies = append(r.policies, p)
		}
	}
	return r
}

// policy reads one policy. It is nil when it is not even known whether it permits or forbids.
func (c *checker) policy(src *source, st *statement) (*policy, problem.List) {
	at := src.at(st.line, st.column)
	list, err := cedar.NewPolicyListFromBytes("", []byte(st.text))
	if err != nil {
		line, column, message := syntax(st.text, err)
		return nil, problem.List{{Position: src.at(st.position(line, column)), Message: message}}
	}
	if len(list) != 1 {
		return nil, problem.List{{Position: at, Message: "this is not one policy"}}
	}
	p := &policy{at: at, text: st.text, compiled: list[0], tree: (*ast.Policy)(list[0].AST()), notes: map[string]string{}}
	p.forbids = p.compiled.Effect() == cedar.Forbid
	for key, value := range list[0].Annotations() {
		p.notes[string(key)] = string(value)
	}
	p.describe()
	id := p.notes[annotationID]
	if !idGrammar.MatchString(id) {
		return p, problem.List{{Position: at, Message: badID(p.notes)}}
	}
	p.id = src.prefix + id
	p.unordered = holdsRecord(p.tree)
	return p, c.check(p)
}

// describe fills in what reasons say of the policy.
func (p *policy) describe() {
	p.position, p.title, p.severity = p.at.String(), oneLine(p.notes[annotationTitle]), oneLine(p.notes[annotationSeverity])
	for _, note := range []string{annotationDescription, annotationReason} {
		if text := oneLine(p.notes[note]); text != "" {
			p.because = ": " + text
		}
	}
}

func badID(notes map[string]string) string {
	id, ok := notes[annotationID]
	if !ok {
		return `the policy has no id; put @id("…") before it`
	}
	return fmt.Sprintf("@id(%s) is not an id: it has 1 to 80 letters, digits and ._-", quote(id))
}

// check checks a policy against the schema and the rules of the host.
func (c *checker) check(p *policy) problem.List {
	var problems problem.List
	add := func(message string) {
		problems = append(problems, problem.Problem{Position: p.at, Object: p.object(), Message: message})
	}
	wrong := messages(c.validator.Policy("", p.tree))
	for _, name := range c.unknownTypes(p.tree) {
		wrong = append(wrong, fmt.Sprintf("unrecognized entity type `%s`", name))
	}
	for _, message := range c.hints(p.tree, wrong) {
		add(message)
	}
	if !p.forbids && strings.TrimSpace(p.notes[annotationReason]) == "" && c.covers(p.tree, gate.ActionRunRevoked) {
		add(`it permits to run revoked plugins; put @reason("…") before it, or name the actions that it is for`)
	}
	return problems
}

func (p *policy) object() string { return "policy " + p.id }

// messages returns what is wrong, sorted, as the type checker goes through the schema in no order.
func messages(err error) []string {
	if err == nil {
		return nil
	}
	var all []string
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			all = append(all, line)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// The shapes of the parser's messages.
var (
	errorPlace = regexp.MustCompile(`<input>:(\d+):(\d+)`)
	errorGot   = regexp.MustCompile(`(?s)exact got (.*) want (.*)$`)
	errorWord  = regexp.MustCompile(`(?s)unexpected effect: (.*)$`)
	errorFront = regexp.MustCompile(`(?s)^parse error at <input>:\d+:\d+ ("(?:[^"\\]|\\.)*"): (.*)$`)
	errorScan  = regexp.MustCompile(`(?s)^<input>:\d+:\d+: (.*)$`)
)

// syntax turns an error of the parser into a place and a message. Where the parser has skipped
// the culprit already, the place is that of the token after it, and the culprit is looked for
// before it.
func syntax(text string, err error) (line, column int, message string) {
	message = err.Error()
	for inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(message, "parser error: "); inner = nil {
		message = inner.Error()
	}
	line, column = 1, 1
	if m := errorPlace.FindStringSubmatch(message); m != nil {
		line, column = number(m[1]), number(m[2])
	}
	culprit := ""
	switch front := errorFront.FindStringSubmatch(message); {
	case front != nil:
		message = front[2]
		if m := errorGot.FindStringSubmatch(message); m != nil {
			culprit, message = m[1], fmt.Sprintf("%s is expected here, not %s", quote(m[2]), found(m[1]))
		} else if m := errorWord.FindStringSubmatch(message); m != nil {
			culprit, message = m[1], fmt.Sprintf("a policy begins with permit or forbid, not %s", found(m[1]))
		} else if strings.Contains(text, "?"+strings.Trim(front[1], `"`)) {
			message = "templates, with ?principal or ?resource, are not read here; name the entity"
		} else {
			message += " near " + front[1]
		}
	case strings.HasPrefix(message, "strconv."):
		message = "a number must be between -9223372036854775808 and 9223372036854775807"
	default:
		if m := errorScan.FindStringSubmatch(message); m != nil {
			message = m[1]
		}
	}
	if culprit != "" {
		line, column = before(text, culprit, line, column)
	}
	return line, column, "syntax: " + message
}

// found names a token; the end of the text has no name.
func found(token string) string {
	if token == "" {
		return "the end of the policy"
	}
	return quote(token)
}

// before returns the last place of token before a place.
func before(text, token string, line, column int) (int, int) {
	rows := strings.Split(text, "\n")
	for ; line >= 1; line-- {
		if line > len(rows) {
			continue
		}
		row := []rune(rows[line-1])
		if column >= 1 && column-1 <= len(row) {
			row = row[:column-1]
		}
		if i := strings.LastIndex(string(row), token); i >= 0 {
			return line, len([]rune(string(row)[:i])) + 1
		}
		column = 0
	}
	return 1, 1
}

// number reads what a pattern has matched as digits.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 1
	}
	return n
}

// maxQuoted is how many characters of a text a message repeats.
const maxQuoted = 80

// quote puts text in quotes for a message, shortened.
func quote(s string) string {
	if r := []rune(s); len(r) > maxQuoted {
		s = string(r[:maxQuoted]) + "…"
	}
	return strconv.Quote(s)
}

// holdsRecord reports whether a policy makes a record: the library evaluates the fields of one in
// no order.
func holdsRecord(p *ast.Policy) bool {
	for _, c := range p.Conditions {
		found := false
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			if _, ok := n.(ast.NodeTypeRecord); ok {
				found = true
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// unknownTypes returns the types that a policy compares with and that the schema does not have,
// sorted. The library takes such a comparison for one that never holds, so that a forbid with a
// misspelt type would forbid nothing.
func (c *checker) unknownTypes(p *ast.Policy) []string {
	var unknown []string
	look := func(t types.EntityType) {
		if _, ok := c.schema.Entities[t]; !ok && t != actionUID("").Type {
			unknown = append(unknown, string(t))
		}
	}
	for _, condition := range p.Conditions {
		ast.Inspect(ast.NewNode(condition.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeTypeIs:
				look(n.EntityType)
			case ast.NodeTypeIsIn:
				look(n.EntityType)
			}
			return true
		})
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// actions returns the ids of the actions that a policy is about, or nil when it is about all.
func (c *checker) actions(p *ast.Policy) []string {
	switch scope := p.Action.(type) {
	case ast.ScopeTypeEq:
		return []string{string(scope.Entity.ID)}
	case ast.ScopeTypeIn:
		return []string{string(scope.Entity.ID)}
	case ast.ScopeTypeInSet:
		ids := make([]string, 0, len(scope.Entities))
		for _, e := range scope.Entities {
			ids = append(ids, string(e.ID))
		}
		return ids
	}
	return nil
}

// covers reports whether a policy may be about an action, going by its scope.
func (c *checker) covers(p *ast.Policy, action string) bool {
	if ids := c.actions(p); ids != nil && !slices.Contains(ids, action) {
		return false
	}
	to := c.schema.Actions[actionUID(action)].AppliesTo
	return to != nil && c.admits(p.Principal, to.Principals) && c.admits(p.Resource, to.Resources)
}

// admits reports whether a scope may hold for an entity of one of the types.
func (c *checker) admits(scope ast.IsScopeNode, of []types.EntityType) bool {
	switch s := scope.(type) {
	case ast.ScopeTypeEq:
		return slices.Contains(of, s.Entity.Type)
	case ast.ScopeTypeIs:
		return slices.Contains(of, s.Type)
	case ast.ScopeTypeIsIn:
		return slices.Contains(of, s.Type)
	case ast.ScopeTypeIn:
		return slices.ContainsFunc(of, func(t types.EntityType) bool {
			return t == s.Entity.Type || slices.Contains(c.schema.Entities[t].ParentTypes, s.Entity.Type)
		})
	}
	return true
}
