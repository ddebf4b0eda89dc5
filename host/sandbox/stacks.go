package sandbox

import (
	"context"
	"reflect"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// keptStackBytes is how large the stacks of an instance may become and be kept for its next call.
// The engine begins with 10 KiB for each function that the host calls and doubles that; what
// compilers of languages with stacks in linear memory make needs little more.
const keptStackBytes = 128 << 10

// stacks are those of a call. The engine makes a stack for each call of the host, on the heap, lets
// it become 80 MiB, and has no limit that a host could set, so that the host looks how large they
// are whenever the guest asks for fuel.
type stacks struct {
	// running are the functions that the host called and that have not returned.
	running []api.Function
	// bytes is the most they had, and grew is called when that rises; it may be nil.
	bytes uint64
	grew  func(bytes uint64)
}

// enter notes that a function runs until leave is called.
func (s *stacks) enter(f api.Function) (leave func()) {
	s.running = append(s.running, f)
	return func() { s.running = s.running[:len(s.running)-1] }
}

// look finds out how large the stacks are. Ctx is that of a host function.
func (s *stacks) look(ctx context.Context) {
	var now uint64
	for _, f := range s.running {
		now += stackBytes(f)
	}
	if len(s.running) == 0 {
		// The engine or another package called the function, with a context of [countedStacks].
		now = stackBytes(experimental.GetSnapshotter(ctx))
	}
	if now <= max(s.bytes, keptStackBytes) {
		return
	}
	s.bytes = now
	if s.grew != nil {
		s.grew(now)
	}
}

// countedStacks returns a context for calls whose functions [stacks.enter] does not get to know:
// the engine is asked to tell host functions who runs.
func countedStacks(ctx context.Context) context.Context { return experimental.WithSnapshotter(ctx) }

// stackBytes returns how large the stack of a function is. The engine keeps it in a field that is
// not exported, so that a test tells when it has another name.
func stackBytes(f any) uint64 {
	v := reflect.ValueOf(f)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return 0
	}
	stack := v.Elem().FieldByName("stack")
	if stack.Kind() != reflect.Slice {
		return 0
	}
	return uint64(stack.Len()) * uint64(stack.Type().Elem().Size())
}
