// Package cbor reads and writes the messages of the ABI as deterministic CBOR (RFC 8949, section
// 4.2.1), and turns them into JSON and back without loss.
//
// The data model is JSON's: null, booleans, integers from -2⁶³ to 2⁶⁴-1, finite floating-point
// numbers, UTF-8 text, arrays, and objects with text keys. Byte strings, tags, indefinite lengths,
// undefined, NaN and infinities are not part of it. An integer and a floating-point number of the
// same value stay apart: 1 is written as 1, 1.0 as 1.0.
//
// A guest reads a message in place: text points into the message, nothing is looked up by
// reflection and no Go map is built. [Validate] checks a message completely before anything else
// reads it; [Decoder] checks no more than it needs to stay inside the message.
package cbor

// Raw is one encoded data item. An empty Raw means that the value is absent.
type Raw []byte

// Entry is one key of a [Map] with its value.
type Entry[T any] struct {
	Key   string
	Value T
}

// Map is an object with free keys, as a slice sorted by key: bytewise, each key once.
type Map[T any] []Entry[T]

// Get returns the value of key, or nil when the key is absent. The pointer stays valid until m is
// changed.
func (m Map[T]) Get(key string) *T {
	for i := range m {
		if m[i].Key == key {
			return &m[i].Value
		}
	}
	return nil
}

// Set puts value under key, at its place in the order.
//
//go:noinline
func (m *Map[T]) Set(key string, value T) {
	at := 0
	for at < len(*m) && (*m)[at].Key < key {
		at++
	}
	if at < len(*m) && (*m)[at].Key == key {
		(*m)[at].Value = value
		return
	}
	*m = append(*m, Entry[T]{})
	copy((*m)[at+1:], (*m)[at:])
	(*m)[at] = Entry[T]{Key: key, Value: value}
}

// KeyOrder compares two keys in the order that deterministic CBOR gives them: by length, then
// bytewise.
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

// member is one key of an object and where something about it lies.
type member struct {
	key string
	at  int
}

// membersAtHand is how many members need no allocation. Most objects have fewer.
const membersAtHand = 16

// bytewiseBefore is the order of the keys of a [Map].
func bytewiseBefore(a, b string) bool { return a < b }

// encodedBefore is [KeyOrder].
func encodedBefore(a, b string) bool { return KeyOrder(a, b) < 0 }

// sortMembers sorts members whose keys differ, by Shell's method with the gaps of Knuth: for a few,
// which is what there nearly always are, that is sorting by insertion. The standard library's
// sorting is 3 KiB of code a type.
func sortMembers(members []member, before func(a, b string) bool) {
	gap := 1
	for gap < len(members)/3 {
		gap = 3*gap + 1
	}
	for ; gap > 0; gap /= 3 {
		for i := gap; i < len(members); i++ {
			m, at := members[i], i
			for ; at >= gap && before(m.key, members[at-gap].key); at -= gap {
				members[at] = members[at-gap]
			}
			members[at] = m
		}
	}
}

// AppendMap appends m as an object, each value written by appendValue.
func AppendMap[T any](b []byte, m Map[T], appendValue func([]byte, *T) []byte) []byte {
	var few [membersAtHand]member
	members := few[:0]
	for i := range m {
		members = append(members, member{m[i].Key, i})
	}
	sortMembers(members, encodedBefore)
	b = AppendObjectHeader(b, len(m))
	for _, e := range members {
		b = appendValue(AppendString(b, e.key), &m[e.at].Value)
	}
	return b
}

// DecodeMap reads an object into a sorted map, each value read by decodeValue.
func DecodeMap[T any](d *Decoder, decodeValue func(*Decoder, *T)) Map[T] {
	members, end := d.sortedMembers(nil)
	if len(members) == 0 {
		return nil
	}
	m := make(Map[T], len(members))
	for i, e := range members {
		m[i].Key = e.key
		d.pos = e.at
		decodeValue(d, &m[i].Value)
		if d.Failed() {
			d.At(e.key)
			return nil
		}
	}
	d.pos = end
	return m
}

// sortedMembers skips an object and appends its keys in bytewise order with the positions of
// their values. It also returns the position after the object.
func (d *Decoder) sortedMembers(members []member) (_ []member, end int) {
	key := ""
	for i := range d.Object() {
		key = d.Key(i, key)
		members = append(members, member{key, d.pos})
		d.Skip()
		if d.err != nil {
			return nil, d.pos
		}
	}
	sortMembers(members, bytewiseBefore)
	return members, d.pos
}
