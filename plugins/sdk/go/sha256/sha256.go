// Package sha256 is the SHA-256 of FIPS 180-4 for guests. The standard library's brings self-tests,
// the operating system and formatted printing into a module: half its size.
package sha256

import "math/bits"

// Size is the size of a checksum in bytes.
const Size = 32

// blockSize is the size of the blocks that the hash works on, in bytes.
const blockSize = 64

// round holds the first 32 bits of the fractional parts of the cube roots of the first 64 primes
// (FIPS 180-4, 4.2.2).
var round = [64]uint32{
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
}

// Sum returns the checksum of data.
func Sum(data []byte) [Size]byte {
	// The initial hash value: the square roots of the first eight primes (FIPS 180-4, 5.3.3).
	state := [8]uint32{
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	}
	whole := len(data) / blockSize * blockSize
	for at := 0; at < whole; at += blockSize {
		compress(&state, data[at:at+blockSize])
	}
	// Padding: a one bit, zeros, and the length in bits, in one block or two.
	var tail [2 * blockSize]byte
	n := copy(tail[:], data[whole:])
	tail[n] = 0x80
	end := blockSize
	if n+9 > blockSize {
		end = 2 * blockSize
	}
	length := uint64(len(data)) * 8
	for i := range 8 {
		tail[end-1-i] = byte(length >> (8 * i))
	}
	for at := 0; at < end; at += blockSize {
		compress(&state, tail[at:at+blockSize])
	}
	var sum [Size]byte
	for i, word := range state {
		sum[4*i], sum[4*i+1], sum[4*i+2], sum[4*i+3] = byte(word>>24), byte(word>>16), byte(word>>8), byte(word)
	}
	return sum
}

// compress works in steps of eight rounds, after which every variable is back in its place: in
// WebAssembly, moving eight variables takes longer than the rest of a round.
func compress(state *[8]uint32, block []byte) {
	w := schedule(block)
	a, b, c, d, e, f, g, h := state[0], state[1], state[2], state[3], state[4], state[5], state[6], state[7]
	for i := 0; i < len(w); i += 8 {
		w, k := (*[8]uint32)(w[i:]), (*[8]uint32)(round[i:])
		t := h + sum1(e) + (e&(f^g) ^ g) + k[0] + w[0]
		d, h = d+t, t+sum0(a)+(a&b|c&(a|b))
		t = g + sum1(d) + (d&(e^f) ^ f) + k[1] + w[1]
		c, g = c+t, t+sum0(h)+(h&a|b&(h|a))
		t = f + sum1(c) + (c&(d^e) ^ e) + k[2] + w[2]
		b, f = b+t, t+sum0(g)+(g&h|a&(g|h))
		t = e + sum1(b) + (b&(c^d) ^ d) + k[3] + w[3]
		a, e = a+t, t+sum0(f)+(f&g|h&(f|g))
		t = d + sum1(a) + (a&(b^c) ^ c) + k[4] + w[4]
		h, d = h+t, t+sum0(e)+(e&f|g&(e|f))
		t = c + sum1(h) + (h&(a^b) ^ b) + k[5] + w[5]
		g, c = g+t, t+sum0(d)+(d&e|f&(d|e))
		t = b + sum1(g) + (g&(h^a) ^ a) + k[6] + w[6]
		f, b = f+t, t+sum0(c)+(c&d|e&(c|d))
		t = a + sum1(f) + (f&(g^h) ^ h) + k[7] + w[7]
		e, a = e+t, t+sum0(b)+(b&c|d&(b|c))
	}
	for i, v := range [8]uint32{a, b, c, d, e, f, g, h} {
		state[i] += v
	}
}

// schedule spreads a block over the rounds.
func schedule(block []byte) (w [64]uint32) {
	for i := range 16 {
		b := block[4*i : 4*i+4]
		w[i] = uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	}
	for i := 16; i < 64; i++ {
		v := (*[17]uint32)(w[i-16:])
		x, y := v[1], v[14]
		s0 := bits.RotateLeft32(x, -7) ^ bits.RotateLeft32(x, -18) ^ x>>3
		s1 := bits.RotateLeft32(y, -17) ^ bits.RotateLeft32(y, -19) ^ y>>10
		v[16] = v[0] + s0 + v[9] + s1
	}
	return w
}

func sum0(x uint32) uint32 {
	return bits.RotateLeft32(x, -2) ^ bits.RotateLeft32(x, -13) ^ bits.RotateLeft32(x, -22)
}

func sum1(x uint32) uint32 {
	return bits.RotateLeft32(x, -6) ^ bits.RotateLeft32(x, -11) ^ bits.RotateLeft32(x, -25)
}

// Hex returns bytes in lower-case hexadecimal.
func Hex(b []byte) string {
	const digits = "0123456789abcdef"
	text := make([]byte, 0, 2*len(b))
	for _, c := range b {
		text = append(text, digits[c>>4], digits[c&15])
	}
	return string(text)
}
