package yamldoc

import "testing"

// TestMerge takes what a value does not say from a default, and leaves both as they were.
func TestMerge(t *testing.T) {
	t.Parallel()
	nodes, fault := Parse([]byte("base: {a: 1, b: {c: 2, d: [3]}, e: 4}\nown: {a: 5, b: {d: [6, 7]}, e: null, f: 8}\n"), MaxBytes)
	if fault != nil {
		t.Fatal(fault.Message)
	}
	base, own := nodes[0].Find("base").Value, nodes[0].Find("own").Value
	merged := Merge(base, own)
	r := Reader{}
	for _, c := range []struct {
		node *Node
		want string
	}{
		{merged, `{"a":5,"b":{"c":2,"d":[6,7]},"e":4,"f":8}`},
		{base, `{"a":1,"b":{"c":2,"d":[3]},"e":4}`},
		{merged.With("b", nil), `{"a":5,"e":4,"f":8}`},
		{merged.With("b", base), `{"a":5,"b":{"a":1,"b":{"c":2,"d":[3]},"e":4},"e":4,"f":8}`},
	} {
		if got, err := r.JSON(c.node); err != nil || string(got) != c.want {
			t.Errorf("got %s and %v, want %s", got, err, c.want)
		}
	}
	if at := merged.Locate("b.c"); at != base.Find("b").Value.Find("c").Value.Place {
		t.Errorf("a value of the default is at %v", at)
	}
	if values, bytes := base.Size(); values != 7 || bytes != 9 {
		t.Errorf("got %d values of %d bytes", values, bytes)
	}
	if places := own.Places(); !places[own.Find("f").Place] || places[base.Place] {
		t.Error("the places are not those of the value")
	}
}
