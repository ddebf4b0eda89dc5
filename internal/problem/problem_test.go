package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/internal/problem"
)

func TestProblem(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		reason string
		p      problem.Problem
		want   string
	}{
		{"everything is known", problem.Problem{Position: problem.Position{File: "a.yaml", Line: 3, Column: 5}, Object: "LatticeService media/jellyfin", Field: "spec.replicas", Message: "is wrong"}, "a.yaml:3:5: LatticeService media/jellyfin: spec.replicas: is wrong"},
		{"a derived document has no place", problem.Problem{Object: "LatticeService a/b", Message: "is wrong"}, "LatticeService a/b: is wrong"},
		{"a file without line", problem.Problem{Position: problem.Position{File: "a.yaml"}, Message: "is wrong"}, "a.yaml: is wrong"},
		{"a line without column", problem.Problem{Position: problem.Position{File: "a.yaml", Line: 3}, Message: "is wrong"}, "a.yaml:3: is wrong"},
		{"one problem is one line", problem.Problem{Field: "a\nb\x1b\u202e", Message: "é 😀"}, `a\nb\x1b\u202e: é 😀`},
	} {
		if got := tc.p.Error(); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.reason, got, tc.want)
		}
		if !errors.Is(tc.p, problem.Invalid) {
			t.Errorf("%s: a problem must be problem.Invalid", tc.reason)
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	names := []string{"id", "image", "args", "replicas", "volumes"}
	for s, want := range map[string]string{
		"imag": "image", "Image": "image", "replica": "replicas", "volume": "volumes", "imgae": "image", "ID": "id",
		"it": "id", "xx": "", "frobnicate": "", "": "", "argv": "args",
	} {
		if got := problem.Nearest(s, names); got != want {
			t.Errorf("problem.Nearest(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestCompareNatural(t *testing.T) {
	t.Parallel()
	want := []string{"", "a", "a.yaml:1:9", "a.yaml:2", "a.yaml:2:10", "a.yaml:02:11", "a.yaml:10:1", "a10", "ab", "b1"}
	for _, shuffle := range [][]int{{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, {5, 0, 7, 3, 9, 1, 8, 2, 6, 4}} {
		var got []string
		for _, i := range shuffle {
			got = append(got, want[i])
		}
		slices.SortFunc(got, problem.CompareNatural)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
}

// FuzzCompareNatural checks that the order is one.
func FuzzCompareNatural(f *testing.F) {
	f.Add("a:9", "a:10", "a:010")
	f.Add("1", "01", "a")
	f.Fuzz(func(t *testing.T, a, b, c string) {
		if problem.CompareNatural(a, b) != -problem.CompareNatural(b, a) {
			t.Errorf("%q and %q are before each other", a, b)
		}
		if (problem.CompareNatural(a, b) == 0) != (a == b) {
			t.Errorf("%q and %q are taken for equal", a, b)
		}
		if problem.CompareNatural(a, b) < 0 && problem.CompareNatural(b, c) < 0 && problem.CompareNatural(a, c) >= 0 {
			t.Errorf("%q, %q and %q go in a circle", a, b, c)
		}
	})
}

func TestCodes(t *testing.T) {
	t.Parallel()
	exits := map[int]problem.Code{}
	for _, code := range problem.Codes() {
		if other, taken := exits[code.Exit()]; taken {
			t.Errorf("%s and %s have the exit code %d", code, other, code.Exit())
		}
		exits[code.Exit()] = code
	}
	if got := problem.Code("strange").Exit(); got != problem.Internal.Exit() {
		t.Errorf("a code that is not in the list has the exit code %d", got)
	}
}

var errGone = problem.New(problem.Conflict, "gone")

// toldError is an error of another package that reports itself as a problem.
type toldError struct{ cause error }

func (e *toldError) Error() string { return "for logs" }
func (e *toldError) Unwrap() error { return e.cause }
func (e *toldError) AsProblem() problem.Problem {
	return problem.Problem{Step: "web", Plugin: "acme/web@1.0.0", Digest: "sha256:" + strings.Repeat("ab", 32), Message: "trapped"}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	plain := errors.New("x")
	for name, tc := range map[string]struct {
		err  error
		want problem.Code
	}{
		"nothing":                     {nil, ""},
		"an error without a code":     {plain, problem.Internal},
		"a cancelled context":         {context.Canceled, problem.Internal},
		"a sentinel":                  {errGone, problem.Conflict},
		"a wrapped sentinel":          {fmt.Errorf("y: %w", errGone), problem.Conflict},
		"a problem":                   {problem.Problem{}, problem.Invalid},
		"a problem with a cause":      {problem.Problem{Cause: errGone}, problem.Conflict},
		"a cause without a code":      {problem.Problem{Cause: plain}, problem.Invalid},
		"a stronger cause":            {problem.Problem{Code: problem.Invalid, Cause: problem.With(problem.Denied, plain)}, problem.Denied},
		"the stronger of two":         {problem.With(problem.Invalid, errGone), problem.Conflict},
		"the strongest of several":    {errors.Join(plain, errGone, problem.With(problem.Untrusted, plain)), problem.Untrusted},
		"a list":                      {problem.List{{}, {Code: problem.Unreachable}}, problem.Unreachable},
		"a code itself":               {problem.Usage, problem.Usage},
		"a list within another error": {fmt.Errorf("x: %w", problem.List{{Code: problem.Plugin}}), problem.Plugin},
	} {
		if got := problem.CodeOf(tc.err); got != tc.want {
			t.Errorf("%s: got %q, want %q", name, got, tc.want)
		}
		if code := problem.CodeOf(tc.err); tc.err != nil && code != problem.Internal && !errors.Is(tc.err, code) {
			t.Errorf("%s: errors.Is does not find the code", name)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	boom := errors.New("boom")
	at := func(line int, text string) problem.Problem {
		return problem.Problem{Position: problem.Position{File: "a.yaml", Line: line, Column: 2}, Message: text}
	}
	err := problem.Join(
		nil,
		errors.Join(at(10, "ten"), problem.List{at(9, "nine"), at(10, "ten")}),
		problem.With(problem.Denied, errors.Join(boom, at(11, "eleven"))),
		fmt.Errorf("two causes %w and %w", boom, errGone),
		errors.New("compiler:\n  b\n  a"),
		&toldError{errGone},
		errGone,
	)
	want := `boom
compiler:
  b
  a
gone
step web (acme/web@1.0.0 sha256:abababababab): trapped
two causes boom and gone
a.yaml:9:2: nine
a.yaml:10:2: ten
a.yaml:11:2: eleven`
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Error(d)
	}
	var told *toldError
	if !errors.Is(err, boom) || !errors.Is(err, errGone) || !errors.As(err, &told) {
		t.Error("what was joined is not found in it")
	}
	var codes []string
	for _, p := range problem.From(err) {
		codes = append(codes, string(p.Code))
	}
	if d := cmp.Diff([]string{"denied", "internal", "conflict", "conflict", "conflict", "invalid", "invalid", "denied"}, codes); d != "" {
		t.Error(d)
	}
	for _, none := range []error{problem.Join(nil, nil), problem.List{}.Err(), problem.With(problem.Denied, nil)} {
		if none != nil {
			t.Errorf("got %v, want nil", none)
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	got, err := json.MarshalIndent(problem.List{
		{Position: problem.Position{File: "a.yaml", Line: 3, Column: 5}, Object: "LatticeService a/b", Field: "spec.x", Message: "is unknown", Hint: "remove it"},
		{Code: problem.Plugin, Severity: problem.Warning, Step: "web", Plugin: "acme/web@1.0.0", Digest: "sha256:00", Message: "m"},
		{Cause: errGone, Message: "m"},
	}, "", " ")
	want := `[
 {
  "code": "invalid",
  "severity": "error",
  "file": "a.yaml",
  "line": 3,
  "column": 5,
  "object": "LatticeService a/b",
  "field": "spec.x",
  "message": "is unknown",
  "hint": "remove it"
 },
 {
  "code": "plugin",
  "severity": "warning",
  "step": "web",
  "plugin": "acme/web@1.0.0",
  "digest": "sha256:00",
  "message": "m"
 },
 {
  "code": "conflict",
  "severity": "error",
  "message": "m"
 }
]`
	if d := cmp.Diff(want, string(got)); err != nil || d != "" {
		t.Error(err, d)
	}
}

// TestQuoteHidesKeys checks what a message repeats of a file.
func TestQuoteHidesKeys(t *testing.T) {
	t.Parallel()
	const hidden = "(hidden, it may be a key)"
	hex := strings.Repeat("0123456789abcdef", 4)
	for text, want := range map[string]string{
		"jellyfin":                      `"jellyfin"`,
		"a\nb":                          `"a\nb"`,
		strings.Repeat("é", 81):         `"` + strings.Repeat("é", 80) + `…"`,
		"example.com/a@sha256:" + hex:   `"example.com/a@sha256:` + hex[:59] + `…"`,
		strings.Repeat("long-name-", 6): `"` + strings.Repeat("long-name-", 6) + `"`,
		"spiffe://lattice.default.local/ns/media/sa/jellyfin-with-a-long-name": `"spiffe://lattice.default.local/ns/media/sa/jellyfin-with-a-long-name"`,
		"-----BEGIN PRIVATE KEY----- MC4CAQ":                                   hidden,
		"ENCRYPTED PRIVATE KEY":                                                hidden,
		"MC4CAQAwBQYDK2VwBCIEIJ0zr8VFBVw4UYHzV7Jy0kxQd3c9w1mX":                 hidden,
		"key: nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A= and more":           hidden,
		hex: hidden,
	} {
		if got := problem.Quote(text); got != want {
			t.Errorf("Quote(%q) = %s, want %s", text, got, want)
		}
	}
	if got := problem.Shorten(hex); got != hidden {
		t.Errorf("Shorten repeats %s", got)
	}
}
