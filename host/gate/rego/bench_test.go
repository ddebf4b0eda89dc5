//go:build !lattice_norego

package rego

import (
	"slices"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/host/gate"
)

func deployment(t testing.TB) (*Engine, *gate.Input) {
	t.Helper()
	all := archives(t, "decide")
	i := slices.IndexFunc(all, func(a archive) bool { return a.name() == "deployment" })
	e, err := Parse(all[i].rules, all[i].data, Options{TimeLimit: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return e, all[i].document(t)
}

func BenchmarkParse(b *testing.B) {
	all := archives(b, "decide")
	i := slices.IndexFunc(all, func(a archive) bool { return a.name() == "deployment" })
	for b.Loop() {
		if _, err := Parse(all[i].rules, all[i].data, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	e, in := deployment(b)
	if a := evaluate(b, e, in); a.Verdict != gate.Allow {
		b.Fatalf("got %+v", a)
	}
	b.ReportAllocs()
	for b.Loop() {
		evaluate(b, e, in)
	}
}
