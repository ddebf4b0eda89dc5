package sandbox

import (
	"testing"
	"time"

	"github.com/latticenet/lattice-host/abi"
)

// BenchmarkReset measures calls of a Go plugin, and in reset-ns/op what putting back the instance takes of each: in the way
// that was chosen, and by copying the whole memory. make bench reads it.
func BenchmarkReset(b *testing.B) {
	for name, reset := range map[string]func(*instance, *snapshot) bool{
		"chosen": (*instance).reset,
		"copy": func(i *instance, to *snapshot) bool {
			return copy(i.memory.buffer, to.memory) == len(to.memory)
		},
	} {
		b.Run(name, func(b *testing.B) {
			p := loadGoGuest(b, nil, nil)
			i, err := p.acquire(b.Context(), "main")
			if err != nil {
				b.Fatal(err)
			}
			ctx, _ := p.withGuest(b.Context(), "main")
			var resets time.Duration
			for b.Loop() {
				if _, err := i.exchange(ctx, abi.OpDerive, []byte("{}")); err != nil {
					b.Fatal(err)
				}
				begin := time.Now()
				if !reset(i, p.instances.first) {
					b.Fatal("the instance cannot be put back")
				}
				resets += time.Since(begin)
			}
			b.ReportMetric(float64(resets.Nanoseconds())/float64(b.N), "reset-ns/op")
		})
	}
}
