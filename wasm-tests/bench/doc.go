// Command bench compares the sandbox and the pipeline with their peers: the bare engine, the
// engine's own way to interrupt, Extism, an ordinary Go program, Helm, kubectl. It is a module of
// its own, so that the peers stay out of the product's dependencies.
//
// Ours and the peer run by turns in one process, so that whatever else the machine does meets both.
// Times mean little on another machine; the ratio is what is held against the bar. Cases without a
// bar are there to explain those that have one.
//
// Run it with make bench, or make bench-json for a program.
package main
