package exactjson_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/internal/exactjson"
)

type document struct {
	Name string          `json:"name"`
	Note string          `json:"note,omitempty"`
	Raw  json.RawMessage `json:"raw,omitempty"`
}

func TestUnmarshal(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		reason, data string
		err          error
	}{
		"Good":      {"what Marshal writes", `{"name":"<é>","raw":{"a":1.0,"b":null}}`, nil},
		"Order":     {"keys have one order", `{"raw":1,"name":"a"}`, exactjson.ErrSpelling},
		"Inside":    {"also in raw values", `{"name":"a","raw":{"b":1,"a":1}}`, exactjson.ErrSpelling},
		"Space":     {"no white space", `{"name": "a"}`, exactjson.ErrSpelling},
		"Break":     {"no line break", "{\"name\":\"a\"}\n", exactjson.ErrSpelling},
		"Case":      {"one letter case", `{"Name":"a"}`, exactjson.ErrSpelling},
		"Twice":     {"a key once", `{"name":"b","name":"a"}`, exactjson.ErrSpelling},
		"TwiceDeep": {"a key once", `{"name":"b","raw":{"a":1,"a":1}}`, errors.New(`raw: the key "a" is a duplicate`)},
		"Unknown":   {"known keys", `{"name":"a","other":1}`, exactjson.ErrSpelling},
		"Escape":    {"one spelling of text", `{"name":"\u0061"}`, exactjson.ErrSpelling},
		"Empty":     {"no empty optional value", `{"name":"a","note":""}`, exactjson.ErrSpelling},
		"Null":      {"no null", `null`, exactjson.ErrSpelling},
		"Type":      {"the type", `{"name":1}`, exactjson.ErrSpelling},
		"Nothing":   {"something", ``, exactjson.ErrSpelling},
		"Long":      {"a limit", `{"name":"` + strings.Repeat("a", 100) + `"}`, errors.New("it has 111 bytes, the limit is 100")},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d document
			err := exactjson.Unmarshal([]byte(tc.data), 100, &d)
			if !errors.Is(err, tc.err) && (err == nil || tc.err == nil || err.Error() != tc.err.Error()) {
				t.Errorf("%s: got %v, want %v", tc.reason, err, tc.err)
			}
		})
	}
}
