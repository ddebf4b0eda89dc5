//go:build wasip1

// Package guest connects a plugin to the host when it runs as a WebAssembly module. A plugin's
// main.go exports the two functions of the ABI and hands them on:
//
//	//go:wasmexport lattice_v1_alloc
//	func alloc(size uint32) uint32 { return guest.Alloc(size) }
//
//	//go:wasmexport lattice_v1_call
//	func call(op, ptr, size uint32) uint64 { return guest.Call(&plugin, op, ptr, size) }
package guest

import (
	"runtime"
	"unsafe"

	"github.com/latticenet/lattice-host/abi"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// The buffers of the call under way. The host holds plain addresses of them, which the garbage
// collector does not see. A module is single-threaded and the host never calls it while a call is
// under way.
var request, response []byte

// A host keeps the state of an instance that was just made and starts every call from it. So what
// the runtime does once for an instance is done here: a call finds it done, and no growth of the
// memory keeps the instance from being used again.
var _ = warm()

func warm() struct{} {
	warmAllocator()
	warmStack(warmFrames)
	return struct{}{}
}

// The largest sizes that are made warm, in bytes, of bytes and of what holds pointers: larger
// objects are rare, and every size takes some of an instance's memory.
const (
	largestWarmBytes    = 8 << 10
	largestWarmPointers = 2 << 10
)

func warmAllocator() {
	for size := 8; size <= largestWarmBytes; size += max(8, size/16) {
		request = make([]byte, size)
		if size <= largestWarmPointers {
			pointers = make([]*byte, size/8)
		}
	}
	request, pointers = nil, nil
}

// pointers lets what is made for [warmAllocator] escape to the heap.
var pointers []*byte

// warmFrames is how many frames of [warmStack] take more of the stack, 32 KiB, than the built-in
// plugins need. Growing the stack in a call costs as much as a third of a derivation: every frame
// is looked up and moved.
const warmFrames = 64

// warmStack grows the stack. Exported functions run on the stack that the initialisation ran on.
//
//go:noinline
func warmStack(frames int) byte {
	var frame [512]byte
	if frames > 0 {
		frame[frames] = warmStack(frames - 1)
	}
	return frame[frames]
}

// calls counts the calls of an instance. A host that puts an instance back before each call puts it
// back too.
var calls uint32

// callsPerTurn is after how many calls the collector's workers get their turn.
const callsPerTurn = 8

// Alloc makes room for one message of the host and returns its address.
func Alloc(size uint32) uint32 {
	request = make([]byte, max(size, 1))
	return address(request)
}

// Call runs one operation on the message at ptr, which [Alloc] must have returned, and returns the
// address of the answer in the high half and its length in the low half.
func Call(p *sdk.Plugin, op, ptr, size uint32) uint64 {
	// An exported function returns to the host without passing the scheduler, so that the
	// collector's workers would never run in an instance that goes on from call to call.
	if calls++; calls%callsPerTurn == 0 {
		runtime.Gosched()
	}
	if len(request) == 0 || ptr != address(request) || int64(size) > int64(len(request)) {
		panic("the host passed a message that was not allocated")
	}
	response = p.Serve(abi.Op(op), request[:size])
	return uint64(address(response))<<32 | uint64(len(response))
}

func address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
