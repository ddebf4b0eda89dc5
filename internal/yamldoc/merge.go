package yamldoc

// Merge returns a value with what it does not say taken from a default: mappings by key, everything
// else as a whole. Null says nothing. Values keep their places.
func Merge(base, own *Node) *Node {
	if own.Kind == Null {
		return base
	}
	if own.Kind != Map || base.Kind != Map {
		return own
	}
	merged := &Node{Kind: Map, Place: own.Place, Faults: own.Faults}
	for _, m := range own.Members {
		if other := base.Find(m.Key); other != nil {
			m.Value = Merge(other.Value, m.Value)
		}
		merged.add(m)
	}
	for _, m := range base.Members {
		if own.Find(m.Key) == nil {
			merged.add(m)
		}
	}
	return merged
}

// With returns a mapping in which the value of a key is another one, or without the key where value
// is nil.
func (n *Node) With(key string, value *Node) *Node {
	return n.Each(func(m *Member) *Node {
		if m.Key == key {
			return value
		}
		return m.Value
	})
}

// Each returns a mapping with what change returns for each member as its value; a member for which
// that is nil is left out.
func (n *Node) Each(change func(m *Member) *Node) *Node {
	changed := &Node{Kind: n.Kind, Place: n.Place, Faults: n.Faults}
	for _, m := range n.Members {
		if m.Value = change(&m); m.Value != nil {
			changed.add(m)
		}
	}
	return changed
}

// Size returns how many values a value holds, itself included, and the bytes of their texts and
// keys.
func (n *Node) Size() (values, bytes int) {
	values, bytes = 1, len(n.Text)
	n.each(func(key string, inner *Node) {
		v, b := inner.Size()
		values, bytes = values+v, bytes+b+len(key)
	})
	return values, bytes
}

// each calls visit with every value that a value holds directly, and its key in a mapping.
func (n *Node) each(visit func(key string, n *Node)) {
	for _, item := range n.Items {
		visit("", item)
	}
	for i := range n.Members {
		visit(n.Members[i].Key, n.Members[i].Value)
	}
}

// Places returns where a value, and all keys and values in it, are.
func (n *Node) Places() map[Place]bool {
	places := map[Place]bool{}
	n.notePlaces(places)
	return places
}

func (n *Node) notePlaces(places map[Place]bool) {
	places[n.Place] = true
	for i := range n.Members {
		places[n.Members[i].Place] = true
	}
	n.each(func(_ string, inner *Node) { inner.notePlaces(places) })
}
