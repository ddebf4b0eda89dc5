package resource_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/host/resource"
)

// TestDocumentsAreSmall reads many documents and looks at what they hold: what a position needs is
// parsed again, and gone after it.
func TestDocumentsAreSmall(t *testing.T) {
	const count, limit = 400, 12_000
	text, err := os.ReadFile("../../examples/orders.yaml")
	if err != nil {
		t.Fatal(err)
	}
	live := func() int64 {
		// What a weak pointer leads to is freed by the second collection.
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	// What is made once is not a document's.
	if _, err := resource.Decode("warm.yaml", text, resource.Options{}); err != nil {
		t.Fatal(err)
	}
	before := live()
	docs := make([]*resource.Document, 0, count)
	for i := range count {
		read, err := resource.Decode(fmt.Sprintf("orders-%d.yaml", i), []byte(strings.Clone(string(text))), resource.Options{})
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, read...)
	}
	held := (live() - before) / count
	for _, d := range docs {
		if at := d.Position("spec.workload"); at.Line == 0 {
			t.Fatal("a document has no positions")
		}
	}
	again := (live() - before) / count
	runtime.KeepAlive(docs)
	t.Logf("a document of %d bytes holds %d bytes, %d after it was asked for positions", len(text), held, again)
	if held > limit || again > limit {
		t.Errorf("a document holds %d bytes, %d after it was asked for positions; the limit is %d", held, again, limit)
	}
}
