//go:build !lattice_norego

package rego

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/internal/problem"
)

func FuzzParse(f *testing.F) {
	for _, folder := range [...]string{"decide", "load"} {
		for _, a := range archives(f, folder) {
			for _, r := range a.rules {
				f.Add(r.Text, []byte(`{"a":1}`))
			}
			for _, d := range a.data {
				f.Add([]byte("package lattice.outputs\ndeny contains \"x\" if data.a"), d.Text)
			}
		}
	}
	f.Fuzz(func(t *testing.T, module, data []byte) {
		e, err := Parse([]File{{"f.rego", module}}, []File{{"f.yaml", data}}, Options{TimeLimit: 100 * time.Millisecond})
		if (err == nil) != (e != nil) || err != nil && !errors.Is(err, problem.Invalid) {
			t.Fatalf("got %v and %v", e, err)
		}
		if e != nil {
			evaluate(t, e, outputs(map[string]any{"a": json.Number("1")}))
		}
	})
}
