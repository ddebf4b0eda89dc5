// Package exactjson reads and writes the JSON of files that only this program writes. One value has
// one spelling, so that whatever else is in such a file, be it a key in another letter case, a key
// twice or white space, is found.
package exactjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// maxDepth lets a file hold a document some levels down.
const maxDepth = abi.MaxDepth + 16

// ErrSpelling marks JSON that is not as [Marshal] writes it.
var ErrSpelling = errors.New("it is not as lattice-host writes it; it was edited, or another version wrote it")

// Marshal returns v as JSON with keys sorted bytewise and without white space.
func Marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	item, err := cbor.FromJSON(nil, data, maxDepth)
	if err != nil {
		return nil, err
	}
	return cbor.ToJSON(nil, item)
}

// Unmarshal reads data, of at most limit bytes, into v, a pointer. Data must be what [Marshal]
// returns for v: the error is [ErrSpelling] otherwise.
func Unmarshal(data []byte, limit int, v any) error {
	if len(data) > limit {
		return fmt.Errorf("it has %d bytes, the limit is %d", len(data), limit)
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrSpelling, err)
	}
	again, err := Marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return ErrSpelling
	}
	return nil
}
