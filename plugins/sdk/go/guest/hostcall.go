//go:build wasip1

package guest

import (
	"runtime"
	"unsafe"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/plugins/sdk/go/hostcall"
)

//go:wasmimport lattice_v1 host_call
func hostCall(op uint32, ptr unsafe.Pointer, size uint32) uint64

// Host returns the host that the module runs on. A module that calls it must ask for a capability
// in its manifest; in one that does not, no trace of it is linked.
func Host() hostcall.Host { return hostcall.New(call) }

// call makes one host call. The host asks [Alloc] for room for the answer while it is under way.
func call(op abi.HostOp, message []byte) []byte {
	under := request
	packed := hostCall(uint32(op), unsafe.Pointer(unsafe.SliceData(message)), uint32(len(message)))
	runtime.KeepAlive(message)
	answer := request
	request = under
	ptr, size := uint32(packed>>32), uint32(packed)
	if len(answer) == 0 || ptr != address(answer) || int64(size) > int64(len(answer)) {
		panic("the host answered where nothing was allocated")
	}
	return answer[:size]
}
