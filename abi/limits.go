package abi

import "errors"

// Limits that are part of the contract and equal on every host, so that what passes a plugin's
// tests passes in production. Sizes are bytes.
const (
	// MaxMemoryBytes is the largest linear memory of a guest.
	MaxMemoryBytes = 64 << 20
	// DefaultRequestBytes is the largest request for a plugin whose manifest asks for no other
	// size.
	DefaultRequestBytes = 1 << 20
	// MaxRequestBytes is the most that a manifest may ask for.
	MaxRequestBytes = 16 << 20
	// MaxResponseBytes is the largest answer of a guest.
	MaxResponseBytes = 16 << 20
	// MaxManifestBytes is the largest manifest section.
	MaxManifestBytes = 64 << 10
	// MaxModuleBytes is the largest module.
	MaxModuleBytes = 32 << 20
	// CompileMillis, and CompileMillisPerMiB for each MiB of the module, is how much processor time
	// compiling a module may take, at most MaxCompileMillis: by the estimate that plugin inspect
	// shows, which is the same on every machine.
	CompileMillis       = 1_500
	CompileMillisPerMiB = 5_000
	MaxCompileMillis    = 120_000
	// MaxFunctionCompileMillis is how much of it one function may take.
	MaxFunctionCompileMillis = 1_500
	// CompileMemoryBytes, and CompileMemoryPerByte for each byte of the module, is how much memory
	// compiling may take by that estimate, at most MaxCompileMemoryBytes.
	CompileMemoryBytes    = 192 << 20
	CompileMemoryPerByte  = 256
	MaxCompileMemoryBytes = 3 << 30
	// MaxRounds is how often a step is called until its requirements settle.
	MaxRounds = 5
	// MaxOutputs is how many outputs one bundle holds.
	MaxOutputs = 256
	// MaxRequirements is how many requirements one step may have open in one round.
	MaxRequirements = 1024
	// MaxResults is how many results one step may report.
	MaxResults = 1024
	// MaxDerivedDepth is how many times an output may be derived in turn.
	MaxDerivedDepth = 4
	// MaxDepth is how deep arrays and objects of a message may nest.
	MaxDepth = 128
	// MaxHostCalls is the budget of host calls in one derivation: one document with all its steps,
	// their rounds, and what is derived in turn.
	MaxHostCalls = 64
	// MaxHostRequestBytes is the largest request of a host call.
	MaxHostRequestBytes = 128 << 10
	// MaxHostAnswerBytes is the largest answer to a host call.
	MaxHostAnswerBytes = 1 << 20
	// MaxKVKeyBytes is the longest key of a plugin's store.
	MaxKVKeyBytes = 128
	// MaxKVValueBytes is the largest value of a plugin's store, as JSON.
	MaxKVValueBytes = 64 << 10
	// MaxKVKeys is how many keys a plugin's store has.
	MaxKVKeys = 1024
	// MaxKVBytes is how large a plugin's store is: its keys and its values as JSON.
	MaxKVBytes = 1 << 20
	// MaxURLBytes is the longest URL that http.get takes.
	MaxURLBytes = 2048
	// MaxHTTPBodyBytes is the largest body that http.get returns, unpacked.
	MaxHTTPBodyBytes = 512 << 10
	// MaxHTTPRedirects is how many redirects http.get follows.
	MaxHTTPRedirects = 5
	// MaxHTTPMillis is how long one http.get may take with all its redirects, in milliseconds. It
	// counts for the call's own bound too.
	MaxHTTPMillis = 5_000
	// DefaultTimeoutMillis is the wall-clock bound of one call in milliseconds.
	DefaultTimeoutMillis = 10_000
	// MaxTimeoutMillis is the most that a manifest may ask for.
	MaxTimeoutMillis = 30_000
	// DefaultFuel is what one call may spend: about the number of WebAssembly instructions that it
	// runs.
	DefaultFuel = 2_000_000_000
	// MaxFuel is the most that a manifest may ask for.
	MaxFuel = 20_000_000_000
	// MaxLogBytes is how much of one log message is kept.
	MaxLogBytes = 8 << 10
	// MaxLogMessages is how many log messages of one call are kept.
	MaxLogMessages = 1000
)

// errABIVersion marks a message, manifest or module of another version of the contract.
var errABIVersion = errors.New("abi version is not 1")

// CheckVersion returns an error unless v is [Version].
func CheckVersion(v int64) error {
	if v != Version {
		return errABIVersion
	}
	return nil
}
