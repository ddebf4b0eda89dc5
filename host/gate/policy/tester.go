package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/rego"
)

// Test runs the tests among the files that the options name: rules test_<name> in files
// *_test.rego, see package rego, and cases in files *_test.yaml, *_test.yml and *_test.json, which
// ask the Cedar policies:
//
//	cases:
//	  - name: plex reads the library
//	    request:
//	      principal: Service::"media/plex"
//	      action: AccessVolume
//	      resource: Volume::"media/media-storage"
//	    want: allow                       # allow, deny, no-opinion or error
//	    policies: [media.volumes]         # the ids of those that answer; without it, any
//
// Entities have the attributes that follow from their ids; attributes: {principal: {…}, resource:
// {…}} of a request sets others, context: {…} its context, groups: […] the groups of a user.
//
// The policies must pass [Load] first; the error is its error, or that tests cannot be read. A test
// that fails is not an error. [rego.Report.Silent] has the rules that deny and the policies that
// forbid that no test makes fire, except for those that come with the program.
func Test(ctx context.Context, o Options) (*rego.Report, error) {
	s, err := o.read()
	if s == nil || err != nil {
		return nil, err
	}
	set, err := s.set(o)
	if err != nil {
		return nil, err
	}
	report, err := rego.Test(ctx, append(slices.Clone(s.rules), s.tests...), s.data, rego.Options{TimeLimit: o.TimeLimit})
	if err != nil {
		return nil, err
	}
	var problems []error
	fired := map[string]bool{}
	for _, f := range s.cases {
		cases, err := readCases(&f)
		problems = append(problems, err)
		for i := range cases {
			report.Results = append(report.Results, set.run(ctx, &cases[i], fired))
		}
	}
	report.Silent = append(report.Silent, set.silent(fired)...)
	report.Silent = slices.DeleteFunc(report.Silent, func(s string) bool { return strings.HasPrefix(s, defaultPrefix) })
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return report, nil
}

// silent returns the policies that forbid and have not.
func (s *Set) silent(fired map[string]bool) []string {
	all := []string{}
	for _, id := range s.Cedar.IDs() {
		if p, ok := s.Cedar.Policy(id); ok && p.Forbids && !fired[id] {
			all = append(all, p.Position+": "+p.ID)
		}
	}
	return all
}

// run runs one case, and remembers the policies that answered.
func (s *Set) run(ctx context.Context, c *testCase, fired map[string]bool) rego.Result {
	result := rego.Result{Name: c.Name, Position: c.at.String()}
	r, err := c.request()
	if err != nil {
		result.Failure = err.Error()
		return result
	}
	answer, err := s.Cedar.Evaluate(ctx, &gate.Input{Point: gate.Admit, Requests: []gate.Request{*r}})
	if err != nil {
		result.Failure = err.Error()
		return result
	}
	var policies []string
	for _, reason := range answer.Reasons {
		if reason.Policy == "" && reason.Verdict == gate.Error {
			// What cannot be asked tests no policy, whatever is wanted.
			result.Failure = reason.Message
			return result
		}
		// A permit that a forbid overrules answers nothing.
		if reason.Policy != "" && reason.Verdict == answer.Verdict {
			policies = append(policies, reason.Policy)
			fired[reason.Policy] = true
		}
	}
	result.Failure = c.compare(answer.Verdict, policies)
	return result
}

// compare says how an answer is not what a case wants.
func (c *testCase) compare(v gate.Verdict, policies []string) string {
	slices.Sort(policies)
	policies = slices.Compact(policies)
	want := slices.Sorted(slices.Values(c.Policies))
	by := ""
	if len(policies) > 0 {
		by = " by " + strings.Join(policies, ", ")
	}
	switch {
	case c.Name == "":
		return "has no name; a test needs one"
	case new(gate.Verdict).UnmarshalText([]byte(c.Want)) != nil:
		return fmt.Sprintf("want: %q must be allow, deny, no-opinion or error", c.Want)
	case v.String() != c.Want:
		return fmt.Sprintf("want %s, got %s%s", c.Want, v, by)
	case c.Policies != nil && !slices.Equal(policies, want):
		return fmt.Sprintf("want %s by %s, got it%s", c.Want, strings.Join(want, ", "), cmp.Or(by, " by none"))
	}
	return ""
}
