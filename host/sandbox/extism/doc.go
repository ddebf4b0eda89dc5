// Package extism runs modules that were made with an Extism PDK, through Extism's own SDK for Go.
//
// Extism puts a second module, the kernel, between host and guest: messages and texts lie in blocks
// of the kernel's memory, and a guest reads and writes them word by word through functions of the
// host. The SDK trusts the guest to keep to the blocks it asked for. A guest that does not can
// break the kernel's lists, so that the kernel, which no one meters, runs forever in the host's
// name. Here the guest's imports lead to functions of the host's choice instead, and those reach
// the kernel through an [Instance], which knows every block. What else the SDK would offer a guest
// (HTTP, variables that outlive a call, configuration, WASI with files) is out of reach because
// nothing leads there.
//
// Fuel, logs and the context are the caller's: it gives the functions that a guest may import, and
// what they cost.
//
// A [Module] has an engine of its own, because the SDK makes one for each; closing the module
// closes it.
package extism
