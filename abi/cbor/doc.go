// Package cbor reads and writes the messages of the ABI as deterministic CBOR (RFC 8949, section 4.2.1), and turns them
// into JSON and back without loss.
//
// The data model is JSON's: null, booleans, integers from -2⁶³ to 2⁶⁴-1, finite floating-point numbers, UTF-8 text,
// arrays, and objects with text keys. Byte strings, tags, indefinite lengths, undefined, NaN and infinities are not part
// of it. An integer and a floating-point number of the same value stay apart: 1 is written as 1, 1.0 as 1.0.
//
// A guest reads a message in place: text points into the message, nothing is looked up by reflection and no Go map is
// built. [Validate] checks a message completely before anything else reads it; [Decoder] checks no more than it needs to
// stay inside the message.
package cbor

import "slices"

// Raw is one encoded data item. An empty Raw means that the value is absent.
type Raw []byte

// Entry is one key of a [Map] with its value.
type Entry[T any] struct {
	Key   string
	Value T
}

// Map is an object with free keys, as a slice sorted by key: bytewise, each key once.
type Map[T any] []Entry[T]

// Get returns the value of key, or nil when the key is absent. The pointer stays valid until m is changed.
func (m Map[T]) Get(key string) *T {
	i, ok := m.search(key)
	if !ok {
		return nil
	}
	return &m[i].Value
}

// Set puts value under key, at its place in the order.
func (m *Map[T]) Set(key string, value T) {
	i, ok := m.search(key)
	if ok {
		(*m)[i].Value = value
		return
	}
	*m = slices.Insert(*m, i, Entry[T]{Key: key, Value: value})
}

func (m Map[T]) search(key string) (int, bool) {
	// Keys mostly arrive in order, so that the end is the likely place.
	if n := len(m); n == 0 || m[n-1].Key < key {
		return n, false
	}
	return slices.BinarySearchFunc(m, key, func(e Entry[T], k string) int {
		switch {
		case e.Key < k:
			return -1
		case e.Key > k:
			return 1
		}
		return 0
	})
}

// KeyOrder compares two keys in the order that deterministic CBOR gives them: by length, then bytewise.
func KeyOrder(a, b string) int {
	switch {
	case len(a) != len(b):
		return len(a) - len(b)
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// inCBOROrder returns the entries' indices in the order of their encoded keys.
func (m Map[T]) inCBOROrder() []int {
	order := make([]int, len(m))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return KeyOrder(m[i].Key, m[j].Key) })
	return order
}

// AppendMap appends m as an object, each value written by appendValue.
func AppendMap[T any](b []byte, m Map[T], appendValue func([]byte, *T) []byte) []byte {
	b = AppendObjectHeader(b, len(m))
	if len(m) == 1 {
		return appendValue(AppendString(b, m[0].Key), &m[0].Value)
	}
	for _, i := range m.inCBOROrder() {
		b = appendValue(AppendString(b, m[i].Key), &m[i].Value)
	}
	return b
}

// DecodeMap reads an object into a sorted map, each value read by decodeValue.
func DecodeMap[T any](d *Decoder, decodeValue func(*Decoder, *T)) Map[T] {
	n := d.Object()
	if n == 0 {
		return nil
	}
	m := make(Map[T], 0, min(n, d.remaining()/2+1))
	key := ""
	for i := range n {
		key = d.Key(i, key)
		var value T
		decodeValue(d, &value)
		if d.Failed() {
			d.At(key)
			return nil
		}
		m.Set(key, value)
	}
	return m
}
