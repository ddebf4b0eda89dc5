package tuf_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

func TestNote(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		custom string
		want   tuf.Note
		says   string
	}{
		"None":             {"", tuf.Note{}, ""},
		"Empty":            {"{}", tuf.Note{}, ""},
		"Yanked":           {`{"yanked":{"reason":"leaks"}}`, tuf.Note{Yanked: &tuf.Yanked{Reason: "leaks"}}, ""},
		"Deprecated":       {`{"deprecated":{"reason":"old","replacement":"acme/web@2.0.0"}}`, tuf.Note{Deprecated: &tuf.Deprecated{Reason: "old", Replacement: "acme/web@2.0.0"}}, ""},
		"Both":             {`{"deprecated":{"reason":"old"},"yanked":{"reason":"leaks"}}`, tuf.Note{Yanked: &tuf.Yanked{Reason: "leaks"}, Deprecated: &tuf.Deprecated{Reason: "old"}}, ""},
		"NoReason":         {`{"deprecated":{"replacement":"x"}}`, tuf.Note{}, "deprecated.reason: is missing"},
		"EmptyReplacement": {`{"deprecated":{"reason":"x","replacement":""}}`, tuf.Note{}, "deprecated.replacement"},
		"Escape":           {`{"yanked":{"reason":"\u001b[2J"}}`, tuf.Note{}, "yanked.reason: must be one line of 1 to 500 bytes"},
		"Null":             {`{"yanked":null}`, tuf.Note{}, "yanked"},
		"Unknown":          {`{"yanking":{}}`, tuf.Note{}, "yanking"},
		"Long":             {`{"yanked":{"reason":"` + strings.Repeat("x", 4096) + `"}}`, tuf.Note{}, "the limit is 4096"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			target := &tuf.Target{Name: web1, Role: "releases"}
			if tc.custom != "" {
				target.Custom = []byte(tc.custom)
			}
			got, err := target.Note()
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if (err == nil) != (tc.says == "") || err != nil && (!errors.Is(err, tuf.ErrMalformed) || !strings.Contains(err.Error(), tc.says)) {
				t.Errorf("got %v, want %q", err, tc.says)
			}
		})
	}
}
