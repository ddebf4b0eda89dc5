// Package strictjson reads the JSON documents that trust rests on, so that two readers cannot
// understand one document differently: every key once and known, in its exact letter case, nothing
// after the end, no null in place of a value.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// Decode reads data, of at most limit bytes, into v, a pointer to a struct. Whatever of data does
// not come out of v again when v is written is an error: an unknown key, a key in another letter
// case, a missing key, a null.
func Decode(data []byte, limit int, v any) error {
	if len(data) > limit {
		return fmt.Errorf("the document has %d bytes, the limit is %d", len(data), limit)
	}
	canonical, err := Canonical(data)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return readable(err)
	}
	return roundTrip(canonical, v)
}

// DecodeChecked is [Decode] with a check of what was read.
func DecodeChecked(data []byte, limit int, v any, check func() error) error {
	if err := Decode(data, limit, v); err != nil {
		return err
	}
	return check()
}

// EncodeChecked is [MarshalIndent] of what a check lets pass.
func EncodeChecked(v any, check func() error) ([]byte, error) {
	if err := check(); err != nil {
		return nil, err
	}
	return MarshalIndent(v)
}

// Canonical returns data, one JSON text, with keys sorted bytewise and without white space. Equal
// values give equal bytes. Double keys, invalid UTF-8, nesting beyond [abi.MaxDepth] and bytes
// after the text are errors.
func Canonical(data []byte) ([]byte, error) {
	item, err := cbor.FromJSON(nil, data, abi.MaxDepth)
	if err != nil {
		return nil, err
	}
	return cbor.ToJSON(nil, item)
}

// Marshal returns the canonical JSON of v.
func Marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return Canonical(data)
}

// MarshalIndent returns v as JSON for people: in the order of the struct's fields, indented by two
// blanks, with a line break at the end.
func MarshalIndent(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(v)
	return b.Bytes(), err
}

// readable drops the names of Go types from an error of encoding/json.
func readable(err error) error {
	var wrongType *json.UnmarshalTypeError
	if errors.As(err, &wrongType) && wrongType.Field == "" {
		return fmt.Errorf("the document must be an object, it is of type %s", wrongType.Value)
	}
	if errors.As(err, &wrongType) {
		return fmt.Errorf("%s: unexpected %s", wrongType.Field, wrongType.Value)
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

func roundTrip(canonical []byte, v any) error {
	written, err := Marshal(v)
	if err != nil {
		return err
	}
	if bytes.Equal(canonical, written) {
		return nil
	}
	read, err := generic(canonical)
	if err != nil {
		return err
	}
	want, err := generic(written)
	if err != nil {
		return err
	}
	return difference("", read, want)
}

func generic(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// difference names the first place, in the order of keys, where the document read differs from the
// one it was taken for.
func difference(path string, read, want any) error {
	if read == nil && path == "" {
		return errors.New("the document must be an object, it is null")
	}
	switch want := want.(type) {
	case map[string]any:
		if read, ok := read.(map[string]any); ok {
			return objectDifference(path, read, want)
		}
	case []any:
		if read, ok := read.([]any); ok && len(read) == len(want) {
			for i := range want {
				if err := difference(join(path, strconv.Itoa(i)), read[i], want[i]); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if read == nil {
		return fmt.Errorf("%s: must not be null", path)
	}
	if scalar(read) && scalar(want) && read == want {
		return nil
	}
	return fmt.Errorf("%s: is not in the form that the format asks for", path)
}

func objectDifference(path string, read, want map[string]any) error {
	for _, key := range sortedKeys(read) {
		value, ok := want[key]
		if !ok {
			return fmt.Errorf("%s: must be left out: it is empty, or its name has another letter case", join(path, key))
		}
		if err := difference(join(path, key), read[key], value); err != nil {
			return err
		}
	}
	for _, key := range sortedKeys(want) {
		if _, ok := read[key]; !ok {
			return fmt.Errorf("%s: is missing", join(path, key))
		}
	}
	return nil
}

func scalar(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
