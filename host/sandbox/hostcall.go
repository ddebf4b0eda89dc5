package sandbox

import (
	"errors"
	"fmt"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/hostcall"
)

// hostError ends a guest whose host call the host could not answer. The guest has no part in it.
type hostError struct{ err error }

func (e *hostError) Error() string { return e.err.Error() }
func (e *hostError) Unwrap() error { return e.err }

const hostCallName = abi.ImportModule + "." + abi.ImportHostCall

// hostCall is lattice_v1.host_call(op, ptr, len) → pointer to the answer in the high half, its
// length in the low. The answer lies where the guest's own alloc made room for it.
func hostCall(f frame, stack []uint64) {
	if f.guest.answering {
		panic(misuseError(hostCallName + " was called from " + abi.ExportAlloc + " while the host made room for an answer"))
	}
	op, ptr, size := uint32(stack[0]), uint32(stack[1]), uint32(stack[2])
	message, ok := f.module.Memory().Read(ptr, size)
	if !ok {
		panic(misuseError(hostCallName + " was called with a pointer outside of memory"))
	}
	f.guest.fuel.spend(answerFuel + messageByteFuel*int64(min(size, abi.MaxHostRequestBytes)))
	answer, err := hostcall.Serve(f.ctx, op, message, f.guest.encoding)
	switch {
	case f.ctx.Err() != nil:
		panic(errInterrupted)
	case errors.Is(err, hostcall.ErrUnknownOp):
		panic(misuseError(hostCallName + " was called with operation " + err.Error()))
	case err != nil:
		panic(&hostError{err})
	}
	f.guest.fuel.spend(messageByteFuel * int64(len(answer)))
	stack[0] = uint64(f.place(answer))<<32 | uint64(len(answer))
}

// place writes an answer where the guest makes room for it, and returns its address.
func (f frame) place(answer []byte) uint32 {
	f.guest.answering = true
	// A panic ends the guest, so that nothing needs to put this back.
	alloc := f.module.ExportedFunction(abi.ExportAlloc)
	leave := f.guest.stacks.enter(alloc)
	results, err := alloc.Call(f.ctx, uint64(len(answer)))
	leave()
	f.guest.answering = false
	if err != nil {
		// With the reason inside: why the guest ended must not depend on where it was.
		panic(fmt.Errorf("making room for the answer to %s: %w", hostCallName, err))
	}
	ptr := uint32(results[0])
	switch {
	case ptr == 0:
		panic(misuseError(abi.ExportAlloc + " returned no room for an answer of " + byteSize(len(answer))))
	case !f.module.Memory().Write(ptr, answer):
		panic(misuseError(fmt.Sprintf("%s returned %d for an answer of %s, which is outside of its memory of %s",
			abi.ExportAlloc, ptr, byteSize(len(answer)), byteSize(uint64(f.module.Memory().Size())))))
	}
	return ptr
}
