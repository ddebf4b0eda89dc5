package resource

import (
	"cmp"
	"strconv"
)

// Position is a place in a file. The zero Position means that no place is known.
type Position struct {
	// File is the name as the user gave it, or <stdin>.
	File string
	// Line and Column count from 1; a column is one character. Zero means that they are unknown.
	Line, Column int
}

// String returns file:line:column, as far as it is known.
func (p Position) String() string {
	s := p.File
	if p.Line == 0 {
		return s
	}
	s += ":" + strconv.Itoa(p.Line)
	if p.Column == 0 {
		return s
	}
	return s + ":" + strconv.Itoa(p.Column)
}

func (p Position) compare(q Position) int {
	return cmp.Or(cmp.Compare(p.File, q.File), cmp.Compare(p.Line, q.Line), cmp.Compare(p.Column, q.Column))
}
