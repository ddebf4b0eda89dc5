package sdk

import (
	"iter"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// Value is a lazy view of a free-form value: nothing is decoded before it is asked for. A value
// that is absent, null or of another type reads as zero.
type Value cbor.Raw

// Exists reports whether the value is there and not null.
func (v Value) Exists() bool { return len(v) > 0 && !v.decoder().Null() }

// Get returns the value of a key of an object.
func (v Value) Get(key string) Value {
	for k, value := range v.Members() {
		if k == key {
			return value
		}
	}
	return nil
}

// Members iterates over an object's keys and values in the order of the encoding. Anything else has
// none.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if len(v) == 0 {
			return
		}
		d := v.decoder()
		key := ""
		for i := range d.Object() {
			key = d.Key(i, key)
			value := d.Raw()
			if d.Failed() || !yield(key, Value(value)) {
				return
			}
		}
	}
}

// Items iterates over an array. Anything else has none.
func (v Value) Items() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if len(v) == 0 {
			return
		}
		d := v.decoder()
		for range d.Array() {
			item := d.Raw()
			if d.Failed() || !yield(Value(item)) {
				return
			}
		}
	}
}

// String returns text, or "" for anything else.
func (v Value) String() string { return v.decoder().String() }

// Int returns an integer, or 0 for anything else.
func (v Value) Int() int64 { return v.decoder().Int() }

// Float returns a number, or 0 for anything else.
func (v Value) Float() float64 { return v.decoder().Float() }

// Bool returns a boolean, or false for anything else.
func (v Value) Bool() bool { return v.decoder().Bool() }

func (v Value) decoder() *cbor.Decoder { return cbor.NewDecoder(v) }
