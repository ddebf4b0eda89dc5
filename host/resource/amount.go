package resource

import (
	"math"
	"math/big"
	"strings"
)

// Cores returns the number of cores in a quantity of cpu, such as 1/2 for 500m, or nil when it is
// not well-formed or not more than 0.
func Cores(s string) *big.Rat {
	if !cpuPattern.MatchString(s) {
		return nil
	}
	number, milli := strings.CutSuffix(s, "m")
	amount, ok := new(big.Rat).SetString(number)
	if !ok || amount.Sign() == 0 {
		return nil
	}
	if milli {
		amount.Quo(amount, big.NewRat(1000, 1))
	}
	return amount
}

// Bytes returns the number of bytes in a quantity of memory, or nil when it is not well-formed, not
// more than 0 or too large for 63 bits.
func Bytes(s string) *big.Rat {
	parts := memoryPattern.FindStringSubmatch(s)
	if parts == nil {
		return nil
	}
	number := parts[1]
	if parts[3] != "" {
		number = parts[2]
	}
	amount, ok := new(big.Rat).SetString(number)
	if !ok || amount.Sign() == 0 {
		return nil
	}
	amount.Mul(amount, unit(parts[3]))
	if amount.Cmp(new(big.Rat).SetInt64(math.MaxInt64)) > 0 {
		return nil
	}
	return amount
}

// unit returns the factor of a suffix: a power of 1024 with i, else a power of 1000.
func unit(suffix string) *big.Rat {
	prefix, binary := strings.CutSuffix(suffix, "i")
	base := int64(1000)
	if binary {
		base = 1024
	}
	power := 0
	if prefix != "" {
		power = strings.Index("KMGTPE", strings.ToUpper(prefix)) + 1
	}
	return new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(base), big.NewInt(int64(power)), nil))
}
