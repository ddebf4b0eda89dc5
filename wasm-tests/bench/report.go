package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one line of the table.
type row struct {
	Name string `json:"name"`
	// Ours and Peer are nanoseconds an operation, or what Unit says.
	Ours float64 `json:"ours_ns"`
	Peer float64 `json:"peer_ns"`
	// Ratio is Ours divided by Peer.
	Ratio float64 `json:"ratio"`
	// Bar is what Ratio must not exceed; 0 means that there is no bar.
	Bar float64 `json:"bar"`
	// Unit is "bytes" where Ours and Peer are not nanoseconds.
	Unit string `json:"unit,omitempty"`
}

// unitBytes is the unit of rows about memory.
const unitBytes = "bytes"

func timeRow(name string, bar float64, ours, peer time.Duration) row {
	return newRow(name, bar, float64(ours), float64(peer))
}

func bytesRow(name string, bar, ours, peer float64) row {
	r := newRow(name, bar, ours, peer)
	r.Unit = unitBytes
	return r
}

func newRow(name string, bar, ours, peer float64) row {
	r := row{Name: name, Ours: ours, Peer: peer, Bar: bar}
	if peer > 0 {
		r.Ratio = ours / peer
	}
	return r
}

// medianRow holds the medians of other rows' columns.
func medianRow(name string, bar float64, rows []row) row {
	column := func(value func(row) float64) float64 {
		var all []float64
		for _, r := range rows {
			all = append(all, value(r))
		}
		return median(all)
	}
	return row{
		Name: name, Bar: bar,
		Ours:  column(func(r row) float64 { return r.Ours }),
		Peer:  column(func(r row) float64 { return r.Peer }),
		Ratio: column(func(r row) float64 { return r.Ratio }),
	}
}

// verdict says whether the ratio keeps to the bar.
func (r row) verdict() string {
	switch {
	case r.Bar == 0:
		return ""
	case r.Ratio <= r.Bar:
		return "ok"
	}
	return "over"
}

func (r row) amount(v float64) string {
	if r.Unit == unitBytes {
		return fmt.Sprintf("%.2f MB", v/1e6)
	}
	d := time.Duration(v)
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.2f ms", v/1e6)
	}
	return fmt.Sprintf("%.1f µs", v/1e3)
}

// writeTable writes the rows for people.
func writeTable(w io.Writer, rows []row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "case\tours\tpeer\tratio\tbar\t")
	for _, r := range rows {
		bar := ""
		if r.Bar > 0 {
			bar = fmt.Sprintf("%.4g", r.Bar)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.3f\t%s\t%s\n", r.Name, r.amount(r.Ours), r.amount(r.Peer), r.Ratio, bar, r.verdict())
	}
	return t.Flush()
}

// writeJSON writes the rows for programs.
func writeJSON(w io.Writer, rows []row) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(rows)
}

// writeBenchmarks writes the rows as go test would, which is what benchstat reads.
func writeBenchmarks(w io.Writer, rows []row) error {
	for _, r := range rows {
		name := strings.ReplaceAll(r.Name, " ", "_")
		unit := "ns/op"
		if r.Unit == unitBytes {
			unit = "bytes"
		}
		_, err := fmt.Fprintf(w, "Benchmark%s/side=ours 1 %.0f %s\nBenchmark%s/side=peer 1 %.0f %s\n", name, r.Ours, unit, name, r.Peer, unit)
		if err != nil {
			return err
		}
	}
	return nil
}
