package cedar

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/latticenet/lattice-host/internal/problem"
)

// statement is the text of one policy, from its first character to its semicolon.
type statement struct {
	text         string
	line, column int
}

// scanner splits policies into statements before anything parses them, and refuses what the parser
// could not bear. It knows just enough of Cedar for that: text in quotes, comments and brackets.
type scanner struct {
	source []byte
	offset int
	// line and column are those of offset, and count from 1.
	line, column int

	statements []statement
	// first is where the current statement begins, nil between statements.
	first     *mark
	depth     int
	operators int
}

// mark is a place in the source.
type mark struct{ offset, line, column int }

// scanError is what is wrong, and where.
type scanError struct {
	line, column int
	message      string
}

// split returns the statements of Cedar text. What comes after the last semicolon is one, too.
func split(source []byte) ([]statement, *scanError) {
	s := &scanner{source: source, line: 1, column: 1}
	if !utf8.Valid(source) {
		s.toInvalid()
		return nil, &scanError{s.line, s.column, "the text is not UTF-8"}
	}
	for s.offset < len(s.source) {
		if message := s.token(); message != "" {
			return nil, &scanError{s.line, s.column, message}
		}
	}
	s.end()
	return s.statements, nil
}

// token scans one token, or a part of one. It returns what is wrong with it.
func (s *scanner) token() string {
	rest := s.source[s.offset:]
	switch c := rest[0]; {
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		s.pass(1)
		return ""
	case bytes.HasPrefix(rest, []byte("//")):
		s.comment()
		return ""
	case bytes.HasPrefix(rest, []byte("/*")):
		return "Cedar has no comments of the form /* */; use //"
	}
	if s.first == nil {
		s.first = &mark{s.offset, s.line, s.column}
	}
	switch c := rest[0]; {
	case c == '"':
		return s.quoted()
	case isWord(c):
		s.word()
	case c == ';':
		s.pass(1)
		s.end()
		return ""
	default:
		return s.symbol()
	}
	return s.tooMany()
}

// symbol scans one character that is neither text nor a word.
func (s *scanner) symbol() string {
	length := 1
	switch c := s.source[s.offset]; c {
	case '{':
		// Every condition nests, too.
		s.operators++
		s.depth++
	case '(', '[':
		s.depth++
	case ')', ']', '}':
		s.depth = max(s.depth-1, 0)
	case '&', '|':
		s.operators++
		if bytes.HasPrefix(s.source[s.offset+1:], []byte{c}) {
			length = 2
		}
	case '.', '!', '-', '+', '*':
		s.operators++
	}
	if s.depth > maxDepth {
		return fmt.Sprintf("brackets nest more than %d deep", maxDepth)
	}
	if message := s.tooMany(); message != "" {
		return message
	}
	s.pass(length)
	return ""
}

func (s *scanner) tooMany() string {
	if s.operators > maxOperators {
		return fmt.Sprintf("the policy has more than %d operators; split it", maxOperators)
	}
	return ""
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func (s *scanner) word() {
	from := s.offset
	for s.offset < len(s.source) && isWord(s.source[s.offset]) {
		s.pass(1)
	}
	if string(s.source[from:s.offset]) == "if" {
		s.operators++
	}
}

func (s *scanner) comment() {
	for s.offset < len(s.source) && s.source[s.offset] != '\n' {
		s.pass(1)
	}
}

// quoted scans text in quotes. An error is where the text begins.
func (s *scanner) quoted() string {
	begin := *s
	s.pass(1)
	for s.offset < len(s.source) && s.source[s.offset] != '\n' {
		switch s.source[s.offset] {
		case '"':
			s.pass(1)
			return ""
		case '\\':
			s.pass(1)
		}
		if s.offset < len(s.source) && s.source[s.offset] != '\n' {
			s.pass(1)
		}
	}
	*s = begin
	return "the text is not closed on this line; write a line break as \\n"
}

// pass goes on by n characters.
func (s *scanner) pass(n int) {
	for ; n > 0 && s.offset < len(s.source); n-- {
		_, size := utf8.DecodeRune(s.source[s.offset:])
		if s.source[s.offset] == '\n' {
			s.line++
			s.column = 0
		}
		s.offset += size
		s.column++
	}
}

// toInvalid goes to the first byte that is no UTF-8.
func (s *scanner) toInvalid() {
	for s.offset < len(s.source) {
		if r, size := utf8.DecodeRune(s.source[s.offset:]); r == utf8.RuneError && size == 1 {
			return
		}
		s.pass(1)
	}
}

// end ends the statement, if one has begun.
func (s *scanner) end() {
	if s.first == nil {
		return
	}
	s.statements = append(s.statements, statement{
		text: string(bytes.TrimRight(s.source[s.first.offset:s.offset], " \t\r\n")), line: s.first.line, column: s.first.column,
	})
	s.first, s.depth, s.operators = nil, 0, 0
}

// position returns where a place of the statement is in the file, given where it is in the
// statement.
func (st *statement) position(line, column int) (int, int) {
	if line <= 1 {
		return st.line, st.column + column - 1
	}
	return st.line + line - 1, column
}

// origin says where text comes from, and turns places in it into places in the file.
type origin struct {
	file string
	// line is added to lines, column to columns.
	line, column int
	// whole is set when places in the text cannot be told apart in the file; it is the place of the
	// text.
	whole *problem.Position
}

func (o *origin) at(line, column int) problem.Position {
	if o.whole != nil {
		return *o.whole
	}
	return problem.Position{File: o.file, Line: o.line + line, Column: o.column + column}
}
