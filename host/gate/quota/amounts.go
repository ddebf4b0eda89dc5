package quota

import (
	"math/big"
	"regexp"

	"github.com/latticenet/lattice-host/host/resource"
)

// Amounts are a demand or limits by key: thousandths of a core, bytes, a count. A key that is
// absent is not limited.
type Amounts map[string]*big.Int

// keys are in the order in which facts and messages have them.
func keys() []string { return []string{CPU, GPU, Memory} }

// add adds n to a key.
func (a Amounts) add(key string, n *big.Int) { a[key] = new(big.Int).Add(a.of(key), n) }

// of returns the amount of a key, 0 when it is absent.
func (a Amounts) of(key string) *big.Int {
	if n := a[key]; n != nil {
		return n
	}
	return new(big.Int)
}

var countPattern = regexp.MustCompile(`^[0-9]{1,9}$`)

// parseAmount reads the notation of Kubernetes, and 0. It rounds down: a limit promises no more
// than it says.
func parseAmount(key, text string) *big.Int {
	if text == "0" {
		return new(big.Int)
	}
	switch key {
	case CPU:
		if cores := resource.Cores(text); cores != nil {
			return whole(cores.Mul(cores, big.NewRat(1000, 1)), false)
		}
	case Memory:
		if bytes := resource.Bytes(text); bytes != nil {
			return whole(bytes, false)
		}
	case GPU:
		if countPattern.MatchString(text) {
			n, _ := new(big.Int).SetString(text, 10)
			return n
		}
	}
	return nil
}

// whole rounds to an integer.
func whole(r *big.Rat, up bool) *big.Int {
	n, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if up && rest.Sign() > 0 {
		n.Add(n, big.NewInt(1))
	}
	return n
}

// format writes an amount as people do: 2, 500m, 3Gi.
func format(key string, n *big.Int) string {
	switch key {
	case CPU:
		cores, rest := new(big.Int).QuoRem(n, big.NewInt(1000), new(big.Int))
		if rest.Sign() == 0 {
			return cores.String()
		}
		return n.String() + "m"
	case Memory:
		return formatBytes(n)
	}
	return n.String()
}

func formatBytes(n *big.Int) string {
	unit := ""
	for _, larger := range [...]string{"Ki", "Mi", "Gi", "Ti", "Pi", "Ei"} {
		quotient, rest := new(big.Int).QuoRem(n, big.NewInt(1024), new(big.Int))
		if rest.Sign() != 0 || n.Sign() == 0 {
			break
		}
		n, unit = quotient, larger
	}
	return n.String() + unit
}
