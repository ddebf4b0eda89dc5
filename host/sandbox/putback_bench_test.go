package sandbox

import (
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
)

// BenchmarkPutBack puts an instance back behind a call: ours as the pool does it, copy by copying its whole memory. The
// time is that of putting back alone. make bench reads both.
func BenchmarkPutBack(b *testing.B) {
	for _, way := range []struct {
		name    string
		putBack func(*instance, *snapshot) bool
	}{
		{"ours", (*instance).reset},
		{"copy", func(i *instance, to *snapshot) bool { return copy(i.memory.buffer, to.memory) == len(to.memory) }},
	} {
		b.Run(way.name, func(b *testing.B) {
			p := loadGoGuest(b, nil, nil)
			i, err := p.acquire(b.Context(), "main")
			if err != nil {
				b.Fatal(err)
			}
			ctx, _ := p.withGuest(b.Context(), "main")
			var spent time.Duration
			for b.Loop() {
				if _, err := i.exchange(ctx, abi.OpDerive, []byte("{}")); err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				if !way.putBack(i, p.instances.first) {
					b.Fatal("the instance cannot be put back")
				}
				spent += time.Since(start)
			}
			b.ReportMetric(float64(spent.Nanoseconds())/float64(b.N), "ns/op")
		})
	}
}
