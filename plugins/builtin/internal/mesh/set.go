package mesh

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
)

// Insert adds v to a sorted set at its place, unless an equal one is there. The standard library's
// sort is ten times the code in a guest, once for every type.
func Insert[T any](set []T, v T, compare func(a, b T) int) []T {
	low, high := 0, len(set)
	for low < high {
		middle := (low + high) / 2
		if compare(set[middle], v) < 0 {
			low = middle + 1
		} else {
			high = middle
		}
	}
	if low < len(set) && compare(set[low], v) == 0 {
		return set
	}
	if set == nil {
		// A set that grows from one takes an allocation at each of the first steps.
		set = make([]T, 0, 4)
	}
	set = append(set, v)
	copy(set[low+1:], set[low:])
	set[low] = v
	return set
}

// ComparePorts orders port numbers.
func ComparePorts(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// CompareRefs orders references by namespace, then name.
func CompareRefs(a, b lattice.MemberRef) int {
	if c := strings.Compare(a.Namespace, b.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}
