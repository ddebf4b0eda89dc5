package meter

import "fmt"

// Instructions that the rewriter knows by name, by their binary form. Ranges that are decoded alike
// have names for their first and last one.
const (
	opUnreachable   = 0x00
	opNop           = 0x01
	opBlock         = 0x02
	opLoop          = 0x03
	opIf            = 0x04
	opElse          = 0x05
	opEnd           = 0x0b
	opBr            = 0x0c
	opBrIf          = 0x0d
	opBrTable       = 0x0e
	opReturn        = 0x0f
	opCall          = 0x10
	opCallIndirect  = 0x11
	opDrop          = 0x1a
	opSelect        = 0x1b
	opSelectTyped   = 0x1c
	opLocalGet      = 0x20
	opLocalSet      = 0x21
	opLocalTee      = 0x22
	opGlobalGet     = 0x23
	opGlobalSet     = 0x24
	opTableGet      = 0x25
	opTableSet      = 0x26
	opI32Load       = 0x28
	opI64Load32U    = 0x35
	opI32Store      = 0x36
	opI64Store32    = 0x3e
	opMemorySize    = 0x3f
	opMemoryGrow    = 0x40
	opI32Const      = 0x41
	opI64Const      = 0x42
	opF32Const      = 0x43
	opF64Const      = 0x44
	opI32Eqz        = 0x45
	opI32LeU        = 0x4d
	opI32GeU        = 0x4f
	opI64Eqz        = 0x50
	opI64LtS        = 0x53
	opF64Ge         = 0x66
	opI32Add        = 0x6a
	opI32Sub        = 0x6b
	opI32Mul        = 0x6c
	opI32DivS       = 0x6d
	opI32RemU       = 0x70
	opI32Rotr       = 0x78
	opI64Add        = 0x7c
	opI64Sub        = 0x7d
	opI64Mul        = 0x7e
	opI64DivS       = 0x7f
	opI64RemU       = 0x82
	opI64Shl        = 0x86
	opI64ShrU       = 0x88
	opI64Rotr       = 0x8a
	opF32Abs        = 0x8b
	opF32Add        = 0x92
	opF32Copysign   = 0x98
	opF64Add        = 0xa0
	opF64Copysign   = 0xa6
	opI32TruncF32S  = 0xa8
	opI64ExtendI32U = 0xad
	opI64TruncF64U  = 0xb1
	opI64Extend32S  = 0xc4
	opRefNull       = 0xd0
	opRefIsNull     = 0xd1
	opRefFunc       = 0xd2
	opGCPrefix      = 0xfb
	opMiscPrefix    = 0xfc
	opVectorPrefix  = 0xfd
)

// opFunction is the block that a function's body is.
const opFunction = opUnreachable

// blockEmpty is the type of a block without parameters and results.
const blockEmpty = 0x40

// Instructions after opMiscPrefix.
const (
	opI64TruncSatF64U = 0x07
	opMemoryInit      = 0x08
	opDataDrop        = 0x09
	opMemoryCopy      = 0x0a
	opMemoryFill      = 0x0b
	opTableInit       = 0x0c
	opElemDrop        = 0x0d
	opTableCopy       = 0x0e
	opTableGrow       = 0x0f
	opTableSize       = 0x10
	opTableFill       = 0x11
)

// Instructions after opVectorPrefix.
const (
	opV128Load          = 0x00
	opV128Store         = 0x0b
	opV128Const         = 0x0c
	opI8x16Shuffle      = 0x0d
	opI8x16Swizzle      = 0x0e
	opI8x16ExtractLaneS = 0x15
	opF64x2ReplaceLane  = 0x22
	opI8x16Eq           = 0x23
	opF64x2Ge           = 0x4c
	opV128Bitselect     = 0x52
	opV128Load8Lane     = 0x54
	opV128Load64Lane    = 0x57
	opV128Store8Lane    = 0x58
	opV128Store64Lane   = 0x5b
	opV128Load32Zero    = 0x5c
	opV128Load64Zero    = 0x5d
)

// isVectorLoad reports whether an instruction reads memory.
func isVectorLoad(op byte) bool {
	return op < opV128Store || op >= opV128Load8Lane && op <= opV128Load64Lane || op == opV128Load32Zero || op == opV128Load64Zero
}

// isVectorGap reports whether no instruction has a number.
func isVectorGap(op byte) bool {
	switch op {
	case 0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb, 0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee:
		return true
	}
	return false
}

// proposal names an instruction that WebAssembly 2.0 lacks.
func proposal(op byte) string {
	switch op {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		return "exception handling"
	case 0x12, 0x13:
		return "tail call"
	case 0x14, 0x15, 0xd3, 0xd4, 0xd5, 0xd6:
		return "typed function reference"
	case 0xfb:
		return "garbage collection"
	case 0xfe:
		return "atomic"
	}
	return "unknown"
}

func instructionName(op byte) string { return fmt.Sprintf("%s instruction 0x%02x", proposal(op), op) }

func prefixedName(prefix byte, op uint32) string {
	return fmt.Sprintf("unknown instruction 0x%02x 0x%02x", prefix, op)
}
