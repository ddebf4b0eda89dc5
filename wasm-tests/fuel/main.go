// Command fuel measures how long a unit of fuel takes: for each class of instructions, host functions and ways to use
// memory, it runs a guest of nothing else and divides the processor time by the fuel. It prints the table and fails when a
// row is above 20 times the median.
//
// All rows are measured in one run and compared with each other, each by the best of several calls, so that a machine that
// is slow or busy does not matter.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
)

// mostTimesMedian is how many times the median a unit of fuel may take.
const mostTimesMedian = 20

func main() {
	turns := flag.Int("turns", 7, "how often each row is measured; the best counts")
	flag.Parse()
	if err := run(context.Background(), *turns, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fuel:", err)
		os.Exit(1)
	}
}

// run measures and prints all rows. The error names those that are too slow.
func run(ctx context.Context, turns int, out io.Writer) error {
	measured, err := measure(ctx, rows(), turns)
	if err != nil {
		return err
	}
	return report(out, measured)
}

// report prints the rows, the slowest first, and returns an error when one is too slow.
func report(out io.Writer, measured []result) error {
	slices.SortStableFunc(measured, func(a, b result) int {
		switch {
		case a.perUnit() > b.perUnit():
			return -1
		case a.perUnit() < b.perUnit():
			return 1
		}
		return 0
	})
	median := measured[len(measured)/2].perUnit()
	fmt.Fprintf(out, "%-44s %12s %10s %8s\n", "what", "fuel a call", "ns a unit", "x median")
	var slow []string
	for _, r := range measured {
		times := r.perUnit() / median
		fmt.Fprintf(out, "%-44s %12d %10.3f %8.1f\n", r.name, r.fuel, r.perUnit(), times)
		if times > mostTimesMedian {
			slow = append(slow, fmt.Sprintf("%s: %.1f times", r.name, times))
		}
	}
	fmt.Fprintf(out, "min %.3f, median %.3f, max %.3f ns a unit\n", measured[len(measured)-1].perUnit(), median, measured[0].perUnit())
	if len(slow) > 0 {
		return fmt.Errorf("a unit of fuel takes more than %d times the median: %v", mostTimesMedian, slow)
	}
	return nil
}
