//go:build race

package hostile

// slowdown is how much longer the host may take with the race detector, above all to compile.
const slowdown = 10
