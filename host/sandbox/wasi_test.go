package sandbox

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// shim calls functions of WASI on a memory of one page.
type shim struct {
	t      *testing.T
	guest  *guest
	module api.Module
	memory api.Memory
	log    messages
}

func newShim(t *testing.T) *shim {
	t.Helper()
	var m wasmbuild.Module
	m.Memory(1, 1)
	m.Export("memory", wasmbuild.Memory, 0)
	m.Global(wasmbuild.I64, wasmbuild.Int64(0))
	m.Export(fuelExport, wasmbuild.Global, 0)
	engine := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	t.Cleanup(func() { _ = engine.Close(t.Context()) })
	module, err := engine.Instantiate(t.Context(), m.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s := &shim{t: t, module: module, memory: module.Memory()}
	s.guest = newGuest(identity{}, "", abi.Limits{}, s.log.add)
	s.guest.fuel.bind(module)
	return s
}

func (s *shim) call(name string, params ...uint64) errno {
	s.t.Helper()
	for _, f := range hostFunctions() {
		if f.module == wasiModule && f.name == name {
			if len(params) != len(f.signature.Params) {
				s.t.Fatalf("%s takes %d parameters", name, len(f.signature.Params))
			}
			stack := append(slices.Clone(params), 0)
			f.call(frame{guest: s.guest, module: s.module}, stack)
			return errno(stack[0])
		}
	}
	s.t.Fatalf("%s does not exist", name)
	return 0
}

func (s *shim) want(want errno, name string, params ...uint64) {
	s.t.Helper()
	if got := s.call(name, params...); got != want {
		s.t.Errorf("%s%v answered %d, want %d", name, params, got, want)
	}
}

func (s *shim) uint32(at uint32) uint32 {
	v, _ := s.memory.ReadUint32Le(at)
	return v
}

func (s *shim) uint64(at uint32) uint64 {
	v, _ := s.memory.ReadUint64Le(at)
	return v
}

func (s *shim) put32(at uint32, values ...uint32) {
	for i, v := range values {
		s.memory.WriteUint32Le(at+uint32(i)*4, v)
	}
}

func TestRow59_ArgumentsAndEnvironment(t *testing.T) {
	t.Parallel()
	s := newShim(t)
	s.want(errnoSuccess, "args_sizes_get", 0, 4)
	s.want(errnoSuccess, "args_get", 16, 32)
	text, _ := s.memory.Read(32, 7)
	if s.uint32(0) != 1 || s.uint32(4) != 7 || s.uint32(16) != 32 || string(text) != "plugin\x00" {
		t.Errorf("%d arguments in %d bytes, the first at %d: %q", s.uint32(0), s.uint32(4), s.uint32(16), text)
	}
	s.put32(0, 9, 9)
	s.want(errnoSuccess, "environ_sizes_get", 0, 4)
	s.want(errnoSuccess, "environ_get", 0, 0)
	if s.uint32(0) != 0 || s.uint32(4) != 0 {
		t.Errorf("the environment has %d variables in %d bytes", s.uint32(0), s.uint32(4))
	}
}

func TestRow59_Clock(t *testing.T) {
	t.Parallel()
	s := newShim(t)
	var got []uint64
	for _, id := range []uint64{0, 1, 1, 0, 2, 3} {
		s.want(errnoSuccess, "clock_time_get", id, 1, 8)
		got = append(got, s.uint64(8))
	}
	if diff := cmp.Diff([]uint64{realtime, 0, 1000, realtime, 2000, 3000}, got); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
	s.want(errnoInval, "clock_time_get", 4, 1, 8)
	s.want(errnoInval, "clock_res_get", 4, 8)
	s.guest.clock = math.MaxUint64 - 1
	s.want(errnoSuccess, "clock_time_get", 1, 1, 8)
	s.want(errnoSuccess, "clock_time_get", 1, 1, 8)
	if got := s.uint64(8); got != math.MaxUint64 {
		t.Errorf("the end of time is %d", got)
	}
}

func TestWASIRandom(t *testing.T) {
	t.Parallel()
	var got []string
	for range 2 {
		s := newShim(t)
		s.want(errnoSuccess, "random_get", 0, 8)
		s.want(errnoSuccess, "random_get", 8, 3)
		s.want(errnoSuccess, "random_get", 0, 0)
		data, _ := s.memory.Read(0, 11)
		got = append(got, fmt.Sprintf("%x", data))
	}
	// The numbers must stay what they are for as long as there are recorded answers of plugins.
	want := []string{got[0], got[0]}
	if diff := cmp.Diff(want, got); diff != "" || got[0] == "0000000000000000000000" {
		t.Errorf("random numbers %q", got)
	}
}

func TestWASIWrite(t *testing.T) {
	t.Parallel()
	s := newShim(t)
	s.memory.Write(100, []byte("one\ntwo"))
	s.put32(0, 100, 4, 104, 3)
	s.want(errnoSuccess, "fd_write", 1, 0, 2, 40)
	s.want(errnoSuccess, "fd_write", 2, 0, 1, 44)
	s.want(errnoBadf, "fd_write", 0, 0, 2, 40)
	s.want(errnoBadf, "fd_write", 3, 0, 2, 40)
	s.want(errnoInval, "fd_write", 1, 0, maxVectors+1, 40)
	s.guest.log.flush()
	if s.uint32(40) != 7 || s.uint32(44) != 4 {
		t.Errorf("wrote %d and %d bytes", s.uint32(40), s.uint32(44))
	}
	if diff := cmp.Diff([]string{"info: one", "warning: one", "info: two"}, s.log.texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	// Twice all of memory is more than one call takes.
	s.put32(0, 0, pageSize, 0, pageSize)
	s.want(errnoSuccess, "fd_write", 1, 0, 2, 40)
	if got := s.uint32(40); got != maxWrite {
		t.Errorf("one call took %d bytes", got)
	}
}

func TestRow59_Files(t *testing.T) {
	t.Parallel()
	s := newShim(t)
	s.put32(40, 7)
	s.want(errnoSuccess, "fd_read", 0, 0, 1, 40)
	if s.uint32(40) != 0 {
		t.Errorf("stdin had %d bytes", s.uint32(40))
	}
	s.want(errnoBadf, "fd_read", 1, 0, 1, 40)
	for fd := range uint64(3) {
		s.want(errnoSuccess, "fd_fdstat_get", fd, 64)
		if kind, _ := s.memory.ReadByte(64); kind != fileTypeCharacterDevice {
			t.Errorf("file %d is a %d", fd, kind)
		}
		s.want(errnoSuccess, "fd_filestat_get", fd, 128)
		if kind, _ := s.memory.ReadByte(128 + 16); kind != fileTypeCharacterDevice {
			t.Errorf("file %d is a %d", fd, kind)
		}
		s.want(errnoSuccess, "fd_close", fd)
		s.want(errnoSpipe, "fd_seek", fd, 0, 0, 0)
	}
	s.want(errnoBadf, "fd_close", 3)
	s.want(errnoBadf, "fd_seek", 3, 0, 0, 0)
	s.want(errnoBadf, "fd_fdstat_get", 3, 0)
	s.want(errnoBadf, "fd_filestat_get", 3, 0)
	s.want(errnoBadf, "fd_prestat_get", 3, 0)
	s.want(errnoNotcapable, "path_open", 3, 0, 0, 4, 0, 0, 0, 0, 0)
	s.want(errnoSuccess, "sched_yield")
}

func TestWASIPoll(t *testing.T) {
	t.Parallel()
	s := newShim(t)
	const in, out, count = 0, 1024, 2048
	subscribe := func(i int, user uint64, kind byte, id uint32, timeout uint64, flags uint16) {
		b := make([]byte, subscriptionSize)
		binary.LittleEndian.PutUint64(b, user)
		b[8] = kind
		binary.LittleEndian.PutUint32(b[16:], id)
		binary.LittleEndian.PutUint64(b[24:], timeout)
		binary.LittleEndian.PutUint16(b[40:], flags)
		s.memory.Write(uint32(in+i*subscriptionSize), b)
	}
	subscribe(0, 11, 0, 1, 5_000_000, 0)
	subscribe(1, 12, 0, 1, 9_000_000, 1)
	subscribe(2, 13, 0, 0, math.MaxUint64, 1)
	subscribe(3, 14, 2, 1, 0, 0)
	subscribe(4, 15, 1, 7, 0, 0)
	subscribe(5, 16, 9, 1, 0, 0)
	subscribe(6, 17, 0, 8, 1, 0)
	s.want(errnoSuccess, "poll_oneoff", in, out, 7, count)
	type event struct {
		user uint64
		e    errno
		kind byte
	}
	var got []event
	for i := range s.uint32(count) {
		b, _ := s.memory.Read(out+i*eventSize, eventSize)
		got = append(got, event{binary.LittleEndian.Uint64(b), errno(binary.LittleEndian.Uint16(b[8:])), b[10]})
	}
	want := []event{
		{11, errnoSuccess, 0}, {12, errnoSuccess, 0}, {13, errnoSuccess, 0}, {14, errnoSuccess, 2},
		{15, errnoBadf, 1}, {16, errnoInval, 9}, {17, errnoInval, 0},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(event{})); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if s.guest.clock != 9_000_000 {
		t.Errorf("the clock moved to %d", s.guest.clock)
	}
	s.want(errnoInval, "poll_oneoff", in, out, 0, count)
	s.want(errnoInval, "poll_oneoff", in, out, maxVectors+1, count)
}

// TestWASIPointers calls every function with pointers and lengths around the end of memory and of
// the address space.
func TestWASIPointers(t *testing.T) {
	t.Parallel()
	hostile := []uint64{0, 1, 3, pageSize - 1, pageSize, pageSize + 1, math.MaxInt32, math.MaxUint32 - 7, math.MaxUint32}
	for _, f := range wasiFunctions() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			s := newShim(t)
			for _, a := range hostile {
				for _, b := range hostile {
					params := make([]uint64, len(f.params))
					for i := range params {
						params[i] = [...]uint64{a, b, 1}[i%3]
					}
					s.call(f.name, params...)
					s.put32(0, uint32(a), uint32(b))
					s.call(f.name, params...)
				}
			}
		})
	}
	s := newShim(t)
	s.put32(0, pageSize-1, 2)
	s.want(errnoFault, "fd_write", 1, 0, 1, 40)
	s.want(errnoFault, "fd_write", 1, pageSize-4, 1, 40)
	s.want(errnoFault, "random_get", pageSize-1, 2)
	s.want(errnoFault, "random_get", math.MaxUint32, math.MaxUint32)
	s.want(errnoFault, "clock_time_get", 0, 0, pageSize-7)
	s.want(errnoFault, "clock_res_get", 0, pageSize-7)
	s.want(errnoFault, "args_get", pageSize-3, 0)
	s.want(errnoFault, "args_get", 0, pageSize-6)
	s.want(errnoFault, "args_sizes_get", 0, pageSize)
	s.want(errnoFault, "environ_sizes_get", pageSize, 0)
	s.want(errnoFault, "poll_oneoff", pageSize-47, 0, 1, 0)
	s.want(errnoFault, "poll_oneoff", 0, pageSize-31, 1, 0)
	s.want(errnoFault, "poll_oneoff", 0, 0, 1, pageSize)
	s.want(errnoFault, "fd_read", 0, 0, 0, pageSize)
	s.want(errnoFault, "fd_fdstat_get", 0, pageSize-23)
	s.want(errnoFault, "fd_filestat_get", 0, pageSize-63)
}
