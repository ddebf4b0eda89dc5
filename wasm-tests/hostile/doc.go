// Package hostile holds no code: its tests run modules that are made to harm against the sandbox,
// the way a host does it: a release is verified, loaded and called. Each either is refused, or
// fails within its limits, or answers well; the next call of another plugin never notices.
//
// The modules are in tables by theme: load for what is refused before it runs, memory for what
// grows and what is kept, control for what does not end or traps, answer for what comes back, wasi
// for what the host's functions are called with, cost for what the host could pay. Those of cost
// run in a process of their own each, where memory and time are measured; command worst searches
// for more of them. The publisher of a hostile module is hostile, too: its signature is good,
// whatever the module is.
package hostile
