// Command resident loads the built-in plugins, has its first argument's number of instances of each
// made, with the second one's number of processors, and prints how many bytes of the process are
// resident then. It reads procfs, so that it runs on Linux only.
package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/latticenet/lattice-host/wasm-tests/bench/internal/orders"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// warming is how long the plugins are called from as many goroutines as there may be instances. The
// goroutines interrupt each other, so that in this time many calls run at once and the pools fill.
const warming = 2 * time.Second

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "resident:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New("give the number of instances of each plugin, and of processors")
	}
	instances, err := strconv.Atoi(args[0])
	if err != nil || instances < 1 {
		return fmt.Errorf("%q: give the number of instances of each plugin, 1 or more", args[0])
	}
	processors, err := strconv.Atoi(args[1])
	if err != nil || processors < instances {
		return fmt.Errorf("%q: give as many processors as instances, or more: a pool holds one for each", args[1])
	}
	runtime.GOMAXPROCS(processors)
	root, err := builtins.Root()
	if err != nil {
		return err
	}
	requests, err := asked(ctx, root)
	if err != nil {
		return err
	}
	plugins, host, err := builtins.NewSandboxed(ctx, root)
	if err != nil {
		return err
	}
	if err := warm(ctx, plugins, requests, instances); err != nil {
		return errors.Join(err, host.Close(ctx))
	}
	// Twice: what finalizers release goes with the second collection.
	debug.FreeOSMemory()
	debug.FreeOSMemory()
	bytes, err := residentBytes()
	if err == nil {
		_, err = fmt.Printf("%.0f\n", bytes)
	}
	return errors.Join(err, host.Close(ctx))
}

// warm calls the plugins, one after the other, from many goroutines.
func warm(ctx context.Context, plugins builtins.Set, requests map[string][]orders.Request, instances int) error {
	errs := make([]error, instances)
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		until := time.Now().Add(warming / time.Duration(len(requests)))
		var all sync.WaitGroup
		for i := range instances {
			all.Go(func() {
				for errs[i] == nil && time.Now().Before(until) {
					for _, r := range requests[name] {
						if _, _, err := plugins[name].Derive(ctx, r.Message); err != nil {
							errs[i] = err
						}
					}
				}
			})
		}
		all.Wait()
	}
	return errors.Join(errs...)
}

// asked returns what the orders example asks of each plugin.
func asked(ctx context.Context, root string) (map[string][]orders.Request, error) {
	native, err := builtins.NewNative(root)
	if err != nil {
		return nil, err
	}
	example, err := orders.Read(root)
	if err != nil {
		return nil, err
	}
	return example.Requests(ctx, native)
}

// residentBytes reads the resident size of this process.
func residentBytes() (float64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.SplitSeq(string(status), "\n") {
		if text, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kilobytes, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 64)
			return kilobytes * 1024, err
		}
	}
	return 0, errors.New("/proc/self/status: there is no VmRSS")
}
