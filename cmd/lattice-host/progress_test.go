package main

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestProgress(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason string
		do     func(p *progress)
		want   string
	}{
		"Quick": {
			"What is quick is not worth a word.",
			func(p *progress) {
				p.compiling("demo/a@1.0.0", false)
				time.Sleep(quiet / 2)
				p.compiling("demo/a@1.0.0", true)
			},
			"",
		},
		"Slow": {
			"A slow plugin is named, and the line taken back.",
			func(p *progress) {
				p.compiling("demo/a@1.0.0", false)
				time.Sleep(2 * quiet)
				p.compiling("demo/a@1.0.0", true)
			},
			clearLine + "compiling demo/a@1.0.0 …" + clearLine + clearLine,
		},
		"Several": {
			"Of several plugins one is named, and other lines stand above.",
			func(p *progress) {
				p.compiling("demo/a@1.0.0", false)
				p.compiling("demo/b@1.0.0", false)
				time.Sleep(2 * quiet)
				p.above(func() { _, _ = p.terminal.Write([]byte("a line\n")) })
				p.compiling("demo/a@1.0.0", true)
			},
			clearLine + "compiling demo/a@1.0.0 and 1 more …" + clearLine + "a line\n" + clearLine + "compiling demo/a@1.0.0 and 1 more …" +
				clearLine + "compiling demo/b@1.0.0 …" + clearLine,
		},
		"Counted": {
			"Where it is known how many there are, they are counted without those that were compiled before.",
			func(p *progress) {
				p.total = 4
				p.compiling("demo/a@1.0.0", false)
				time.Sleep(2 * quiet)
				p.notCompiling()
				p.compiling("demo/a@1.0.0", true)
				p.compiling("demo/b@1.0.0", false)
			},
			clearLine + "compiling 1/4 demo/a@1.0.0 …" + clearLine + "compiling 1/3 demo/a@1.0.0 …" + clearLine +
				clearLine + "compiling 2/3 demo/b@1.0.0 …" + clearLine,
		},
		"Counts": {
			"What is counted is shown now and then, never backwards, and not any more when all is done.",
			func(p *progress) {
				p.counting("deriving", 1, 9)
				time.Sleep(quiet + redraw)
				p.counting("deriving", 3, 9)
				p.counting("deriving", 4, 9)
				time.Sleep(redraw)
				p.counting("deriving", 2, 9)
				time.Sleep(redraw)
				p.counting("deriving", 9, 9)
			},
			clearLine + "deriving 1/9 …" + clearLine + "deriving 3/9 …" + clearLine + "deriving 4/9 …" + clearLine + clearLine,
		},
		"CompilingFirst": {
			"A plugin that is compiled is what is waited for.",
			func(p *progress) {
				p.counting("deriving", 1, 9)
				p.compiling("demo/a@1.0.0", false)
				time.Sleep(2 * quiet)
				p.compiling("demo/a@1.0.0", true)
			},
			clearLine + "compiling demo/a@1.0.0 …" + clearLine + "deriving 1/9 …" + clearLine,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var b strings.Builder
				p := &progress{terminal: &b}
				tc.do(p)
				p.end()
				time.Sleep(2 * quiet)
				if d := cmp.Diff(tc.want, b.String()); d != "" {
					t.Errorf("%s\n%s", tc.reason, d)
				}
			})
		})
	}
}

func TestProgressNeedsTerminal(t *testing.T) {
	t.Parallel()
	file, err := os.Create(t.TempDir() + "/stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if p := newProgress(file); p.terminal != nil {
		t.Error("a file is taken for a terminal")
	}
}
