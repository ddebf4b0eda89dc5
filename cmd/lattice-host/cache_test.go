package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/codecache"
)

func TestCompiledTable(t *testing.T) {
	t.Parallel()
	used := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("CET", 3600))
	header := codecache.Header{Engine: "this", Plugin: "acme/web@1.2.3", Digest: "sha256:" + strings.Repeat("0f", 32)}
	other := header
	other.Engine = "another"
	var plugins []compiledPlugin
	for _, e := range []codecache.Listed{
		{Header: header, Bytes: 10 << 20, Used: used},
		{Header: other, Bytes: 1 << 19, Used: used},
		{Bytes: 12, Used: used, Err: fmt.Errorf("%w: it is a link", codecache.ErrDamaged)},
	} {
		plugins = append(plugins, newCompiledPlugin(e, "this"))
	}
	var b strings.Builder
	writeCompiledTable(&b, plugins)
	want := `PLUGIN          DIGEST               SIZE      LAST USED             STATE
acme/web@1.2.3  sha256:0f0f0f0f0f0f  10.0 MiB  2026-01-02T02:04:05Z  ok
acme/web@1.2.3  sha256:0f0f0f0f0f0f  0.5 MiB   2026-01-02T02:04:05Z  other version
unknown         unknown              0.0 MiB   2026-01-02T02:04:05Z  damaged
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
