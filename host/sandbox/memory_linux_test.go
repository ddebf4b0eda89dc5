package sandbox

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/latticenet/lattice-host/abi"
)

// openPages returns the memories that the tests of this file are about. On Linux they must work, or
// the other tests would test nothing but copying.
func openPages(t *testing.T) *pageMemories {
	t.Helper()
	m, err := openPageMemories()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func newPages(t *testing.T, m *pageMemories, content []byte) (*mappedStorage, []byte) {
	t.Helper()
	to, err := m.newFileImage(content)
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.newMappedStorage(uint64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.free()
		to.free()
	})
	memory := s.resize(uint64(len(content)))
	if err := s.restore(to); err != nil {
		t.Fatal(err)
	}
	return s, memory
}

func TestOnlyWrittenPagesArePutBack(t *testing.T) {
	t.Parallel()
	m := openPages(t)
	pages := pagemapEntries + 16
	s, memory := newPages(t, m, randomBytes(pages*m.pageBytes, 1))
	if sum := bytes.Count(memory, []byte{1}); sum == 0 {
		t.Error("nothing was read")
	}
	// Two that are next to each other, at both sides of where the kernel is asked again, and the
	// last.
	for _, page := range []int{0, 7, 8, pagemapEntries - 1, pagemapEntries, pages - 1} {
		memory[page*m.pageBytes+page%7]++
	}
	var got [][2]int
	err := s.eachWritten(0, len(memory), func(begin, end int) { got = append(got, [2]int{begin / m.pageBytes, end / m.pageBytes}) })
	if err != nil {
		t.Fatal(err)
	}
	want := [][2]int{{0, 1}, {7, 9}, {pagemapEntries - 1, pagemapEntries}, {pagemapEntries, pagemapEntries + 1}, {pages - 1, pages}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("written pages (-want +got):\n%s", diff)
	}
}

// A large page that the kernel put in place of several must not hide that one of them was
// written.
func TestLargePagesArePutBack(t *testing.T) {
	t.Parallel()
	content := randomBytes(8<<20, 1)
	s, memory := newPages(t, openPages(t), content)
	for round := range 4 {
		// Whether the kernel does it is its own affair; it is asked before pages are written and
		// after that.
		collapsed := unix.Madvise(memory, unix.MADV_COLLAPSE) == nil
		for at := round; at < len(memory); at += 300_000 {
			memory[at]++
		}
		collapsedAgain := unix.Madvise(memory, unix.MADV_COLLAPSE) == nil
		if err := s.restore(s.mapped); err != nil {
			t.Fatal(err)
		}
		if at := firstDifference(memory, content); at >= 0 {
			t.Fatalf("byte %d was not put back (collapsed before %t, after %t)", at, collapsed, collapsedAgain)
		}
	}
}

// Where the pagemap cannot be trusted, everything is copied.
func TestPagemapThatLies(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"/dev/null", "/dev/zero", "/proc/self/stat"} {
		pagemap, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		m := &pageMemories{pagemap: pagemap, pageBytes: os.Getpagesize()}
		if err := m.check(); err == nil {
			t.Errorf("%s was taken for a pagemap", file)
		}
		if err := m.close(); err != nil {
			t.Error(err)
		}
	}
}

// An instance whose memory cannot be put back is not used again, and the call that ran in it is
// unharmed.
func TestPagemapThatFails(t *testing.T) {
	t.Parallel()
	m, err := openPageMemories()
	if err != nil {
		t.Fatal(err)
	}
	p := loadWith(t, Config{}, m, jsonManifest(), spreader().build())
	for n := range 5 {
		if n == 2 {
			if err := m.close(); err != nil {
				t.Fatal(err)
			}
		}
		canary := canaryFor('.', n)
		answer, err := p.Call(t.Context(), "main", abi.OpDerive, []byte(canary))
		if err != nil || string(answer) != canary {
			t.Fatalf("call %d: %q, %v", n, answer, err)
		}
		if kept, want := len(idleMemories(t, p)), max(0, min(1, 2-n)); kept != want {
			t.Errorf("after call %d %d instances are kept, want %d", n, kept, want)
		}
	}
}

func TestImageCannotBeChanged(t *testing.T) {
	t.Parallel()
	to, err := openPages(t).newFileImage(make([]byte, pageSize))
	if err != nil {
		t.Fatal(err)
	}
	defer to.free()
	if _, err := unix.Pwrite(to.fd, []byte{1}, 0); err == nil {
		t.Error("it can be written")
	}
	if err := unix.Ftruncate(to.fd, 0); err == nil {
		t.Error("it can be cut")
	}
	if _, err := unix.Mmap(to.fd, 0, pageSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err == nil {
		t.Error("it can be mapped for writing")
	}
}

// It is not parallel, so that only its own instances change the memory of the process.
func TestIdleInstancesAreSmall(t *testing.T) {
	p := loadGoGuest(t, nil, nil)
	const more = 20
	p.runtime.pool.cores = more + 1
	use := func(instances int) {
		var taken []*instance
		for range instances {
			ctx, i := borrow(t, p)
			if _, err := i.exchange(ctx, abi.OpDerive, []byte(`{"abi":1}`)); err != nil {
				t.Fatal(err)
			}
			taken = append(taken, i)
		}
		for _, i := range taken {
			p.instances.pool.release(i)
		}
		if got := len(idleMemories(t, p)); got != instances {
			t.Fatalf("%d instances are idle, want %d", got, instances)
		}
	}
	use(1)
	before := residentBytes(t)
	use(more + 1)
	each := (residentBytes(t) - before) / more
	t.Logf("one more idle instance has %d KiB", each>>10)
	if each > 1_500_000 {
		t.Errorf("one more idle instance has %d bytes, want at most 1.5 MB", each)
	}
}

// residentBytes returns how much memory the process has. What several instances share counts once,
// as it does for a control group.
func residentBytes(t *testing.T) int {
	t.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "\nPss:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

// Whatever is loaded and closed leaves neither a file nor a mapping after.
func TestClosingLeavesNothing(t *testing.T) {
	count := func() (mappings, files int) {
		maps, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(maps), "\n"), len(open)
	}
	once := func(closePlugin bool) {
		r, err := New(t.Context(), Config{})
		if err != nil {
			t.Fatal(err)
		}
		p := load(t, r, jsonManifest(), spreader().build())
		for _, letter := range []byte(".t.g.") {
			_, _ = p.Call(t.Context(), "main", abi.OpDerive, []byte(canaryFor(letter, 1)))
		}
		if closePlugin {
			if err := p.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			if r.pool.used != 0 || p.instances.live != 0 {
				t.Errorf("a closed plugin has %d instances with %d bytes", p.instances.live, r.pool.used)
			}
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.pool.used != 0 || p.instances.live != 0 || r.pool.sweep != nil {
			t.Errorf("a closed runtime has %d instances with %d bytes", p.instances.live, r.pool.used)
		}
	}
	once(true)
	once(false)
	mappings, files := count()
	goroutines := runtime.NumGoroutine()
	for n := range 100 {
		once(n%2 == 0)
	}
	nowMappings, nowFiles := count()
	if nowFiles > files {
		t.Errorf("%d files were left open", nowFiles-files)
	}
	// Go's heap makes a few of its own.
	if nowMappings > mappings+20 {
		t.Errorf("%d mappings were not released", nowMappings-mappings)
	}
	// A timer that just fired and a callback of a context end a moment later.
	left := func() int { return runtime.NumGoroutine() - goroutines }
	for end := time.Now().Add(10 * time.Second); left() > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := left(); n > 0 {
		var stacks bytes.Buffer
		_ = pprof.Lookup("goroutine").WriteTo(&stacks, 1)
		t.Errorf("%d goroutines were left over:\n%s", n, &stacks)
	}
}
