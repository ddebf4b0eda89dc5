package sandbox

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/latticenet/lattice-host/host/sandbox/internal/wasmbin"
)

// maxSegmentGap is how many zeros may go between two data segments that are joined. A page of the
// machine is more than almost all gaps that compilers leave.
const maxSegmentGap = 4096

// Opcodes of the expressions that say where a segment goes.
const (
	opI32Const = 0x41
	opEnd      = 0x0b
)

// segment is a data segment that is written into memory when an instance is made.
type segment struct {
	offset uint32
	data   []byte
}

func (s *segment) end() uint64 { return uint64(s.offset) + uint64(len(s.data)) }

// joinSegments returns the content of a data section with fewer segments and the same effect, or
// false when there is nothing to gain.
//
// Go's linker begins another segment at every few zeros. The engine decodes each of some ten
// thousand when it makes an instance, and remembers each as long as the instance lives: a
// millisecond and almost a megabyte.
func joinSegments(content []byte) (joined []byte, ok bool) {
	before, ok := readSegments(content)
	if !ok {
		return nil, false
	}
	slices.SortStableFunc(before, func(a, b segment) int { return cmp.Compare(a.offset, b.offset) })
	var after []segment
	zeros := uint64(0)
	for n, next := range before {
		if n > 0 && uint64(next.offset) < before[n-1].end() {
			// What overlaps is in an order that matters.
			return nil, false
		}
		if n == 0 || uint64(next.offset)-before[n-1].end() > maxSegmentGap {
			after = append(after, segment{offset: next.offset})
		}
		last := &after[len(after)-1]
		gap := uint64(next.offset) - last.end()
		if zeros += gap; zeros > uint64(len(content)) {
			// A module must not become much larger by it.
			return nil, false
		}
		last.data = append(append(last.data, make([]byte, gap)...), next.data...)
	}
	return segmentSection(after), len(after) < len(before)
}

// readSegments returns the segments, or false when one is not written into memory at a constant
// offset.
func readSegments(content []byte) ([]segment, bool) {
	r := wasmbin.NewReader(content, 0)
	segments := make([]segment, r.Count(r.Remaining()))
	for n := range segments {
		// 0 means memory 0 and an offset.
		flags, op := r.Uint32(), r.Byte()
		segments[n].offset = uint32(r.Signed(32))
		end := r.Byte()
		segments[n].data = r.Bytes()
		if r.Err() != nil || flags != 0 || op != opI32Const || end != opEnd {
			return nil, false
		}
	}
	return segments, r.Err() == nil && r.Remaining() == 0
}

func segmentSection(segments []segment) []byte {
	b := binary.AppendUvarint(nil, uint64(len(segments)))
	for _, s := range segments {
		b = append(b, 0, opI32Const)
		b = appendSigned(b, int64(int32(s.offset)))
		b = binary.AppendUvarint(append(b, opEnd), uint64(len(s.data)))
		b = append(b, s.data...)
	}
	return b
}

// appendSigned writes a number in signed LEB128.
func appendSigned(b []byte, n int64) []byte {
	for {
		low := byte(n & 0x7f)
		n >>= 7
		if n == 0 && low&0x40 == 0 || n == -1 && low&0x40 != 0 {
			return append(b, low)
		}
		b = append(b, low|0x80)
	}
}
