package cbor

import (
	"slices"
	"unsafe"
)

// Kind says what a Go value is in a message, and so how it lies in memory.
type Kind uint8

// The kinds, with the Go types that they represent.
const (
	// KindText is string, or a type on top of it.
	KindText Kind = iota
	// KindBool is bool, or a type on top of it.
	KindBool
	// KindInt is int64, or a type on top of it.
	KindInt
	// KindFloat is float64, or a type on top of it.
	KindFloat
	// KindRaw is [Raw].
	KindRaw
	// KindStruct is a struct: an object whose keys are known.
	KindStruct
	// KindPointer is a pointer.
	KindPointer
	// KindList is a slice: an array.
	KindList
	// KindMap is a [Map]: an object with free keys.
	KindMap
	// KindCustom is a type that writes itself and cannot be read.
	KindCustom
)

// Type is what the codec knows about a Go type. Descriptions are made by codecgen, one a struct: a
// guest that carried code for every struct instead would be larger, slower to compile and, since a
// call is dear in WebAssembly, slower to run.
type Type struct {
	// Kind is the kind of a value.
	Kind Kind
	// Size is the distance between two of the values that a list or map holds, in bytes, for these
	// two kinds.
	Size uintptr
	// Elem is the type of what a pointer, list or map leads to.
	Elem *Type
	// Fields are those of a struct in the order of their encoded keys, at most 23.
	Fields []Field
	// Required has a bit for each field that an object must have.
	Required uint64
	// Make returns room for capacity values, for lists and maps the ones of which the first used
	// are those at old. For maps they are of type [Entry]. It is nil where nothing is decoded.
	Make func(old unsafe.Pointer, used, capacity int) unsafe.Pointer
	// Append writes a value of [KindCustom].
	Append func(b []byte, value unsafe.Pointer) []byte
}

// Field is one field of a struct.
type Field struct {
	// Key is the key as it is in a message: text with its head in front, which is a letter for the
	// length of most, such as d for 4.
	Key string
	// Type describes the value; nil for the kinds that need no description, up to [KindRaw].
	Type *Type
	// Offset is where the value lies in the struct, in bytes.
	Offset uintptr
	// Kind is that of the value.
	Kind Kind
	// Optional leaves out an empty value; not for [KindFloat], [KindStruct] and [KindCustom].
	Optional bool
}

// The types that structs of every package have in common.
var (
	// TextList describes []string.
	TextList = Type{Kind: KindList, Size: unsafe.Sizeof(""), Elem: &textType, Make: makeValues[string]}
	// IntList describes []int64.
	IntList = Type{Kind: KindList, Size: unsafe.Sizeof(int64(0)), Elem: &intType, Make: makeValues[int64]}
	// RawList describes []Raw.
	RawList = Type{Kind: KindList, Size: unsafe.Sizeof(Raw{}), Elem: &rawType, Make: makeValues[Raw]}
	// TextMap describes Map[string].
	TextMap = Type{Kind: KindMap, Size: unsafe.Sizeof(Entry[string]{}), Elem: &textType, Make: makeValues[Entry[string]]}
	// RawMap describes Map[Raw].
	RawMap = Type{Kind: KindMap, Size: unsafe.Sizeof(Entry[Raw]{}), Elem: &rawType, Make: makeValues[Entry[Raw]]}
	// IntPointer describes *int64.
	IntPointer = Type{Kind: KindPointer, Elem: &intType, Make: makeValues[int64]}
	// BoolPointer describes *bool.
	BoolPointer = Type{Kind: KindPointer, Elem: &boolType, Make: makeValues[bool]}

	textType = Type{Kind: KindText}
	boolType = Type{Kind: KindBool}
	intType  = Type{Kind: KindInt}
	rawType  = Type{Kind: KindRaw}
)

func makeValues[T any](old unsafe.Pointer, used, capacity int) unsafe.Pointer {
	values := make([]T, capacity)
	copy(values, unsafe.Slice((*T)(old), used))
	return unsafe.Pointer(unsafe.SliceData(values))
}

// slice is how a slice lies in memory.
type slice struct {
	data     unsafe.Pointer
	len, cap int
}

// header is what text, slices and maps have in common in memory.
type header struct {
	data unsafe.Pointer
	len  int
}

// entryValue is where the value of an [Entry] follows its key, in bytes, whatever its type: none
// has an alignment beyond that of the key.
const entryValue = unsafe.Sizeof("")

// keyName returns the text of an encoded key.
func keyName(key string) string { return NewDecoder([]byte(key)).String() }

// empty reports whether an optional field is left out.
func (f *Field) empty(value unsafe.Pointer) bool {
	switch f.Kind {
	case KindPointer:
		return *(*unsafe.Pointer)(value) == nil
	case KindBool:
		return !*(*bool)(value)
	case KindInt:
		return *(*int64)(value) == 0
	}
	return (*header)(value).len == 0
}

// AppendStruct appends the struct at p, which t describes.
func (t *Type) AppendStruct(b []byte, p unsafe.Pointer) []byte {
	if b == nil {
		b = make([]byte, 0, roomForStruct)
	}
	w := writer{b}
	w.structure(t, p)
	return w.b
}

// roomForStruct is what most structs fit into, in bytes: growing from nothing makes room six times
// before it has as much.
const roomForStruct = 512

// writer holds the message while values are appended to it. A slice that travels through parameters
// and results instead would be copied at every call.
type writer struct{ b []byte }

func (w *writer) structure(t *Type, p unsafe.Pointer) {
	b := w.b
	start := len(b)
	b = append(b, majorObject)
	for i := range t.Fields {
		f := &t.Fields[i]
		value := unsafe.Add(p, f.Offset)
		if f.Optional && f.empty(value) {
			continue
		}
		// Fewer than 24 keys fit into the head itself, so that it can be completed in place.
		b[start]++
		b = append(b, f.Key...)
		if f.Kind == KindText {
			// Here rather than in a function, as most values are text.
			b = AppendString(b, *(*string)(value))
			continue
		}
		w.b = b
		w.value(f.Kind, f.Type, value)
		b = w.b
	}
	w.b = b
}

func (w *writer) value(kind Kind, t *Type, p unsafe.Pointer) {
	switch kind {
	case KindStruct:
		w.structure(t, p)
	case KindPointer:
		w.pointer(t, *(*unsafe.Pointer)(p))
	case KindMap:
		w.entries(t, (*slice)(p))
	case KindList:
		w.list(t, (*slice)(p))
	case KindText:
		w.b = AppendString(w.b, *(*string)(p))
	case KindBool:
		w.b = AppendBool(w.b, *(*bool)(p))
	case KindInt:
		w.b = AppendInt(w.b, *(*int64)(p))
	case KindFloat:
		w.b = AppendFloat(w.b, *(*float64)(p))
	case KindRaw:
		w.b = AppendRaw(w.b, *(*Raw)(p))
	case KindCustom:
		w.b = t.Append(w.b, p)
	}
}

func (w *writer) pointer(t *Type, to unsafe.Pointer) {
	if to == nil {
		w.b = AppendNull(w.b)
		return
	}
	w.value(t.Elem.Kind, t.Elem, to)
}

func (w *writer) list(t *Type, list *slice) {
	w.b = AppendArrayHeader(w.b, list.len)
	for i := range list.len {
		w.value(t.Elem.Kind, t.Elem, unsafe.Add(list.data, uintptr(i)*t.Size))
	}
}

func (w *writer) entries(t *Type, m *slice) {
	var few [membersAtHand]member
	members := few[:0]
	for i := range m.len {
		members = append(members, member{*(*string)(unsafe.Add(m.data, uintptr(i)*t.Size)), i})
	}
	sortMembers(members, encodedBefore)
	w.b = AppendObjectHeader(w.b, m.len)
	for _, e := range members {
		w.b = AppendString(w.b, e.key)
		w.value(t.Elem.Kind, t.Elem, unsafe.Add(m.data, uintptr(e.at)*t.Size+entryValue))
	}
}

// DecodeStruct reads an object into the struct at p, which t describes. Fields that are null count
// as absent; unknown keys are skipped and remembered.
func (t *Type) DecodeStruct(d *Decoder, p unsafe.Pointer) {
	var seen uint64
	fields, next, previous := t.Fields, 0, ""
	for left := d.Object(); left > 0; left-- {
		start := d.pos
		if n := shortText(d.data, start); n >= 0 {
			d.pos = start + 1 + n
		} else if _ = d.String(); d.err != nil {
			return
		}
		key := text(d.data[start:d.pos])
		// Most keys are the next known one. The first letter tells most others of its length apart,
		// without the call that comparing text is.
		at := len(fields)
		for ; next < len(fields); next++ {
			known := fields[next].Key
			if len(known) < len(key) || len(known) == len(key) && known[1] < key[1] {
				continue
			}
			for i := next; i < len(fields) && len(fields[i].Key) == len(key); i++ {
				if fields[i].Key == key {
					at = i
					break
				}
			}
			break
		}
		switch {
		case at == len(fields):
			d.unknownKey(key, previous)
		case d.Null():
			next = at + 1
		default:
			f := &fields[at]
			d.value(f.Kind, f.Type, unsafe.Add(p, f.Offset))
			seen |= 1 << at
			next = at + 1
		}
		if d.err != nil {
			d.At(keyName(key))
			return
		}
		previous = key
	}
	if missing := t.Required &^ seen; missing != 0 {
		t.require(d, missing)
	}
}

// unknownKey skips the value of an encoded key. The known keys are in order, so that one
// after the last that was found needs no comparison with it; this one does.
func (d *Decoder) unknownKey(key, previous string) {
	if previous >= key {
		d.Fail(errKeyOrder)
		return
	}
	d.Unknown(keyName(key))
}

// require records an error about the first field that is missing.
func (t *Type) require(d *Decoder, missing uint64) {
	for i := range t.Fields {
		if missing&(1<<i) != 0 {
			d.Fail("the field " + keyName(t.Fields[i].Key) + " is missing")
			return
		}
	}
}

// value reads a value into the memory at p.
func (d *Decoder) value(kind Kind, t *Type, p unsafe.Pointer) {
	switch kind {
	case KindText:
		*(*string)(p) = d.String()
	case KindBool:
		*(*bool)(p) = d.Bool()
	case KindInt:
		*(*int64)(p) = d.Int()
	case KindFloat:
		*(*float64)(p) = d.Float()
	case KindRaw:
		*(*Raw)(p) = d.Raw()
	case KindStruct:
		t.DecodeStruct(d, p)
	case KindPointer:
		to := t.Make(nil, 0, 1)
		*(*unsafe.Pointer)(p) = to
		d.value(t.Elem.Kind, t.Elem, to)
	case KindList:
		d.list(t, (*slice)(p))
	case KindMap:
		d.entries(t, (*slice)(p))
	case KindCustom:
		d.Fail("the host cannot read this value")
	}
}

// firstItems is how many items of an array get room before any was read: its length is only a
// claim.
const firstItems = 64

func (d *Decoder) list(t *Type, into *slice) {
	n := d.Array()
	list := slice{cap: min(n, firstItems)}
	if t == &TextList {
		list.data = d.textRoom(list.cap)
	} else {
		list.data = t.Make(nil, 0, list.cap)
	}
	for i := range n {
		if i == list.cap {
			list.cap = min(n, 2*list.cap)
			list.data = t.Make(list.data, i, list.cap)
		}
		if d.value(t.Elem.Kind, t.Elem, unsafe.Add(list.data, uintptr(i)*t.Size)); d.err != nil {
			d.AtIndex(i)
			break
		}
		list.len++
	}
	*into = list
}

// roomTexts is how many texts are made room for at a time.
const roomTexts = 32

// textRoom returns room for n texts; an [Entry] of a text map is two. Most lists and maps have a
// few, and making room for several of them at once costs as much as for one.
func (d *Decoder) textRoom(n int) unsafe.Pointer {
	if n > len(d.room) {
		d.room = make([]string, max(n, roomTexts))
	}
	room := unsafe.Pointer(unsafe.SliceData(d.room))
	d.room = d.room[n:]
	return room
}

// entries reads an object into a [Map].
func (d *Decoder) entries(t *Type, into *slice) {
	*into = slice{}
	if slices.Contains(d.omitted, t) {
		d.Skip()
		return
	}
	start := d.pos
	switch n := d.Object(); {
	case n == 0:
	case t == &TextMap && n <= firstItems:
		d.textEntries(n, into)
	case n == 1:
		d.entry(t, into)
	default:
		d.pos = start
		d.sortedEntries(t, into)
	}
}

// textEntries reads n members of text and sorts them as they come.
func (d *Decoder) textEntries(n int, into *slice) {
	data := d.textRoom(2 * n)
	m := unsafe.Slice((*Entry[string])(data), n)
	key := ""
	for i := range m {
		key = d.Key(i, key)
		value := d.String()
		if d.err != nil {
			d.At(key)
			return
		}
		at := i
		for ; at > 0 && key < m[at-1].Key; at-- {
			m[at] = m[at-1]
		}
		m[at] = Entry[string]{key, value}
	}
	*into = slice{data, n, n}
}

// entry reads the only member of an object.
func (d *Decoder) entry(t *Type, into *slice) {
	entry := t.Make(nil, 0, 1)
	key := d.String()
	*(*string)(entry) = key
	if d.value(t.Elem.Kind, t.Elem, unsafe.Add(entry, entryValue)); d.err != nil {
		d.At(key)
		return
	}
	*into = slice{entry, 1, 1}
}

// sortedEntries reads an object whose members it skips first: so their number is more than a
// claim, and they can be read in their order.
func (d *Decoder) sortedEntries(t *Type, into *slice) {
	var few [membersAtHand]member
	members, end := d.sortedMembers(few[:0])
	if len(members) == 0 {
		return
	}
	m := slice{t.Make(nil, 0, len(members)), len(members), len(members)}
	for i, e := range members {
		entry := unsafe.Add(m.data, uintptr(i)*t.Size)
		*(*string)(entry) = e.key
		d.pos = e.at
		if d.value(t.Elem.Kind, t.Elem, unsafe.Add(entry, entryValue)); d.err != nil {
			d.At(e.key)
			return
		}
	}
	d.pos = end
	*into = m
}
