package yamldoc

import (
	"math"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
)

// Mismatch says that a value has another type than wanted, such as "a string".
func Mismatch(n *Node, want string) string { return "want " + want + ", got " + n.Describe() }

// NotText says why a value is not a string, and what makes it one.
func NotText(n *Node) string {
	message := Mismatch(n, "a string")
	switch n.Kind {
	case Bool, Int, Float:
		message += "; put it in quotes: " + problem.Quote(n.Text)
	}
	return message
}

// Unknown says that a key is not one of the known names, and which one may be meant.
func Unknown(key string, names []string) string {
	if near := problem.Nearest(key, names); near != "" {
		return "is not a known field; did you mean " + near + "?"
	}
	return "is not a known field; remove it"
}

// Missing says that a required field is missing.
const Missing = "is missing; it is required here"

// IsInteger accepts decimal numbers without leading zeros, and hexadecimal and octal ones that
// begin with 0x and 0o.
func IsInteger(s string) bool {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || digits == "" {
		return false
	}
	if rest, ok := strings.CutPrefix(digits, "0x"); ok {
		return rest != "" && strings.Trim(rest, "0123456789abcdefABCDEF") == ""
	}
	if rest, ok := strings.CutPrefix(digits, "0o"); ok {
		return rest != "" && strings.Trim(rest, "01234567") == ""
	}
	return strings.Trim(digits, "0123456789") == "" && (digits == "0" || digits[0] != '0')
}

// OddInteger refuses notations that one YAML version reads differently from the next.
func OddInteger(s string) string {
	return "the number " + problem.Quote(s) + " can be read in two ways; write it as a decimal number without leading zeros and underscores"
}

// integer returns the value of a whole number, or what is wrong with it.
func integer(n *Node) (i int64, wrong string) {
	switch {
	case n.Kind == Text && IsInteger(n.Text):
		return 0, Mismatch(n, "an integer") + "; remove the quotes"
	case n.Kind != Int:
		return 0, Mismatch(n, "an integer")
	case !IsInteger(n.Text):
		return 0, OddInteger(n.Text)
	}
	i, err := strconv.ParseInt(n.Text, 0, 64)
	if err != nil {
		return 0, "the number " + problem.Quote(n.Text) + " is out of range"
	}
	return i, ""
}

// Number returns the value of a number, or what is wrong with it.
func Number(n *Node) (f float64, wrong string) {
	if n.Kind == Int {
		if !IsInteger(n.Text) {
			return 0, OddInteger(n.Text)
		}
		if i, err := strconv.ParseInt(n.Text, 0, 64); err == nil {
			return float64(i), ""
		}
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	if err != nil || math.IsInf(f, 0) {
		return 0, "the number " + problem.Quote(n.Text) + " is out of range or not in plain notation"
	}
	return f, ""
}
