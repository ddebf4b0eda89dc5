package meter

// Prices of what takes longer than other instructions, measured by wasm-tests/fuel. All others cost
// 1.
const (
	// loadCost is the price of a load. One that depends on another and is in no cache takes as long
	// as a hundred additions, one that is in a cache as long as two.
	loadCost = 48
	// callCost is the price of a call, of a leaf too: thousands of them in a row, with many values
	// that live longer, leave the processor's caches for code.
	callCost = 8
	// growCost is the price of asking for memory or elements, which leaves compiled code, whether
	// there is any or not.
	growCost = 256
	// frameCost is the price of a function that may be on the stack very often. The engine makes
	// the stack twice as large whenever it is full, and copies it.
	frameCost = 32
)
