package extism

import (
	"context"
	"errors"
	"fmt"

	sdk "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero/api"

	"github.com/latticenet/lattice-host/abi"
)

// The functions that get a language's runtime ready. A module has one of the first two, if any; the
// SDK calls the third on its own, and what it needs before it.
const (
	exportConstructors = "__wasm_call_ctors"
	exportHaskell      = "hs_init"
)

// ErrMemory says that there is no room for a block.
var ErrMemory = errors.New("no memory is left for a block")

// ReportedError is a failure that the guest reported.
type ReportedError struct {
	// Code is what the function returned.
	Code uint32
	// Message is what the guest said, "" if nothing. It may hold anything.
	Message string
}

// Error returns the code and the message.
func (e *ReportedError) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("it returned %d and no error message", e.Code)
	}
	return e.Message
}

// Instance is a module with a memory of its own, for one call. It is not safe for concurrent use.
type Instance struct {
	plugin *sdk.Plugin
	guest  api.Module
	// kernel is nil while the start function runs.
	kernel api.Module
	// asked are the functions of the kernel that were called: the engine makes a stack of 10 KiB
	// for each that it hands out.
	asked  map[string]api.Function
	memory budget
	blocks blocks
	// input is that of the call. Its block is one of the guest's once it asked where it is, which
	// inputAsked says.
	input      []byte
	inputAsked bool
	report     string
}

// Initialize gets the language's runtime ready. It must be called once, before any other function.
func (i *Instance) Initialize(ctx context.Context) error {
	if i.plugin.FunctionExists(exportHaskell) {
		return nil
	}
	for _, name := range []string{abi.ExportInitialize, exportConstructors} {
		if i.plugin.FunctionExists(name) {
			_, err := i.Call(ctx, name, nil)
			return err
		}
	}
	return nil
}

// Call runs an exported function and returns a copy of its output. The error is a [*ReportedError]
// when the function returned something else than 0 or set an error. Input must not be changed
// before Call returns.
func (i *Instance) Call(ctx context.Context, name string, input []byte) ([]byte, error) {
	// The SDK does not look whether its block for the input was made, and writes over the kernel if
	// not. The kernel grows by whole pages.
	if room := i.memory.Limit - i.memory.used; uint64(len(input))+pageSize > room {
		i.memory.refused = true
		return nil, fmt.Errorf("%w: the input has %d bytes", ErrMemory, len(input))
	}
	// The SDK resets the kernel, so that blocks of an earlier call no longer exist.
	i.input, i.inputAsked, i.blocks, i.report = input, false, blocks{}, ""
	code, output, err := i.plugin.CallWithContext(context.WithValue(ctx, instanceKey{}, i), name, input)
	switch {
	case err != nil:
		return nil, err
	case code != 0 || i.report != "":
		return nil, &ReportedError{code, i.report}
	}
	return output, nil
}

// pageSize is the unit of a memory in bytes.
const pageSize = 64 << 10

// Guest returns the guest's module.
func (i *Instance) Guest() api.Module { return i.guest }

// MemoryBytes returns how much memory the guest and its kernel have in all.
func (i *Instance) MemoryBytes() uint64 { return i.memory.used }

// Refused reports whether the guest or its kernel was refused memory.
func (i *Instance) Refused() bool { return i.memory.refused }

// Close ends the instance and frees its memory. No function may be running.
func (i *Instance) Close(ctx context.Context) error {
	defer i.memory.free()
	if i.plugin == nil {
		return nil
	}
	return i.plugin.CloseWithContext(ctx)
}
