// Package sandbox runs plugins: WebAssembly modules that get one message and give one back. It is
// the only package that knows the engine, wazero.
//
// [Runtime.Load] takes a module whose signature was verified, refuses it unless it keeps the
// contract of package abi, and compiles it. Each call of the [Plugin] runs in an instance of its
// own, within the limits of the manifest, and sees nothing of the machine: a fixed clock, fixed
// random numbers, no environment, no files, no network. What it writes or logs goes to
// [Config.Log]. Every failure of a plugin is an [*Error]; nothing that a module does makes the host
// panic.
//
// Files by what they do: inspect and contract look at a module before the engine does; prepare and
// segments change its bytes, and package meter rewrites it so that fuel is counted, which fuel
// hands out; compile makes machine code of it, which cache keeps in package codecache and finds
// again; instances makes what runs, pool hands it out, keeps and discards it, and snapshot puts it
// back, with memory knowing how; guest is what one call remembers; wasi and log are the host's
// functions; answer checks what came back. A module made with an Extism PDK is run by package
// extism, to which the files extism lead: a contract, functions and limits of the same kind, but an
// instance of its own for each call.
package sandbox
