// Package abi is what a host and a plugin say to each other: ABI version 1.
//
// A guest exports [ExportMemory], [ExportAlloc] and [ExportCall]; the host writes a message into
// guest memory, calls an operation and reads the answer. Every message is a struct of this package
// and has one data model, JSON's, with two encodings of it: deterministic CBOR (see package cbor)
// and JSON. A plugin says in its [Manifest] which one it speaks.
//
// The package imports nothing but the standard library and exports no variable that could be
// changed, so that a guest can link it and a reader can trust it.
package abi

//go:generate go run github.com/latticenet/lattice-host/abi/codecgen -dir . -roots Request,Response,Platform,ValidateRequest,ValidateResponse,Manifest,KindDefinition,HostAnswer,KVGetRequest,KVGetAnswer,KVSetRequest,KVSetAnswer,KVDeleteRequest,KVDeleteAnswer,KVListRequest,KVListAnswer,HTTPGetRequest,HTTPGetAnswer,ResourcesReadRequest,ResourcesReadAnswer

//go:generate go run github.com/latticenet/lattice-host/abi/codecgen -dir . -schema ./schema -roots Request,Response,ValidateRequest,ValidateResponse,Manifest,HostAnswer,KVGetRequest,KVGetAnswer,KVSetRequest,KVSetAnswer,KVDeleteRequest,KVDeleteAnswer,KVListRequest,KVListAnswer,HTTPGetRequest,HTTPGetAnswer,ResourcesReadRequest,ResourcesReadAnswer

// Version is the version of the contract. A module built for another version does not load.
const Version = 1

// Names of the functions and memory that cross the boundary.
const (
	// ExportMemory is the guest's linear memory.
	ExportMemory = "memory"
	// ExportInitialize is run once after instantiation, when the guest has it (WASI reactors do).
	ExportInitialize = "_initialize"
	// ExportAlloc is alloc(size i32) → ptr i32: room for one message from the host.
	ExportAlloc = "lattice_v1_alloc"
	// ExportCall is call(op i32, ptr i32, len i32) → i64: pointer to the answer in the high half,
	// its length in the low.
	ExportCall = "lattice_v1_call"
	// ImportModule is the module name of the host's own functions.
	ImportModule = "lattice_v1"
	// ImportHostCall is host_call(op i32, ptr i32, len i32) → i64, open to plugins with a
	// capability only.
	ImportHostCall = "host_call"
	// ImportLog is log(level i32, ptr i32, len i32).
	ImportLog = "log"
	// ManifestSection names the custom section of the module that holds the manifest as JSON.
	ManifestSection = "lattice.manifest"
)

// Op is an operation of a plugin.
type Op uint32

// The operations of ABI 1.
const (
	// OpValidate checks the settings of a step: [ValidateRequest] in, [ValidateResponse] out.
	OpValidate Op = 1
	// OpDerive derives outputs from a resource: [Request] in, [Response] out.
	OpDerive Op = 2
)

// Encoding is how messages are written.
type Encoding string

// The encodings of ABI 1.
const (
	// EncodingCBOR is deterministic CBOR (RFC 8949, section 4.2.1).
	EncodingCBOR Encoding = "cbor"
	// EncodingJSON is JSON (RFC 8259) in UTF-8 without a byte order mark.
	EncodingJSON Encoding = "json"
)

// Transport is how messages get into a module and out of it.
type Transport string

// TransportExtism is for modules made with an Extism PDK: they import from [ExtismModule] and
// export [ExtismDerive], and [ExtismValidate] when they have settings, both of type () -> i32 with
// 0 for success. The messages are the same. A manifest without a transport is for modules that
// export [ExportCall].
const TransportExtism Transport = "extism"

// Names that cross the boundary of a module with [TransportExtism].
const (
	// ExtismModule is the module name of Extism's own functions.
	ExtismModule = "extism:host/env"
	// ExtismDerive is the function for [OpDerive].
	ExtismDerive = "derive"
	// ExtismValidate is the function for [OpValidate].
	ExtismValidate = "validate"
)
