package sandbox

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

func TestPrepare(t *testing.T) {
	t.Parallel()
	build := func(change func(*guestModule)) []byte {
		g := guestModule{answer: "{}"}
		if change != nil {
			change(&g)
		}
		return g.build()
	}
	for _, c := range []struct {
		reason string
		in     []byte
		want   []byte
	}{
		{"nothing to do", build(nil), build(nil)},
		{"no sections", []byte("\x00asm\x01\x00\x00\x00"), []byte("\x00asm\x01\x00\x00\x00")},
		{"custom sections go", build(func(g *guestModule) { g.Custom("name", []byte("x")); g.Custom("lattice.manifest", []byte("{}")) }), build(nil)},
		{
			"a table gets a maximum",
			build(func(g *guestModule) { g.Table(7, -1) }), build(func(g *guestModule) { g.Table(7, maxTableElements) }),
		},
		{
			"a maximum is lowered",
			build(func(g *guestModule) { g.Table(7, 1<<31) }), build(func(g *guestModule) { g.Table(7, maxTableElements) }),
		},
		{
			"a low maximum stays",
			build(func(g *guestModule) { g.Table(7, 8) }), build(func(g *guestModule) { g.Table(7, 8) }),
		},
		{
			"data segments are joined",
			build(func(g *guestModule) {
				g.answer, g.call = "{", packed(answerAt, 2)
				g.Data(answerAt+1, []byte("}"))
			}), build(nil),
		},
		{
			"data segments that an instruction may name are not",
			build(func(g *guestModule) { g.Data(100, []byte("a")); g.PassiveData([]byte("c")) }),
			build(func(g *guestModule) { g.Data(100, []byte("a")); g.PassiveData([]byte("c")) }),
		},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(c.in)
			m, err := wasmbin.Parse(c.in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, prepare(c.in, m)); diff != "" {
				t.Errorf("module (-want +got):\n%s", diff)
			}
			if !slices.Equal(before, c.in) {
				t.Error("the module itself was changed")
			}
		})
	}
}
