// Package check collects what is wrong with a document, field by field and in the order of the
// document.
package check

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problems are what was found so far. The zero value is ready for use.
type Problems struct{ list []error }

// Err returns every problem, one a line, or nil if none exists.
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
	p.Require(!before[value], field, strconv.Quote(value)+" is a duplicate")
	before[value] = true
}

// Sorted checks each entry of a list, and that each is listed once, in the order of what it is
// called.
func Sorted[T any](list string, entries []T, called func(T) string, check func(T) error) error {
	for i, e := range entries {
		if err := check(e); err != nil {
			return fmt.Errorf("%s.%w", At(list, i), err)
		}
		if i > 0 && called(entries[i-1]) >= called(e) {
			return fmt.Errorf("%s: %s must appear once, and in order", At(list, i), called(e))
		}
	}
	return nil
}

// OneLine requires one line of 1 to limit bytes.
func OneLine(field, value string, limit int) error {
	var p Problems
	p.Text(field, value, limit)
	return p.Err()
}

// DateLayout is RFC 3339 in UTC to the second, the one form that times have in documents.
const DateLayout = "2006-01-02T15:04:05Z"

// Date requires a time in the form of [DateLayout].
func Date(field, value string) (time.Time, error) {
	t, err := time.Parse(DateLayout, value)
	if err != nil {
		return t, fmt.Errorf("%s: %q must be a time such as 2026-01-31T00:00:00Z", field, value)
	}
	return t, nil
}

// Version requires the version of a format that the program reads.
func Version(has, reads int) error {
	if has != reads {
		return fmt.Errorf("version: is %d, this program reads version %d", has, reads)
	}
	return nil
}

// At names the i-th element of a list.
func At(list string, i int) string { return fmt.Sprintf("%s.%d", list, i) }

// HasControl reports whether s has an ASCII control character, such as a line break.
func HasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f })
}

// ConsistsOf reports whether s has no other bytes than those of set.
func ConsistsOf(s, set string) bool { return strings.Trim(s, set) == "" }

// DecodeBase64 reads standard base64 of size bytes, with or without padding, in the one spelling
// that each has.
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
