package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"runtime/pprof"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// formats are the ways to write the rows, by the value of -format.
func formats() map[string]func(io.Writer, []row) error {
	return map[string]func(io.Writer, []row) error{"table": writeTable, "json": writeJSON, "benchmarks": writeBenchmarks}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	benchtime := flags.String("benchtime", "1s", "how long each pair is measured: a duration, or a count such as 5x")
	format := flags.String("format", "table", "table, json, or benchmarks, which benchstat reads")
	only := flags.String("run", "", "a regular expression of the groups to run: "+groupNames())
	profile := flags.String("cpuprofile", "", "a file to write a CPU profile to")
	if err := flags.Parse(args); err != nil {
		return err
	}
	e, err := parseEffort(*benchtime)
	if err != nil {
		return err
	}
	chosen, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	write := formats()[*format]
	if write == nil {
		return fmt.Errorf("-format %s: give table, json or benchmarks", *format)
	}
	stop, err := startProfile(*profile)
	if err != nil {
		return err
	}
	rows, err := measureAll(ctx, e, chosen)
	if stopErr := stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return err
	}
	return write(out, rows)
}

// startProfile returns what ends the profile; without a file there is no profile.
func startProfile(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// measureAll runs the chosen groups, one after the other.
func measureAll(ctx context.Context, e effort, chosen *regexp.Regexp) (rows []row, err error) {
	f, err := newFixture(ctx, e)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := f.close(); err == nil {
			err = closeErr
		}
	}()
	for _, g := range groups() {
		if !chosen.MatchString(g.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", g.name)
		measured, err := g.measure(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g.name, err)
		}
		rows = append(rows, measured...)
	}
	return rows, nil
}
