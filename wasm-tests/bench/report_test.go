package main

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWrite(t *testing.T) {
	rows := []row{
		timeRow("fast enough", 0.5, 200*time.Microsecond, 800*time.Microsecond),
		timeRow("exactly", 1, time.Second, time.Second),
		timeRow("too slow", 0.03, 31*time.Millisecond, time.Second),
		timeRow("to explain", 0, time.Microsecond, 2*time.Microsecond),
		bytesRow("memory", 1, 150e6, 200e6),
	}
	for format, want := range map[string]string{
		"table": `case         ours       peer       ratio  bar   
fast enough  200.0 µs   800.0 µs   0.250  0.5   ok
exactly      1.00 s     1.00 s     1.000  1     ok
too slow     31.00 ms   1.00 s     0.031  0.03  over
to explain   1.0 µs     2.0 µs     0.500        
memory       150.00 MB  200.00 MB  0.750  1     ok
`,
		"benchmarks": `Benchmarkfast_enough/side=ours 1 200000 ns/op
Benchmarkfast_enough/side=peer 1 800000 ns/op
Benchmarkexactly/side=ours 1 1000000000 ns/op
Benchmarkexactly/side=peer 1 1000000000 ns/op
Benchmarktoo_slow/side=ours 1 31000000 ns/op
Benchmarktoo_slow/side=peer 1 1000000000 ns/op
Benchmarkto_explain/side=ours 1 1000 ns/op
Benchmarkto_explain/side=peer 1 2000 ns/op
Benchmarkmemory/side=ours 1 150000000 bytes
Benchmarkmemory/side=peer 1 200000000 bytes
`,
	} {
		var got bytes.Buffer
		if err := formats()[format](&got, rows); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.String()); diff != "" {
			t.Errorf("%s: -want +got\n%s", format, diff)
		}
	}
}

// The keys of the JSON are what programs read.
func TestWriteJSON(t *testing.T) {
	var got bytes.Buffer
	rows := []row{timeRow("a case", 1.25, 300, 200), bytesRow("memory", 1, 1, 2)}
	if err := writeJSON(&got, rows); err != nil {
		t.Fatal(err)
	}
	want := `[
  {
    "name": "a case",
    "ours_ns": 300,
    "peer_ns": 200,
    "ratio": 1.5,
    "bar": 1.25
  },
  {
    "name": "memory",
    "ours_ns": 1,
    "peer_ns": 2,
    "ratio": 0.5,
    "bar": 1,
    "unit": "bytes"
  }
]
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestMedianRow(t *testing.T) {
	rows := []row{timeRow("a", 0, 10, 100), timeRow("b", 0, 90, 300), timeRow("c", 0, 40, 200)}
	want := row{Name: "all", Bar: 0.3, Ours: 40, Peer: 200, Ratio: 0.2}
	if diff := cmp.Diff(want, medianRow("all", 0.3, rows)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAddResets(t *testing.T) {
	got := map[string][]time.Duration{}
	for _, out := range []string{
		"goos: linux\nBenchmarkReset/chosen-2  \t 300\t 600123 ns/op\t 12345 reset-ns/op\nBenchmarkReset/copy-2 300 700000 ns/op 99000.5 reset-ns/op\nPASS\n",
		"BenchmarkReset/chosen 1 1 ns/op 7 reset-ns/op\nBenchmarkOther 1 1 ns/op\n",
	} {
		if err := addResets(got, []byte(out)); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string][]time.Duration{resetOurs: {12345, 7}, resetPeer: {99000}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{
		{"-benchtime", "soon"}, {"-run", "("}, {"-format", "xml"}, {"-cpuprofile", t.TempDir()}, {"-unknown"},
	} {
		if err := run(t.Context(), args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v: got no error", args)
		}
	}
}
