package cbor

import "strconv"

// hasNull reports whether a valid item holds a null. It reads heads only, in one pass.
func hasNull(raw Raw) bool {
	d := Decoder{data: raw}
	for d.pos < len(raw) {
		initial, n := d.head()
		switch {
		case d.err != nil:
			return false
		case initial == simpleNull:
			return true
		case initial&0xe0 == majorText:
			d.pos += d.length(n)
		}
	}
	return false
}

// NullPath returns the path of the first null of a valid item, such as data.list[1], and whether
// there is one.
func NullPath(raw Raw) (string, bool) {
	if !hasNull(raw) {
		return "", false
	}
	return nullPath(raw)
}

func nullPath(raw Raw) (string, bool) {
	if len(raw) == 0 {
		return "", false
	}
	if raw[0] == simpleNull {
		return "", true
	}
	d := NewDecoder(raw)
	switch raw[0] & 0xe0 {
	case majorObject:
		key := ""
		for i := range d.Object() {
			key = d.Key(i, key)
			if below, ok := nullPath(d.Raw()); ok {
				return JoinPath(key, below), true
			}
		}
	case majorArray:
		for i := range d.Array() {
			if below, ok := nullPath(d.Raw()); ok {
				return JoinPath("["+strconv.Itoa(i)+"]", below), true
			}
		}
	}
	return "", false
}
