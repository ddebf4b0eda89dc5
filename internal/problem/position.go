package problem

import "strconv"

// Position is a place in a file. The zero Position means that no place is known.
type Position struct {
	// File is the name as the user gave it, or <stdin>.
	File string `json:"file,omitempty"`
	// Line and Column count from 1; a column is one character. Zero means that they are unknown.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
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
