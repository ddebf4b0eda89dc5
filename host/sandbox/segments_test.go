package sandbox

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJoinSegments(t *testing.T) {
	t.Parallel()
	text := func(offset uint32, data string) segment { return segment{offset, []byte(data)} }
	for _, c := range []struct {
		reason string
		in     []segment
		// want is nil when they stay as they are.
		want []segment
	}{
		{"none", nil, nil},
		{"one", []segment{text(7, "a")}, nil},
		{"neighbours", []segment{text(7, "ab"), text(9, "c")}, []segment{text(7, "abc")}},
		{"zeros go between", []segment{text(7, "ab"), text(10, "c")}, []segment{text(7, "ab\x00c")}},
		{"their order does not matter", []segment{text(10, "c"), text(7, "ab")}, []segment{text(7, "ab\x00c")}},
		{"an empty one", []segment{text(7, "ab"), text(8, ""), text(12, "cd")}, nil},
		{"an empty one at the end", []segment{text(7, "ab"), text(9, "")}, []segment{text(7, "ab")}},
		{"what overlaps", []segment{text(7, "ab"), text(8, "c"), text(9, "d")}, nil},
		{"what is far apart", []segment{text(7, "ab"), text(9+maxSegmentGap+1, "c")}, nil},
		{"more zeros than there was", []segment{text(7, "ab"), text(100, "c")}, nil},
		{"the end of the largest memory", []segment{text(0xffff_fffe, "a"), text(0xffff_ffff, "b")}, []segment{text(0xffff_fffe, "ab")}},
	} {
		joined, ok := joinSegments(segmentSection(c.in))
		if ok != (c.want != nil) {
			t.Errorf("%s: joined is %t", c.reason, ok)
		}
		if !ok {
			continue
		}
		got, valid := readSegments(joined)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(segment{})); diff != "" || !valid {
			t.Errorf("%s: segments (-want +got):\n%s", c.reason, diff)
		}
	}
}

func FuzzJoinSegments(f *testing.F) {
	f.Add(segmentSection([]segment{{7, []byte("ab")}, {10, []byte("c")}}))
	f.Add(segmentSection([]segment{{9, []byte("ab")}, {7, []byte("cd")}, {8, nil}}))
	f.Add([]byte{1, 1, 0})
	written := func(segments []segment) map[uint64]byte {
		memory := map[uint64]byte{}
		for _, s := range segments {
			for n, b := range s.data {
				memory[uint64(s.offset)+uint64(n)] = b
			}
		}
		for at, b := range memory {
			if b == 0 {
				delete(memory, at)
			}
		}
		return memory
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		joined, ok := joinSegments(content)
		if !ok {
			return
		}
		if len(joined) > 3*len(content) {
			t.Errorf("%d bytes became %d", len(content), len(joined))
		}
		before, _ := readSegments(content)
		after, valid := readSegments(joined)
		if !valid || len(after) >= len(before) {
			t.Fatalf("%d segments became %d, valid: %t", len(before), len(after), valid)
		}
		if diff := cmp.Diff(written(before), written(after)); diff != "" {
			t.Errorf("memory (-want +got):\n%s", diff)
		}
	})
}
