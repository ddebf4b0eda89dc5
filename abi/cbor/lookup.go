package cbor

// IsObject reports whether an item is an object.
func IsObject(item Raw) bool { return len(item) > 0 && item[0]&^0x1f == majorObject }

// Lookup returns the value at a path of keys, or nothing. The item must be valid.
func Lookup(item Raw, path ...string) Raw {
	for _, want := range path {
		if !IsObject(item) {
			return nil
		}
		d := NewDecoder(item)
		var found Raw
		key := ""
		for i := range d.Object() {
			if key = d.Key(i, key); key == want {
				found = d.Raw()
				break
			}
			d.Skip()
		}
		item = found
	}
	return item
}

// TextAt returns the text at a path of keys, or nothing if none exists. The item must be valid.
func TextAt(item Raw, path ...string) string {
	value := Lookup(item, path...)
	if len(value) == 0 || value[0]&^0x1f != majorText {
		return ""
	}
	return NewDecoder(value).String()
}

// JoinPath puts two parts of a field path together: data and key make data.key, list and [0] make
// list[0].
func JoinPath(path, below string) string {
	if path == "" || below == "" || below[0] == '[' {
		return path + below
	}
	return path + "." + below
}
