// Package sdk is what the author of a plugin imports.
//
// An author writes one pure function over typed values, [Plugin.Derive], and a manifest,
// plugin.yaml. The same code runs natively in unit tests, through [Plugin.Serve], and as a
// WebAssembly module, through package guest. Nothing here reflects, formats or builds Go maps:
// messages are read in place and written by appending, which keeps a module small and a call in the
// microseconds.
package sdk
