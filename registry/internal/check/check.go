// Package check collects what is wrong with a document, field by field and in the order of the document.
package check

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Problems are what was found so far. The zero value is ready for use.
type Problems struct{ list []error }

// Err returns every problem, one a line, or nil when there is none.
func (p *Problems) Err() error { return errors.Join(p.list...) }

// Fail notes a problem with a field.
func (p *Problems) Fail(field, problem string) {
	p.list = append(p.list, errors.New(field+": "+problem))
}

// Require notes the problem unless ok.
func (p *Problems) Require(ok bool, field, problem string) {
	if !ok {
		p.Fail(field, problem)
	}
}

// OneOf requires that value is one of allowed.
func (p *Problems) OneOf(field, value string, allowed ...string) {
	p.Require(slices.Contains(allowed, value), field, "is "+strconv.Quote(value)+", must be one of "+strings.Join(allowed, ", "))
}

// Text requires one line of 1 to limit bytes.
func (p *Problems) Text(field, value string, limit int) {
	p.Require(value != "" && len(value) <= limit && !HasControl(value), field, fmt.Sprintf("must be one line of 1 to %d bytes", limit))
}

// Base64 requires what [DecodeBase64] reads.
func (p *Problems) Base64(field, value string, size int) {
	if _, err := DecodeBase64(value, size); err != nil {
		p.Fail(field, err.Error())
	}
}

// Set remembers values of one list.
type Set map[string]bool

// Distinct requires that value was not there before, and remembers it.
func (p *Problems) Distinct(field, value string, before Set) {
	p.Require(!before[value], field, strconv.Quote(value)+" is there twice")
	before[value] = true
}

// At names the i-th element of a list.
func At(list string, i int) string { return fmt.Sprintf("%s.%d", list, i) }

// HasControl reports whether s has an ASCII control character, such as a line break.
func HasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// ConsistsOf reports whether s has no other bytes than those of set.
func ConsistsOf(s, set string) bool { return strings.Trim(s, set) == "" }

// DecodeBase64 reads standard base64 of size bytes, with or without padding, in the one spelling that each has.
func DecodeBase64(s string, size int) ([]byte, error) {
	encoding := base64.StdEncoding
	if !strings.HasSuffix(s, "=") {
		encoding = base64.RawStdEncoding
	}
	data, err := encoding.Strict().DecodeString(s)
	if err != nil || encoding.EncodeToString(data) != s {
		return nil, errors.New("is not standard base64")
	}
	if len(data) != size {
		return nil, fmt.Errorf("has %d bytes, must have %d", len(data), size)
	}
	return data, nil
}
