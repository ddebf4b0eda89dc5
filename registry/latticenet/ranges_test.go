package latticenet_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/latticenet"
)

func TestCheckRange(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"", "*", "  ", ">=0", ">=0.8.0-alpha.5", ">=0.8.0-alpha.5, <0.9", ">=0.8 <0.9", ">=0.8,<0.9,>1", ">1 !=1.0.2 <=1.1", "1.0.0", "=1", "==1.0",
		"1", "v1.0.0", "!=1.0.0+x", "01", ">99999999999999999998", "1.0.0-rc.1", "0.0.1-0", "2-a-b",
	} {
		if err := latticenet.CheckRange(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestCheckRangeRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"^1", "~1", "1.x", "1.*", "*,1", "1 || 2", ">=1 || <0", ">=", ">= 1", "=>1", "<>1", "===1", "!1", "abc", "1-", "1.2.3.4", "1..2", ".1", "1.", "-1",
		"1-a..b", "1-a_b", "1\n", "1;2", "１", ",", " , ", "1 - 2", strings.Repeat("1 ", 200),
	} {
		if err := latticenet.CheckRange(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
	err := latticenet.CheckRange("1, ^2")
	want := `"^2" must be a version directly after one of >=, <=, >, <, =, ==, != or nothing`
	if diff := cmp.Diff(want, errorText(err)); diff != "" {
		t.Error(diff)
	}
}
