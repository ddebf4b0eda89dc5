// Package meter rewrites WebAssembly modules so that they count what they execute. The count is
// fuel: a global of type i64 that the host fills and the guest's own code takes from. It depends on
// the module, the call and the state it starts from, never on the machine or the clock.
//
// # Cost
//
// Every instruction that is executed costs 1, except block, loop, else, end and nop, which cost
// nothing, and what takes longer than others where it is slowest (package wasm-tests/fuel measures
// it, [Costs] has what else it takes):
//
//	loads                                   48
//	memory.grow, table.grow                 256
//	call, call_indirect                     8
//	a function that calls others            32, where it begins, for its frame on the stack
//
// Some cost more by an operand that is known only when they run, and they pay before they do
// anything. It is free when it is so large that it is certain to be refused or to trap ([Options]):
//
//	memory.copy, memory.fill, memory.init   1 for 8 bytes, rounded down
//	table.copy, table.fill, table.init      1 an element
//	table.grow                              16 an element
//	memory.grow                             8192 a page, which is what filling the page would cost
//
// A call costs what the called function costs besides; what a host function does is the host's to
// count.
//
// # When fuel is taken and checked
//
// Straight-line code pays for itself at once where it begins, and may pay there for what follows,
// too, when that is certain to run or is given back where it does not. The number at the end of a
// call is exact. Between, and when a trap or the host ends the guest, it is off by at most the size
// of the functions on the stack.
//
// Fuel is checked where a function begins that is not a leaf, once in every round of a loop, after
// the price of an operand, and wherever 4,000 units of one function have run without, the leaves
// that it calls included. A leaf is a short function without calls and loops. A loop that compilers
// use to jump to places in a function, as Go's does, counts as a round only when the jump leads
// back. What runs between two checks is thus at most some 10,000 units of a function and what it
// calls.
//
// On the way back from a deep recursion no function begins. A function that does more than 512
// units after a call returned checks fuel there, as does one that charged more than 128 units
// since, where it ends. Shorter tails were paid before the call, on the way down, so that what all
// of them do in a row is within what was checked then.
//
// A guest is not checked once more where it ends. A host compares the fuel then: below 0 it
// overspent.
//
// Whenever fuel is below 0 at a check, the imported host function gets it and returns what the
// guest goes on with. A host that does not want the guest to go on panics or closes the module
// instead. Fuel that a host returns below 0 ends up with the host again at the next check. A host
// that grants little at a time pays for it: a slice of a million costs nothing to speak of, one of
// ten thousand a twentieth of the time.
//
// # State
//
// All mutable globals of the guest are exported, so that a host can put an instance back to an
// earlier state together with its memory. [Module.Resettable] says whether memory and globals are
// all the state there is.
//
// # Trust
//
// The module may come from anybody. Everything in it is decoded, and what is not WebAssembly 2.0 is
// refused, as is code that names anything beyond what the module has, because that is where the
// rewritten module keeps the fuel. Types of operands are left to the engine, which validates the
// result: what is added leaves the operands of the guest as they are, so that an invalid function
// stays invalid.
package meter
