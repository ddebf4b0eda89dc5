//go:build wasip1

// Package guest connects a plugin to the host when it runs as a WebAssembly module. A plugin's main.go exports the two
// functions of the ABI and hands them on:
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

// The buffers of the call under way. The host holds plain addresses of them, which the garbage collector does not see.
// A module is single-threaded and the host never calls it while a call is under way.
var request, response []byte

// A host keeps the state of an instance that was just made and starts every call from it. So what the allocator does once
// for objects of each size is done here: a call finds it done, and no growth of the memory keeps the instance from being
// used again.
var _ = warmAllocator()

// largestWarm is the largest size that is made warm, in bytes: larger objects are rare.
const largestWarm = 4 << 10

func warmAllocator() struct{} {
	for size := 8; size <= largestWarm; size += max(8, size/8) {
		request = make([]byte, size)
		pointers = make([]*byte, size/8)
	}
	request, pointers = nil, nil
	return struct{}{}
}

// pointers lets what is made for [warmAllocator] escape to the heap.
var pointers []*byte

// Alloc makes room for one message of the host and returns its address.
func Alloc(size uint32) uint32 {
	request = make([]byte, max(size, 1))
	return address(request)
}

// Call runs one operation on the message at ptr, which [Alloc] must have returned, and returns the address of the answer
// in the high half and its length in the low half.
func Call(p *sdk.Plugin, op, ptr, size uint32) uint64 {
	// An exported function returns to the host without passing the scheduler, so that the collector's workers would
	// never run; yielding once a call gives them their turn.
	runtime.Gosched()
	if len(request) == 0 || ptr != address(request) || int64(size) > int64(len(request)) {
		panic("the host passed a message that was not allocated")
	}
	response = p.Serve(abi.Op(op), request[:size])
	return uint64(address(response))<<32 | uint64(len(response))
}

func address(b []byte) uint32 { return uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) }
