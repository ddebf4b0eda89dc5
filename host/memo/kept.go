package memo

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/hostcall"
)

// kept is what is kept of one call of a plugin: its answer, and the host calls that it made with
// the digests of what the host answered. The answer replaces the plugin only while the host answers
// the same.
//
// Its bytes are the number of host calls; for each its operation, the length of its request, the
// request and the digest of its answer; and the answer. Numbers are 32 bits, the high ones first.
type kept struct {
	calls  []hostcall.Made
	answer []byte
}

func (k *kept) encode() []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(k.calls)))
	for _, c := range k.calls {
		b = binary.BigEndian.AppendUint32(b, uint32(c.Op))
		b = binary.BigEndian.AppendUint32(b, uint32(len(c.Request)))
		b = append(append(b, c.Request...), c.Answer[:]...)
	}
	return append(b, k.answer...)
}

// decodeKept reads what encode wrote, and checks that the answer is well-formed. Calls and answer
// point into data.
func decodeKept(data []byte) (*kept, bool) {
	r := keptReader{data: data, ok: true}
	k := new(kept)
	n := r.number()
	if n > abi.MaxHostCalls+1 {
		return nil, false
	}
	for range n {
		c := hostcall.Made{Op: abi.HostOp(r.number())}
		c.Request = r.take(r.number())
		copy(c.Answer[:], r.take(sha256.Size))
		k.calls = append(k.calls, c)
	}
	k.answer = r.data
	return k, r.ok && cbor.Validate(k.answer, abi.MaxDepth) == nil
}

// decode reads the answer, and reports whether it is one. It is well-formed: this process wrote it,
// or decodeKept looked.
func (k *kept) decode(into abi.Decoder) bool {
	d := cbor.NewDecoder(k.answer)
	into.DecodeCBOR(d)
	return len(d.UnknownKeys()) == 0 && d.Finish() == nil
}

// keptReader reads parts of a kept answer. After the first missing part, everything is empty.
type keptReader struct {
	data []byte
	ok   bool
}

func (r *keptReader) take(n uint32) []byte {
	if !r.ok || n > math.MaxInt32 || int(n) > len(r.data) {
		r.ok = false
		return nil
	}
	part := r.data[:n:n]
	r.data = r.data[n:]
	return part
}

func (r *keptReader) number() uint32 {
	if part := r.take(4); part != nil {
		return binary.BigEndian.Uint32(part)
	}
	return 0
}
