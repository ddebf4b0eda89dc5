//go:build wasip1

// The deployment plugin for Extism: the same derivation and the same messages, carried by the host
// functions of Extism the way its Go PDK carries them, eight bytes a call.
package main

import (
	"encoding/binary"
	"runtime"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/plugins/builtin/deployment"
)

//go:wasmimport extism:host/env input_length
func inputLength() uint64

//go:wasmimport extism:host/env input_load_u64
func inputLoadUint64(offset uint64) uint64

//go:wasmimport extism:host/env input_load_u8
func inputLoadByte(offset uint64) uint32

//go:wasmimport extism:host/env alloc
func allocate(size uint64) uint64

//go:wasmimport extism:host/env store_u64
func storeUint64(offset, value uint64)

//go:wasmimport extism:host/env store_u8
func storeByte(offset uint64, value uint32)

//go:wasmimport extism:host/env output_set
func setOutput(offset, size uint64)

var plugin = deployment.Plugin()

// derive answers one request. Its result is 0, which is success.
//
//go:wasmexport derive
func derive() int32 {
	// An export returns to the host without passing the scheduler, so that the collector's workers
	// would never run.
	runtime.Gosched()
	output(plugin.Serve(abi.OpDerive, input()))
	return 0
}

func input() []byte {
	data := make([]byte, inputLength())
	whole := len(data) &^ 7
	for i := 0; i < whole; i += 8 {
		binary.LittleEndian.PutUint64(data[i:], inputLoadUint64(uint64(i)))
	}
	for i := whole; i < len(data); i++ {
		data[i] = byte(inputLoadByte(uint64(i)))
	}
	return data
}

func output(data []byte) {
	at := allocate(uint64(len(data)))
	whole := len(data) &^ 7
	for i := 0; i < whole; i += 8 {
		storeUint64(at+uint64(i), binary.LittleEndian.Uint64(data[i:]))
	}
	for i := whole; i < len(data); i++ {
		storeByte(at+uint64(i), uint32(data[i]))
	}
	setOutput(at, uint64(len(data)))
}

func main() {}
