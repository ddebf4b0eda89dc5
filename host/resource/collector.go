package resource

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
)

// maxProblems is how many problems of one document are kept; a hostile document could have one for
// every value.
const maxProblems = 1000

// collector gathers the problems of one document.
type collector struct {
	problems problem.List
	// broken are the fields that could not be decoded, and around those that hold one.
	broken, around map[string]bool
}

func newCollector() *collector {
	return &collector{broken: map[string]bool{}, around: map[string]bool{}}
}

func (c *collector) add(p problem.Problem) {
	switch n := len(c.problems); {
	case n < maxProblems:
		c.problems = append(c.problems, p)
	case n == maxProblems:
		last := problem.Problem{Position: problem.Position{File: p.File}, Object: p.Object}
		last.Message = "there are more problems than the " + strconv.Itoa(maxProblems) + " that are shown; correct these first"
		c.problems = append(c.problems, last)
	}
}

// broke remembers that a field could not be decoded, so that what follows from it is not reported
// too.
func (c *collector) broke(field string) {
	c.broken[field] = true
	for at := parentOf(field); at != "" && !c.around[at]; at = parentOf(at) {
		c.around[at] = true
	}
}

// unreadable reports whether a field, or a part of the document around it, could not be decoded.
func (c *collector) unreadable(field string) bool {
	for at := field; at != ""; at = parentOf(at) {
		if c.broken[at] {
			return true
		}
	}
	return false
}

func parentOf(field string) string { return field[:max(strings.LastIndexByte(field, '.'), 0)] }
