package cbor

// Generated code calls the functions of this file once a field. What they do is not written out at every field, because
// a guest is mostly such code and every byte of it is compiled on the host. For the same reason the compiler may not put
// them inline again.

// FieldReader walks through the fields of an object whose keys are known.
type FieldReader struct {
	d    *Decoder
	keys []string
	seen uint64
	// left counts the keys of the object that were not read; at is where the next one can stand in keys at the earliest.
	left, at int
	key      string
	index    int
}

// Fields begins an object. The known keys must be in [KeyOrder], at most 64.
//
//go:noinline
func (d *Decoder) Fields(keys []string) FieldReader {
	return FieldReader{d: d, keys: keys, left: d.Object(), index: -1}
}

// Next moves to the next known field. Fields that are null count as absent; unknown ones are passed over and remembered.
//
//go:noinline
func (f *FieldReader) Next() bool {
	d := f.d
	if d.err != nil {
		d.At(f.key)
		return false
	}
	for f.left > 0 {
		f.left--
		previous := f.key
		f.key = d.String()
		known := f.find()
		// The known keys are in order, so that one behind the last that was found needs no comparison with it.
		if d.err == nil && !known && previous != "" && KeyOrder(previous, f.key) >= 0 {
			d.Fail(errKeyOrder)
		}
		switch {
		case d.err != nil:
			return false
		case !known:
			d.Unknown(f.key)
		case d.Null():
			f.at++
		default:
			f.index = f.at
			f.seen |= 1 << f.at
			f.at++
			return true
		}
		if d.err != nil {
			d.At(f.key)
			return false
		}
	}
	return false
}

// find looks for the key among the known ones that were not found yet, and reports whether it is there, at f.at.
func (f *FieldReader) find() bool {
	for at := f.at; at < len(f.keys) && len(f.keys[at]) <= len(f.key); at++ {
		if f.keys[at] == f.key {
			f.at = at
			return true
		}
	}
	return false
}

// Index is the place of the present field in the known keys.
func (f *FieldReader) Index() int { return f.index }

// Require records an error unless every field in the bit set was there.
//
//go:noinline
func (f *FieldReader) Require(fields uint64) {
	missing := fields &^ f.seen
	if missing == 0 {
		return
	}
	for i, key := range f.keys {
		if missing&(1<<i) != 0 {
			f.d.Fail("the field " + key + " is missing")
			return
		}
	}
}

// ReadString reads text.
//
//go:noinline
func (d *Decoder) ReadString(into *string) { *into = d.String() }

// ReadInt reads an integer.
//
//go:noinline
func (d *Decoder) ReadInt(into *int64) { *into = d.Int() }

// ReadBool reads a boolean.
//
//go:noinline
func (d *Decoder) ReadBool(into *bool) { *into = d.Bool() }

// ReadFloat reads a number.
//
//go:noinline
func (d *Decoder) ReadFloat(into *float64) { *into = d.Float() }

// ReadRaw reads one item of any kind.
//
//go:noinline
func (d *Decoder) ReadRaw(into *Raw) { *into = d.Raw() }

// ReadIntPointer reads an integer that may be absent.
//
//go:noinline
func (d *Decoder) ReadIntPointer(into **int64) {
	v := d.Int()
	*into = &v
}

// ReadBoolPointer reads a boolean that may be absent.
//
//go:noinline
func (d *Decoder) ReadBoolPointer(into **bool) {
	v := d.Bool()
	*into = &v
}

// ReadStrings reads an array of text.
//
//go:noinline
func (d *Decoder) ReadStrings(into *[]string) {
	ReadList(d, into, func(d *Decoder, v *string) { *v = d.String() })
}

// ReadStringMap reads an object of text.
//
//go:noinline
func (d *Decoder) ReadStringMap(into *Map[string]) {
	*into = DecodeMap(d, func(d *Decoder, v *string) { *v = d.String() })
}

// ReadList reads an array, each item by read.
func ReadList[T any](d *Decoder, into *[]T, read func(*Decoder, *T)) {
	n := d.Array()
	list := make([]T, 0, min(n, 64))
	for i := range n {
		var item T
		if read(d, &item); d.err != nil {
			d.AtIndex(i)
			break
		}
		list = append(list, item)
	}
	*into = list
}

// ObjectWriter writes the fields of an object in [KeyOrder], at most 23. Each method but the Opt ones writes its field;
// those leave out an empty one.
type ObjectWriter struct {
	B     []byte
	start int
	n     byte
}

// BeginObject begins an object behind b.
//
//go:noinline
func BeginObject(b []byte) ObjectWriter {
	return ObjectWriter{B: append(b, majorObject), start: len(b)}
}

// End returns the bytes with the finished object.
//
//go:noinline
func (o *ObjectWriter) End() []byte {
	// Fewer than 24 keys fit into the head itself, so that it can be completed in place.
	o.B[o.start] |= o.n
	return o.B
}

// Key begins a field whose value the caller appends to B.
//
//go:noinline
func (o *ObjectWriter) Key(key string) {
	o.n++
	o.B = AppendString(o.B, key)
}

// Text writes text.
//
//go:noinline
func (o *ObjectWriter) Text(key, value string) {
	o.Key(key)
	o.B = AppendString(o.B, value)
}

// OptText writes text unless it is empty.
//
//go:noinline
func (o *ObjectWriter) OptText(key, value string) {
	if value != "" {
		o.Text(key, value)
	}
}

// Int writes an integer.
//
//go:noinline
func (o *ObjectWriter) Int(key string, value int64) {
	o.Key(key)
	o.B = AppendInt(o.B, value)
}

// OptInt writes an integer unless it is zero.
//
//go:noinline
func (o *ObjectWriter) OptInt(key string, value int64) {
	if value != 0 {
		o.Int(key, value)
	}
}

// OptIntPointer writes an integer unless it is absent.
//
//go:noinline
func (o *ObjectWriter) OptIntPointer(key string, value *int64) {
	if value != nil {
		o.Int(key, *value)
	}
}

// Bool writes a boolean.
//
//go:noinline
func (o *ObjectWriter) Bool(key string, value bool) {
	o.Key(key)
	o.B = AppendBool(o.B, value)
}

// OptBool writes a boolean if it is true.
//
//go:noinline
func (o *ObjectWriter) OptBool(key string, value bool) {
	if value {
		o.Bool(key, true)
	}
}

// OptBoolPointer writes a boolean unless it is absent.
//
//go:noinline
func (o *ObjectWriter) OptBoolPointer(key string, value *bool) {
	if value != nil {
		o.Bool(key, *value)
	}
}

// Float writes a floating-point number.
//
//go:noinline
func (o *ObjectWriter) Float(key string, value float64) {
	o.Key(key)
	o.B = AppendFloat(o.B, value)
}

// Raw writes an encoded item, or null when it is absent.
//
//go:noinline
func (o *ObjectWriter) Raw(key string, value Raw) {
	o.Key(key)
	o.B = AppendRaw(o.B, value)
}

// OptRaw writes an encoded item unless it is absent.
//
//go:noinline
func (o *ObjectWriter) OptRaw(key string, value Raw) {
	if len(value) > 0 {
		o.Raw(key, value)
	}
}

// Strings writes an array of text.
//
//go:noinline
func (o *ObjectWriter) Strings(key string, values []string) {
	o.Key(key)
	o.B = AppendArrayHeader(o.B, len(values))
	for _, v := range values {
		o.B = AppendString(o.B, v)
	}
}

// OptStrings writes an array of text unless it is empty.
//
//go:noinline
func (o *ObjectWriter) OptStrings(key string, values []string) {
	if len(values) > 0 {
		o.Strings(key, values)
	}
}

// StringMap writes an object of text.
//
//go:noinline
func (o *ObjectWriter) StringMap(key string, m Map[string]) {
	o.Key(key)
	o.B = AppendMap(o.B, m, func(b []byte, v *string) []byte { return AppendString(b, *v) })
}

// OptStringMap writes an object of text unless it is empty.
//
//go:noinline
func (o *ObjectWriter) OptStringMap(key string, m Map[string]) {
	if len(m) > 0 {
		o.StringMap(key, m)
	}
}

// AppendList appends an array, each item by write.
func AppendList[T any](b []byte, list []T, write func([]byte, *T) []byte) []byte {
	b = AppendArrayHeader(b, len(list))
	for i := range list {
		b = write(b, &list[i])
	}
	return b
}
