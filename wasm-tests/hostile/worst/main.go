// Command worst searches for the module of at most 100 KB that costs the host most: processor time
// and memory to load, memory of an instance, and processor time for a unit of fuel. It begins with
// one recipe for each kind of instruction and goes on with random changes of the worst ones.
//
// Every module runs in a process of its own with bounded memory and time. The result depends on the
// machine; equal seeds try the same modules only as long as they measure the same. The command
// exits with 1 when a module exceeds a bound.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/latticenet/lattice-host/wasm-tests/builtins"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/probe"
	"github.com/latticenet/lattice-host/wasm-tests/hostile/shape"
)

func main() {
	probe.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit code: 1 when a bound is exceeded or the search failed, 2 for wrong flags.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("worst", flag.ContinueOnError)
	flags.SetOutput(stderr)
	seed := flags.Uint64("seed", 1, "`number` that random changes begin with")
	limit := flags.Duration("time", 10*time.Minute, "`duration` of the whole search, after the recipes that it begins with")
	measure := flags.String("measure", "", "search for one of these only, separated by commas: "+strings.Join(measureNames(), ", "))
	one := flags.String("shape", "", "measure one recipe, as `JSON`, and nothing else")
	unit := flags.Float64("unit", 0, "`nanoseconds` of a unit of fuel at the median, as fuel -median prints; 0 for the median of the first recipes")
	verbose := flags.Bool("v", false, "print each module that is worse than all before")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	wanted, err := pickMeasures(*measure)
	if err != nil {
		fmt.Fprintln(stderr, "worst:", err)
		return 2
	}
	s := &search{seed: *seed, limit: *limit, measures: wanted, run: probe.Run, unit: *unit}
	if *verbose {
		s.log = stderr
	}
	if *one != "" {
		recipe, err := shape.Parse(*one)
		if err != nil {
			fmt.Fprintln(stderr, "worst: -shape:", err)
			return 2
		}
		s.begin, s.limit = []*shape.Shape{recipe}, 0
	}
	if s.builtin, err = loadOfBuiltin(ctx, s.run); err == nil {
		err = s.search(ctx)
	}
	if err != nil {
		fmt.Fprintln(stderr, "worst:", err)
		return 1
	}
	if s.print(stdout) {
		return 0
	}
	fmt.Fprintln(stderr, "worst: a module exceeds a bound")
	return 1
}

func pickMeasures(names string) ([]measure, error) {
	all := measures()
	if names == "" {
		return all, nil
	}
	var picked []measure
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(m measure) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-measure: %q must be one of %s", name, strings.Join(measureNames(), ", "))
		}
		picked = append(picked, all[i])
	}
	return picked, nil
}

func measureNames() []string {
	var names []string
	for _, m := range measures() {
		names = append(names, m.name)
	}
	return names
}

// runner measures one module, as [probe.Run] does.
type runner func(context.Context, probe.Task) (*probe.Report, error)

// loadOfBuiltin returns what loading a built-in plugin takes, the least of three.
func loadOfBuiltin(ctx context.Context, run runner) (least probe.Phase, err error) {
	modules, err := builtins.Modules()
	if err != nil {
		return least, err
	}
	for n := range 3 {
		report, err := run(ctx, probe.Task{Wasm: modules["network-policy"].Wasm(), LoadOnly: true})
		if err != nil {
			return least, err
		}
		if report.Killed != "" || report.Load.Class != "" {
			return least, errors.New("the built-in plugin does not load: " + report.Load.Error)
		}
		if n == 0 || report.Load.CPU < least.CPU {
			least = report.Load
		}
	}
	return least, nil
}

// print prints the worst module of each measure, and reports whether all are within their bounds.
func (s *search) print(out io.Writer) bool {
	fmt.Fprintf(out, "built-in plugin: loaded in %v of processor time with %d MiB\n", s.builtin.CPU.Round(time.Millisecond), s.builtin.Peak>>20)
	within := true
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "measure\tworst\tmedian of the first\tbound\ttried\tmodule")
	for i, m := range s.measures {
		b := &s.best[i]
		bound := m.bound(s, b)
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%d bytes\n", m.name, m.show(b.worst()), m.show(b.median), m.show(bound), b.tried, b.bytes())
		within = within && b.worst() <= bound
	}
	// Writing to the caller's writer is all that can fail, and it says so.
	_ = table.Flush()
	for i, m := range s.measures {
		if kept := s.best[i].kept; len(kept) > 0 {
			fmt.Fprintf(out, "%s: %s\n", m.name, kept[0].shape)
		}
	}
	return within
}
