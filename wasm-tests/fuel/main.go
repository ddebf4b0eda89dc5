// Command fuel measures how long a unit of fuel takes: for each class of instructions, host
// functions and ways to use memory, it runs a guest of nothing else and divides the processor time
// by the fuel. It prints the table and fails when a row is above 20 times the median.
//
// All rows are measured in one run and compared with each other, each by the best of several calls,
// so that a machine that is slow or busy does not matter.
package main

import (
	"cmp"
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
	median := flag.Bool("median", false, "print the nanoseconds of the median alone")
	flag.Parse()
	if err := run(context.Background(), *turns, *median, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fuel:", err)
		os.Exit(1)
	}
}

// run measures all rows, and prints them or their median alone. The error names those that are too
// slow.
func run(ctx context.Context, turns int, median bool, out io.Writer) error {
	measured, err := measure(ctx, rows(), turns)
	if err != nil {
		return err
	}
	bySpeed(measured)
	if median {
		_, err := fmt.Fprintf(out, "%.4f\n", medianOf(measured))
		return err
	}
	return report(out, measured)
}

// bySpeed sorts rows, the slowest first.
func bySpeed(measured []result) {
	slices.SortStableFunc(measured, func(a, b result) int { return cmp.Compare(b.perUnit(), a.perUnit()) })
}

// medianOf returns the nanoseconds of a unit at the median of sorted rows.
func medianOf(measured []result) float64 { return measured[len(measured)/2].perUnit() }

// report prints sorted rows, the slowest first, and returns an error when one is too slow.
func report(out io.Writer, measured []result) error {
	median := medianOf(measured)
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
