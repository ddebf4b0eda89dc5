package cedar

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

// engineName is the engine of every reason.
const engineName = "cedar"

// File is a file of policies, or of CedarPolicy documents.
type File struct {
	// Name is the name as the user gave it.
	Name string
	Text []byte
	// Line is the line of the file that Text begins with, where it is a part of a file; zero means
	// the first.
	Line int
}

// Engine decides by Cedar policies, it is a [gate.Engine]. It does not change, is safe for
// concurrent use, and made by [Parse].
type Engine struct {
	checker *checker
	// policies are in the order in which they were loaded.
	policies []*policy
	byID     map[string]*policy
	index    index
	// documents are what was read, in the order of loading.
	documents []Document
	problems  problem.List
	// closed is why every decision is an error.
	closed []gate.Reason
	digest string
}

var _ gate.Engine = (*Engine)(nil)

// Parse reads files of Cedar policies, and files of CedarPolicy documents, of which a file may hold
// several.
//
// The files of policies must be right altogether: the error is a [problem.List] with everything
// that is wrong.
//
// Documents count for themselves, as they do in a cluster, where one person's mistake must not take
// away the policies of everybody. A document that is wrong is left out as a whole, the others hold,
// and [Engine.Problems] says what is wrong. But leaving out a policy that forbids would open the
// door, so a document that is left out and forbids something, or that cannot be read far enough to
// know, makes every decision an error until it is corrected, disabled or removed. One that only
// permits can be left out safely. Policies of a document have its name and an underscore before
// their id.
//
// No policies at all are not an error: [gate.New] decides about that.
func Parse(files []File, documents ...File) (*Engine, error) {
	c, err := newChecker()
	if err != nil {
		return nil, err
	}
	e := &Engine{checker: c, byID: map[string]*policy{}}
	var problems problem.List
	for _, f := range files {
		r := c.read(source{origin: f.origin(), text: f.Text})
		problems = append(problems, r.problems...)
		problems = append(problems, e.doubles(r.policies)...)
		e.add(r.policies)
		if len(e.policies) > maxPolicies {
			return nil, tooMany()
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	broken := e.load(documents)
	if len(e.policies) > maxPolicies {
		return nil, tooMany()
	}
	e.index = newIndex(c, e.policies)
	e.digest = digest(e.policies, broken)
	return e, nil
}

func tooMany() problem.List {
	return problem.List{{Message: fmt.Sprintf("there are more than %d Cedar policies; one policy may be about many services", maxPolicies)}}
}

func (f *File) origin() origin { return origin{file: f.Name, line: max(f.Line-1, 0)} }

// add adds policies. Those whose id is taken are left out; see doubles.
func (e *Engine) add(policies []*policy) {
	for _, p := range policies {
		if p.id != "" && e.byID[p.id] == nil {
			e.byID[p.id] = p
			e.policies = append(e.policies, p)
		}
	}
}

// doubles returns a problem for each policy whose id is taken, by another of them or before.
func (e *Engine) doubles(policies []*policy) problem.List {
	var problems problem.List
	first := map[string]*policy{}
	for _, p := range policies {
		other := e.byID[p.id]
		if other == nil {
			other = first[p.id]
		}
		if p.id != "" && other != nil {
			message := fmt.Sprintf("the id is taken by the policy at %s; give it another", other.at)
			if other.at == p.at {
				message = "the file is read twice; name it once"
			}
			problems = append(problems, problem.Problem{Position: p.at, Object: p.object(), Message: message})
			continue
		}
		first[p.id] = p
	}
	return problems
}

// digest returns the digest of policies, and of what was left out, in no order.
func digest(policies []*policy, broken []string) string {
	texts := make([]string, 0, len(policies)+len(broken))
	for _, p := range policies {
		text := p.compiled.MarshalCedar()
		texts = append(texts, fmt.Sprintf("policy %s %d\n%s\n", p.id, len(text), text))
	}
	for _, text := range broken {
		texts = append(texts, fmt.Sprintf("left out %d\n%s\n", len(text), text))
	}
	slices.Sort(texts)
	sum := sha256.Sum256([]byte(strings.Join(texts, "")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Name returns cedar.
func (e *Engine) Name() string { return engineName }

// Digest returns the SHA-256 over every policy, in the order of their ids and in canonical form, so
// that neither the order of files nor comments change it. Documents that were left out count as
// they are written.
func (e *Engine) Digest() string { return e.digest }

// Len returns how many policies there are.
func (e *Engine) Len() int { return len(e.policies) }

// Authorizes returns true: the engine answers requests.
func (e *Engine) Authorizes() bool { return true }

// Problems returns what is wrong with the documents that were left out, see [Parse].
func (e *Engine) Problems() problem.List { return slices.Clone(e.problems) }

// Documents returns what each CedarPolicy document counts for, in the order in which they were
// loaded.
func (e *Engine) Documents() []Document { return append([]Document{}, e.documents...) }

// IDs returns the ids of all policies, in the order in which they were loaded: those of files
// first, then those of documents, inherited ones before others, higher priorities before lower
// ones, and by name. The order changes no decision.
func (e *Engine) IDs() []string {
	ids := make([]string, len(e.policies))
	for i, p := range e.policies {
		ids[i] = p.id
	}
	return ids
}

// Policy returns the policy with an id, such as that of a [gate.Reason].
func (e *Engine) Policy(id string) (Policy, bool) {
	p := e.byID[id]
	if p == nil {
		return Policy{}, false
	}
	return Policy{ID: p.id, Position: p.position, Text: p.text, Forbids: p.forbids, Annotations: maps.Clone(p.notes)}, true
}
