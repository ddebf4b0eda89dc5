package cbor

// ObjectWriter writes an object by hand: fields in [KeyOrder], at most 23. Structs have a [Type]
// instead. The Opt methods leave out an empty value.
type ObjectWriter struct {
	B     []byte
	start int
	n     byte
}

// BeginObject begins an object after b.
func BeginObject(b []byte) ObjectWriter {
	return ObjectWriter{B: append(b, majorObject), start: len(b)}
}

// End returns the bytes with the finished object.
func (o *ObjectWriter) End() []byte {
	// Fewer than 24 keys fit into the head itself, so that it can be completed in place.
	o.B[o.start] |= o.n
	return o.B
}

// Key begins a field whose value the caller appends to B.
func (o *ObjectWriter) Key(key string) {
	o.n++
	o.B = AppendString(o.B, key)
}

// Text writes text.
func (o *ObjectWriter) Text(key, value string) {
	o.Key(key)
	o.B = AppendString(o.B, value)
}

// OptText writes text unless it is empty.
func (o *ObjectWriter) OptText(key, value string) {
	if value != "" {
		o.Text(key, value)
	}
}

// OptStrings writes an array of text unless it is empty.
func (o *ObjectWriter) OptStrings(key string, values []string) {
	if len(values) == 0 {
		return
	}
	o.Key(key)
	o.B = AppendList(o.B, values, func(b []byte, v *string) []byte { return AppendString(b, *v) })
}

// AppendList appends an array, each item by write.
func AppendList[T any](b []byte, list []T, write func([]byte, *T) []byte) []byte {
	b = AppendArrayHeader(b, len(list))
	for i := range list {
		b = write(b, &list[i])
	}
	return b
}
