package meter

// EngineVersion is the version of the engine that [Costs] was read from. With another one, the
// engine's source must be read again: what an instruction allocates is not part of any interface.
const EngineVersion = "v1.12.0"

// Class is a range of instructions that the engine does the same for. Prefix is 0 for those of one
// byte.
type Class struct {
	Prefix, First, Last byte
}

// Cost is what something that a guest can bring about costs its host, beyond the machine code that
// it is compiled to.
type Cost struct {
	// What is the instruction, step of a life or function of the host.
	What string
	// Classes are the instructions; none for what is not an instruction.
	Classes []Class
	// Leaves says how it leaves compiled code: by an exit to the engine, by a call of the runtime's
	// memmove, or not at all.
	Leaves string
	// Allocates says what it allocates on the heap of the host, how much and for how long; empty
	// for nothing.
	Allocates string
	// Paid says what pays for that, and for the time.
	Paid string
	// Source is the file of the engine, below its folder internal, Line the line, and Text what it
	// says there.
	Source string
	Line   int
	Text   string
}

const (
	lower  = "engine/wazevo/frontend/lower.go"
	caller = "engine/wazevo/call_engine.go"
)

// plain is what pays for instructions that become machine code and nothing else.
const plain = "1, loads 32"

// Costs returns what everything costs that a guest can bring about in the engine.
func Costs() []Cost {
	return []Cost{
		{What: "unreachable", Classes: []Class{{0, 0x00, 0x00}}, Leaves: "exit, and never comes back", Allocates: "an error with the functions on the stack, up to the next collection",
			Paid: "the instance is closed", Source: caller, Line: 544, Text: "case wazevoapi.ExitCodeUnreachable:"},
		{What: "nop, blocks and branches", Classes: []Class{{0, 0x01, 0x05}, {0, 0x0b, 0x0f}}, Paid: "blocks are free, branches cost 1", Source: lower, Line: 1325, Text: "case wasm.OpcodeLoop:"},
		{What: "call", Classes: []Class{{0, opCall, opCall}}, Leaves: "exit when the stack is full", Allocates: "a stack twice as large, up to 84 MB, until the call's engine is dropped",
			Paid: "8, and 32 for the frame of the caller; the sandbox counts stacks", Source: caller, Line: 725, Text: "newStack = make([]byte, l)"},
		{What: "call_indirect", Classes: []Class{{0, opCallIndirect, opCallIndirect}}, Leaves: "exit when the stack is full", Allocates: "as call",
			Paid: "as call", Source: lower, Line: 1603, Text: "case wasm.OpcodeCallIndirect:"},
		{What: "drop, select", Classes: []Class{{0, opDrop, opSelectTyped}}, Paid: plain, Source: lower, Line: 1109, Text: "case wasm.OpcodeSelect, wasm.OpcodeTypedSelect:"},
		{What: "locals and globals", Classes: []Class{{0, opLocalGet, opGlobalSet}}, Paid: plain, Source: lower, Line: 1069, Text: "case wasm.OpcodeGlobalGet:"},
		{What: "table.get", Classes: []Class{{0, opTableGet, opTableGet}}, Paid: plain, Source: lower, Line: 3416, Text: "case wasm.OpcodeTableGet:"},
		{What: "table.set", Classes: []Class{{0, opTableSet, opTableSet}}, Paid: plain, Source: lower, Line: 3405, Text: "case wasm.OpcodeTableSet:"},
		{What: "loads", Classes: []Class{{0, opI32Load, opI64Load32U}}, Paid: plain, Source: lower, Line: 1229, Text: "case wasm.OpcodeI32Load,"},
		{What: "stores", Classes: []Class{{0, opI64Load32U + 1, opI64Store32}}, Paid: plain, Source: lower, Line: 1186, Text: "case wasm.OpcodeI32Store,"},
		{What: "memory.size", Classes: []Class{{0, opMemorySize, opMemorySize}}, Paid: plain, Source: lower, Line: 1128, Text: "case wasm.OpcodeMemorySize:"},
		{What: "memory.grow", Classes: []Class{{0, opMemoryGrow, opMemoryGrow}}, Leaves: "exit", Allocates: "memory of the sandbox, within the limit of the instance, as long as the instance",
			Paid: "256 and 8192 a page; the sandbox counts memory", Source: caller, Line: 357, Text: "case wazevoapi.ExitCodeGrowMemory:"},
		{What: "constants", Classes: []Class{{0, opI32Const, opF64Const}}, Paid: plain, Source: lower, Line: 194, Text: "case wasm.OpcodeI32Const:"},
		{What: "arithmetic", Classes: []Class{{0, opI32Eqz, opI64Extend32S}}, Leaves: "exit, and never comes back, for a division by 0 and what does not fit", Paid: plain,
			Source: lower, Line: 231, Text: "case wasm.OpcodeI32Add, wasm.OpcodeI64Add:"},
		{What: "ref.null", Classes: []Class{{0, opRefNull, opRefNull}}, Paid: plain, Source: lower, Line: 3382, Text: "case wasm.OpcodeRefNull:"},
		{What: "ref.is_null", Classes: []Class{{0, opRefIsNull, opRefIsNull}}, Paid: plain, Source: lower, Line: 3394, Text: "case wasm.OpcodeRefIsNull:"},
		{What: "ref.func", Classes: []Class{{0, opRefFunc, opRefFunc}}, Leaves: "exit", Allocates: "a function instance of 32 bytes, as long as the instance",
			Paid: "rewritten to global.get; at most 4,096 functions are named", Source: "engine/wazevo/module_engine.go", Line: 338, Text: "m.localFunctionInstances = append(m.localFunctionInstances, lf)"},
		{What: "truncation", Classes: []Class{{opMiscPrefix, 0, opI64TruncSatF64U}}, Paid: plain, Source: lower, Line: 532, Text: "case wasm.OpcodeMiscI64TruncSatF64S, wasm.OpcodeMiscI64TruncSatF32S,"},
		{What: "memory.init, memory.copy", Classes: []Class{{opMiscPrefix, opMemoryInit, opMemoryInit}, {opMiscPrefix, opMemoryCopy, opMemoryCopy}}, Leaves: "memmove",
			Paid: "1, and 1 for 8 bytes", Source: lower, Line: 4342, Text: "AsCallGoRuntimeMemmove"},
		{What: "memory.fill", Classes: []Class{{opMiscPrefix, opMemoryFill, opMemoryFill}}, Leaves: "memmove, once for 8 KiB", Paid: "1, and 1 for 8 bytes", Source: lower, Line: 723, Text: "case wasm.OpcodeMiscMemoryFill:"},
		{What: "data.drop", Classes: []Class{{opMiscPrefix, opDataDrop, opDataDrop}}, Paid: plain, Source: lower, Line: 872, Text: "case wasm.OpcodeMiscDataDrop:"},
		{What: "table.init", Classes: []Class{{opMiscPrefix, opTableInit, opTableInit}}, Leaves: "memmove", Paid: "1, and 1 an element", Source: lower, Line: 830, Text: "case wasm.OpcodeMiscTableInit:"},
		{What: "elem.drop", Classes: []Class{{opMiscPrefix, opElemDrop, opElemDrop}}, Paid: plain, Source: lower, Line: 864, Text: "case wasm.OpcodeMiscElemDrop:"},
		{What: "table.copy", Classes: []Class{{opMiscPrefix, opTableCopy, opTableCopy}}, Leaves: "memmove", Paid: "1, and 1 an element", Source: lower, Line: 592, Text: "case wasm.OpcodeMiscTableCopy:"},
		{What: "table.grow", Classes: []Class{{opMiscPrefix, opTableGrow, opTableGrow}}, Leaves: "exit", Allocates: "the table again with the new elements, 8 bytes each, as long as the instance; the old one up to the next collection",
			Paid: "256, and 16 an element; the contract bounds the elements of tables", Source: "wasm/table.go", Line: 308, Text: "t.References = append(t.References, make([]uintptr, delta)...)"},
		{What: "table.size", Classes: []Class{{opMiscPrefix, opTableSize, opTableSize}}, Paid: plain, Source: lower, Line: 548, Text: "case wasm.OpcodeMiscTableSize:"},
		{What: "table.fill", Classes: []Class{{opMiscPrefix, opTableFill, opTableFill}}, Leaves: "memmove, each twice as long as the one before", Paid: "1, and 1 an element", Source: lower, Line: 647, Text: "case wasm.OpcodeMiscTableFill:"},
		{What: "vectors", Classes: []Class{{opVectorPrefix, 0x00, 0xff}}, Paid: plain, Source: lower, Line: 1660, Text: "case wasm.OpcodeVecPrefix:"},

		{What: "a host function", Leaves: "exit", Allocates: "what the function does", Paid: "by the sandbox, when it is called",
			Source: caller, Line: 415, Text: "case wazevoapi.ExitCodeCallGoModuleFunction:"},
		{What: "the refill of the fuel", Leaves: "exit", Paid: "by the slice", Source: caller, Line: 378, Text: "case wazevoapi.ExitCodeCallGoFunction:"},
		{What: "a trap", Leaves: "exit, and never comes back", Allocates: "an error with the functions on the stack, up to the next collection", Paid: "the instance is closed",
			Source: caller, Line: 308, Text: "err = builder.FromRecovered(r)"},
		{What: "a call from the host", Allocates: "its parameters and results, up to the next collection", Paid: "once a call", Source: caller, Line: 185, Text: "paramResultSlice := make([]uint64, c.sizeOfParamResultSlice)"},
		{What: "a function of an export", Allocates: "a stack of at least 10 KiB, as long as the function is kept", Paid: "the sandbox counts stacks", Source: caller, Line: 158, Text: "c.stack = make([]byte, stackSize)"},
		{What: "making: globals and functions", Allocates: "16 bytes a global and 24 an imported function, as long as the instance", Paid: "by the sandbox, before the instance is made",
			Source: "engine/wazevo/module_engine.go", Line: 86, Text: "buf := make([]byte, size+16)"},
		{What: "making: global instances", Allocates: "about 80 bytes a global, as long as the instance", Paid: "by the sandbox, before the instance is made", Source: "wasm/module.go", Line: 705, Text: "g := &GlobalInstance{}"},
		{What: "making: tables", Allocates: "8 bytes an element, as long as the instance", Paid: "by the sandbox, before the instance is made", Source: "wasm/table.go", Line: 248, Text: "References: make([]Reference, tsec.Min)"},
		{What: "making: element segments", Allocates: "8 bytes an element, and 32 for each that is a function, as long as the instance", Paid: "by the sandbox, before the instance is made",
			Source: "wasm/store.go", Line: 187, Text: "inst := make([]Reference, len(inits))"},
		{What: "making: data segments", Allocates: "24 bytes a segment, as long as the instance", Paid: "by the sandbox, before the instance is made", Source: "wasm/store.go", Line: 273, Text: "m.DataInstances = make([][]byte, len(data))"},
		{What: "making: the start function", Allocates: "a stack of at least 10 KiB, up to its end", Paid: "by its own instructions", Source: "wasm/store.go", Line: 407, Text: "_, err = ce.Call(ctx)"},
	}
}
