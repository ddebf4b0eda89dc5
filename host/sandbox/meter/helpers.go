package meter

import (
	"encoding/binary"
	"math"
)

// The types that the rewritten module has after those of the original, by their place among them.
const (
	// typeRefill is (i64) -> (i64).
	typeRefill = iota
	// typeCheck is () -> ().
	typeCheck
	// typeCharge is (i32) -> (i32).
	typeCharge
)

// helperTypes are those types in binary form.
var helperTypes = [...]string{
	typeRefill: "\x60\x01\x7e\x01\x7e",
	typeCheck:  "\x60\x00\x00",
	typeCharge: "\x60\x01\x7f\x01\x7f",
}

// The functions that the rewritten module has after those of the original, by their place among
// them.
const (
	// helperRefill hands the fuel to the host.
	helperRefill = iota
	// helperChargeBytes, helperChargeElements, helperChargeGrowth and helperChargePages take the
	// price of so many bytes, elements, new elements or pages, and return their argument.
	helperChargeBytes
	helperChargeElements
	helperChargeGrowth
	helperChargePages
)

// helperFunctions are those functions. Their price is the argument shifted left by shift, or right
// when it is negative; an argument above what most says is free, because the instruction is certain
// to be refused or to trap before it does anything. No price exceeds 2^45, so that fuel that was
// checked never overflows.
var helperFunctions = [...]struct {
	typ, shift int
	most       func(*coder) uint32
}{
	helperRefill:         {typ: typeCheck},
	helperChargeBytes:    {typ: typeCharge, shift: -3, most: (*coder).mostBytes},
	helperChargeElements: {typ: typeCharge, most: func(c *coder) uint32 { return c.maxElements }},
	helperChargeGrowth:   {typ: typeCharge, shift: 4, most: func(c *coder) uint32 { return c.maxElements }},
	helperChargePages:    {typ: typeCharge, shift: 13, most: func(c *coder) uint32 { return c.maxPages }},
}

// mostBytes returns how large a memory can become. The largest of all is one more than an argument
// can be.
func (c *coder) mostBytes() uint32 { return uint32(min(uint64(c.maxPages)<<pageBits, math.MaxUint32)) }

// pageBits is the size of a page of memory as a power of 2.
const pageBits = 16

// appendHelpers appends the code of the functions.
func (c *coder) appendHelpers(out []byte) []byte {
	for _, f := range helperFunctions {
		// No locals.
		body := []byte{0}
		if f.typ == typeCheck {
			body = c.appendRefill(body)
		} else {
			body = c.appendDynamicCharge(body, f.shift, f.most(c))
		}
		out = appendBytes(out, append(body, opEnd))
	}
	return out
}

// appendRefill appends code that lets the host decide on the fuel.
func (c *coder) appendRefill(b []byte) []byte {
	b = c.appendFuel(b, opGlobalGet)
	b = binary.AppendUvarint(append(b, opCall), uint64(c.refill))
	return c.appendFuel(b, opGlobalSet)
}

// appendDynamicCharge appends code that takes the price of the function's parameter, nothing when
// it is above most, and returns the parameter.
func (c *coder) appendDynamicCharge(b []byte, shift int, most uint32) []byte {
	b = c.appendFuel(b, opGlobalGet)
	b = append(b, opLocalGet, 0)
	if most < math.MaxUint32 {
		b = append(b, opI32Const, 0, opLocalGet, 0, opI32Const)
		b = append(appendSigned(b, int64(int32(most))), opI32LeU, opSelect)
	}
	b = append(b, opI64ExtendI32U)
	switch {
	case shift > 0:
		b = append(b, opI64Const, byte(shift), opI64Shl)
	case shift < 0:
		b = append(b, opI64Const, byte(-shift), opI64ShrU)
	}
	b = c.appendFuel(append(b, opI64Sub), opGlobalSet)
	b = c.appendCheck(b)
	return append(b, opLocalGet, 0)
}

// appendCheck appends code that lets the host decide when fuel is below 0.
func (c *coder) appendCheck(b []byte) []byte {
	b = c.appendFuel(b, opGlobalGet)
	b = append(b, opI64Const, 0, opI64LtS, opIf, blockEmpty, opCall)
	b = binary.AppendUvarint(b, uint64(c.helpers+helperRefill))
	return append(b, opEnd)
}

// appendCharge appends code that takes fuel, or gives it back when the cost is negative.
func (c *coder) appendCharge(b []byte, cost int64) []byte {
	b = append(c.appendFuel(b, opGlobalGet), opI64Const)
	b = appendSigned(b, cost)
	return c.appendFuel(append(b, opI64Sub), opGlobalSet)
}

// appendFuel appends an instruction on the fuel.
func (c *coder) appendFuel(b []byte, op byte) []byte {
	return binary.AppendUvarint(append(b, op), uint64(c.globals))
}

// appendSigned appends v in signed LEB128.
func appendSigned(b []byte, v int64) []byte {
	for v < -64 || v > 63 {
		b = append(b, byte(v&0x7f)|0x80)
		v >>= 7
	}
	return append(b, byte(v&0x7f))
}

func appendUnsigned(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }
