package cbor

import "math"

// The major types of the data model (RFC 8949, section 3.1), in the top three bits of an initial
// byte.
const (
	majorUint   byte = 0 << 5
	majorNegInt byte = 1 << 5
	majorText   byte = 3 << 5
	majorArray  byte = 4 << 5
	majorObject byte = 5 << 5
	majorSimple byte = 7 << 5
)

const (
	simpleFalse = majorSimple | 20
	simpleTrue  = majorSimple | 21
	simpleNull  = majorSimple | 22
	float16Head = majorSimple | 25
	float32Head = majorSimple | 26
	float64Head = majorSimple | 27
)

func appendHead(b []byte, major byte, n uint64) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n <= math.MaxUint8:
		return append(b, major|24, byte(n))
	case n <= math.MaxUint16:
		return appendBigEndian(append(b, major|25), n, 2)
	case n <= math.MaxUint32:
		return appendBigEndian(append(b, major|26), n, 4)
	}
	return appendBigEndian(append(b, major|27), n, 8)
}

// appendBigEndian appends the low bytes of n. The standard library's package for this brings
// reflection into a guest.
func appendBigEndian(b []byte, n uint64, size int) []byte {
	for shift := 8 * (size - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(n>>shift))
	}
	return b
}

// AppendObjectHeader begins an object of n keys. The keys must follow in [KeyOrder], each with its
// value.
func AppendObjectHeader(b []byte, n int) []byte { return appendHead(b, majorObject, uint64(n)) }

// AppendArrayHeader begins an array of n items, which must follow.
func AppendArrayHeader(b []byte, n int) []byte { return appendHead(b, majorArray, uint64(n)) }

// AppendString appends text, which must be valid UTF-8.
func AppendString(b []byte, s string) []byte {
	// Most text is short: its length fits into the initial byte.
	if len(s) < 24 {
		return append(append(b, majorText|byte(len(s))), s...)
	}
	return appendLong(b, s)
}

func appendLong(b []byte, s string) []byte {
	return append(appendHead(b, majorText, uint64(len(s))), s...)
}

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, simpleTrue)
	}
	return append(b, simpleFalse)
}

// AppendNull appends null.
func AppendNull(b []byte) []byte { return append(b, simpleNull) }

// AppendInt appends an integer.
func AppendInt(b []byte, v int64) []byte {
	if v < 0 {
		return appendHead(b, majorNegInt, uint64(-1-v))
	}
	return appendHead(b, majorUint, uint64(v))
}

// AppendUint appends an integer.
func AppendUint(b []byte, v uint64) []byte { return appendHead(b, majorUint, v) }

// AppendFloat appends a finite number in the shortest of the three floating-point forms that keeps
// its value.
func AppendFloat(b []byte, v float64) []byte {
	if f32 := float32(v); float64(f32) == v {
		if h, ok := halfFromFloat32(f32); ok {
			return appendBigEndian(append(b, float16Head), uint64(h), 2)
		}
		return appendBigEndian(append(b, float32Head), uint64(math.Float32bits(f32)), 4)
	}
	return appendBigEndian(append(b, float64Head), math.Float64bits(v), 8)
}

// AppendRaw appends an encoded item, or null when it is absent.
func AppendRaw(b []byte, r Raw) []byte {
	if len(r) == 0 {
		return AppendNull(b)
	}
	return append(b, r...)
}

// halfFromFloat32 returns the IEEE 754 half-precision bits of f, and whether they keep its value.
func halfFromFloat32(f float32) (uint16, bool) {
	bits := math.Float32bits(f)
	sign := uint16(bits >> 16 & 0x8000)
	exponent := int(bits>>23&0xff) - 127
	mantissa := bits & 0x7fffff
	switch {
	case bits&0x7fffffff == 0:
		return sign, true
	case exponent >= -14 && exponent <= 15 && mantissa&0x1fff == 0:
		return sign | uint16(exponent+15)<<10 | uint16(mantissa>>13), true
	case exponent >= -24 && exponent < -14:
		// Subnormal: the hidden bit moves into the mantissa.
		shift := uint(-exponent - 1)
		full := mantissa | 0x800000
		if full&(1<<shift-1) == 0 {
			return sign | uint16(full>>shift), true
		}
	}
	return 0, false
}

func float32FromHalf(h uint16) float32 {
	sign := float32(1)
	if h&0x8000 != 0 {
		sign = -1
	}
	exponent, mantissa := int(h>>10&0x1f), float32(h&0x3ff)
	switch exponent {
	case 0:
		return sign * mantissa * (1.0 / (1 << 24))
	case 31:
		if mantissa == 0 {
			return float32(math.Inf(int(sign)))
		}
		return float32(math.NaN())
	}
	return sign * float32(math.Ldexp(float64(mantissa+1024), exponent-25))
}
