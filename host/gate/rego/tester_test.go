//go:build !lattice_norego

package rego

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTester(t *testing.T) {
	t.Parallel()
	files := []File{
		{"a.rego", []byte("package lattice.outputs\ndeny contains \"x\" if input.subject == \"x\"\ndeny contains \"y\" if input.subject == \"y\"\nwarn contains \"w\"")},
		{"a_test.rego", []byte(`package lattice.outputs_test

import data.lattice.outputs

test_x if outputs.deny == {"x"} with input.subject as "x"

test_wrong if outputs.deny == {"z"} with input.subject as "x"

test_broken if to_number("x") == 1

todo_test_later if true

test_cases[name] if {
	some name, subject in {"good": "x", "bad": "z"}
	count(outputs.deny) == 1 with input.subject as subject
}
`)},
	}
	report, err := Test(t.Context(), files, nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := &Report{
		Results: []Result{
			{"lattice.outputs_test.test_x", "a_test.rego:5:1", ""},
			{"lattice.outputs_test.test_wrong", "a_test.rego:7:1", "is not true"},
			{"lattice.outputs_test.test_broken", "a_test.rego:9:1", `a_test.rego:9:16: to_number: strconv.ParseFloat: parsing "x": invalid syntax`},
			{"lattice.outputs_test.todo_test_later", "a_test.rego:11:1", "is skipped; a test that does not run tests nothing"},
			{"lattice.outputs_test.test_cases", "a_test.rego:13:1", "is not true for bad"},
		},
		Silent: []string{"a.rego:3:1: lattice.outputs.deny"},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := len(report.Failed()); got != 4 {
		t.Errorf("%d failed, want 4", got)
	}
	annotated := rules("package lattice.outputs\n# METADATA\n# schemas:\n#   - input: schema.input\ndeny contains \"x\" if input.subject")
	if report, err = Test(t.Context(), annotated, nil, Options{}); err != nil || len(report.Silent) != 1 {
		t.Errorf("got %+v and %v", report, err)
	}
	for body, want := range map[string]string{
		"package lattice.outputs_test\ntest_a if http.send({\"url\": \"x\"})":        "b_test.rego:2:11: undefined function http.send",
		"package lattice.outputs_test\ntest_a if data.lattice.outputs.dney == set()": "lattice.outputs_test.test_a: data.lattice.outputs.dney: the package lattice.outputs has no rule dney",
		"package lattice.outputs\ndeny_2 contains \"a\"":                             "b_test.rego:1:1: lattice.outputs: the file's name ends in _test.rego, so its package must end in _test",
		"package lattice.other_test\ntest_a if true":                                 "lattice.other_test: no gate reads this package",
	} {
		_, err := Test(t.Context(), append(files[:1:1], File{"b_test.rego", []byte(body)}), nil, Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngot  %v\nwant %s", body, err, want)
		}
	}
}
