package sandbox

import (
	"encoding/binary"
	"math"

	"github.com/tetratelabs/wazero/api"
)

// wasiModule is the module name of WASI preview 1. The functions here are those that language
// runtimes call at start and when they panic or sleep; they give a guest nothing that differs
// between two calls. Layouts and numbers are those of the witx files of the preview.
const wasiModule = "wasi_snapshot_preview1"

// errno is an error number of WASI.
type errno uint32

const (
	errnoSuccess    errno = 0
	errnoBadf       errno = 8
	errnoFault      errno = 21
	errnoInval      errno = 28
	errnoSpipe      errno = 70
	errnoNotcapable errno = 76
)

const (
	// programName is the only argument. A runtime without any would have nothing to call itself.
	programName = "plugin"
	// realtime is what the wall clock shows, always: 2000-01-01T00:00:00Z in nanoseconds.
	realtime = 946_684_800_000_000_000
	// clockStep is how far the monotonic clock moves with each reading, in nanoseconds. It must
	// move, for runtimes that divide by the difference.
	clockStep = 1_000
	// maxWrite is how much of one fd_write is taken, in bytes; a guest calls again for the rest.
	// Together with maxVectors it bounds the work of one host function, during which a guest cannot
	// be interrupted.
	maxWrite = 64 << 10
	// maxVectors is how many buffers or subscriptions one call may have. POSIX systems have the
	// same limit (IOV_MAX).
	maxVectors = 1024
)

// The clocks of WASI.
const (
	clockRealtime = 0
	clockLast     = 3
)

// The standard files.
const (
	fdStdin  = 0
	fdStdout = 1
	fdStderr = 2
)

// fileTypeCharacterDevice is the type of the standard files.
const fileTypeCharacterDevice = 2

// guestMemory reads and writes a guest's memory; beyond its end everything is errnoFault.
type guestMemory struct{ api.Memory }

func (m guestMemory) putUint32(ptr, v uint32) errno {
	if !m.WriteUint32Le(ptr, v) {
		return errnoFault
	}
	return errnoSuccess
}

func (m guestMemory) putUint64(ptr uint32, v uint64) errno {
	if !m.WriteUint64Le(ptr, v) {
		return errnoFault
	}
	return errnoSuccess
}

func (m guestMemory) put(ptr uint32, data []byte) errno {
	if !m.Write(ptr, data) {
		return errnoFault
	}
	return errnoSuccess
}

func (m guestMemory) putSizes(countPtr, count, sizePtr, size uint32) errno {
	if e := m.putUint32(countPtr, count); e != errnoSuccess {
		return e
	}
	return m.putUint32(sizePtr, size)
}

func argsGet(_ *guest, m guestMemory, p []uint64) errno {
	argv, text := uint32(p[0]), uint32(p[1])
	if e := m.putUint32(argv, text); e != errnoSuccess {
		return e
	}
	return m.put(text, []byte(programName+"\x00"))
}

func argsSizesGet(_ *guest, m guestMemory, p []uint64) errno {
	return m.putSizes(uint32(p[0]), 1, uint32(p[1]), uint32(len(programName)+1))
}

func environSizesGet(_ *guest, m guestMemory, p []uint64) errno {
	return m.putSizes(uint32(p[0]), 0, uint32(p[1]), 0)
}

func clockTimeGet(g *guest, m guestMemory, p []uint64) errno {
	id, ptr := uint32(p[0]), uint32(p[2])
	switch {
	case id > clockLast:
		return errnoInval
	case id == clockRealtime:
		return m.putUint64(ptr, realtime)
	}
	now := g.clock
	g.clock = later(now, clockStep)
	return m.putUint64(ptr, now)
}

func clockResGet(_ *guest, m guestMemory, p []uint64) errno {
	if uint32(p[0]) > clockLast {
		return errnoInval
	}
	return m.putUint64(uint32(p[1]), clockStep)
}

// later returns now + d, or the end of time.
func later(now, d uint64) uint64 {
	if d > math.MaxUint64-now {
		return math.MaxUint64
	}
	return now + d
}

func randomGet(g *guest, m guestMemory, p []uint64) errno {
	buffer, ok := m.Read(uint32(p[0]), uint32(p[1]))
	if !ok {
		return errnoFault
	}
	g.fuel.spend(int64(len(buffer)))
	// The generator never fails.
	_, _ = g.random.Read(buffer)
	return errnoSuccess
}

func fdWrite(g *guest, m guestMemory, p []uint64) errno {
	fd, vectors, count, written := uint32(p[0]), uint32(p[1]), uint32(p[2]), uint32(p[3])
	line, level := &g.log.stdout, LevelInfo
	switch fd {
	case fdStdout:
	case fdStderr:
		line, level = &g.log.stderr, LevelWarning
	default:
		return errnoBadf
	}
	if count > maxVectors {
		return errnoInval
	}
	g.fuel.spend(vectorFuel * int64(count))
	room := uint32(maxWrite)
	for i := range count {
		data, e := m.vector(vectors, i, room)
		if e != errnoSuccess {
			return e
		}
		g.fuel.spend(logByteFuel * int64(len(data)))
		g.log.write(line, level, data)
		room -= uint32(len(data))
	}
	return m.putUint32(written, maxWrite-room)
}

// vector returns the i-th buffer of a list, no more than most bytes of it.
func (m guestMemory) vector(list, i, most uint32) ([]byte, errno) {
	const entrySize = 8
	entry, ok := m.Read(list, (i+1)*entrySize)
	if !ok {
		return nil, errnoFault
	}
	ptr := binary.LittleEndian.Uint32(entry[i*entrySize:])
	size := binary.LittleEndian.Uint32(entry[i*entrySize+4:])
	data, ok := m.Read(ptr, size)
	if !ok {
		return nil, errnoFault
	}
	return data[:min(size, most)], errnoSuccess
}

// fdRead reads stdin, which is at its end.
func fdRead(_ *guest, m guestMemory, p []uint64) errno {
	if uint32(p[0]) != fdStdin {
		return errnoBadf
	}
	return m.putUint32(uint32(p[3]), 0)
}

// fdAccept does nothing to a standard file.
func fdAccept(_ *guest, _ guestMemory, p []uint64) errno {
	if uint32(p[0]) > fdStderr {
		return errnoBadf
	}
	return errnoSuccess
}

func fdSeek(_ *guest, _ guestMemory, p []uint64) errno {
	if uint32(p[0]) > fdStderr {
		return errnoBadf
	}
	return errnoSpipe
}

// fdFdstatGet describes a standard file: 24 bytes, of which the type is the first.
func fdFdstatGet(_ *guest, m guestMemory, p []uint64) errno {
	if uint32(p[0]) > fdStderr {
		return errnoBadf
	}
	return m.put(uint32(p[1]), append([]byte{fileTypeCharacterDevice}, make([]byte, 23)...))
}

// fdFilestatGet describes a standard file: 64 bytes, with the type at 16.
func fdFilestatGet(_ *guest, m guestMemory, p []uint64) errno {
	if uint32(p[0]) > fdStderr {
		return errnoBadf
	}
	stat := make([]byte, 64)
	stat[16] = fileTypeCharacterDevice
	return m.put(uint32(p[1]), stat)
}

func procExit(_ *guest, _ api.Memory, p []uint64) { panic(&exit{uint32(p[0])}) }

// The kinds of subscription, and so of event.
const (
	eventClock   = 0
	eventFdWrite = 2
)

// The sizes of a subscription and an event.
const (
	subscriptionSize = 48
	eventSize        = 32
)

// pollOneoff answers at once: it moves the clock to where the guest wanted to sleep to. Standard
// files are ready, others do not exist.
func pollOneoff(g *guest, m guestMemory, p []uint64) errno {
	in, out, count, written := uint32(p[0]), uint32(p[1]), uint32(p[2]), uint32(p[3])
	if count == 0 || count > maxVectors {
		return errnoInval
	}
	subscriptions, ok := m.Read(in, count*subscriptionSize)
	if !ok {
		return errnoFault
	}
	g.fuel.spend(vectorFuel * int64(count))
	events := make([]byte, 0, count*eventSize)
	for s := range count {
		events = appendEvent(events, g, subscriptions[s*subscriptionSize:][:subscriptionSize])
	}
	if e := m.put(out, events); e != errnoSuccess {
		return e
	}
	return m.putUint32(written, count)
}

func appendEvent(events []byte, g *guest, subscription []byte) []byte {
	kind, detail := subscription[8], subscription[16:]
	e := errnoSuccess
	switch {
	case kind == eventClock:
		e = g.sleep(detail)
	case kind > eventFdWrite:
		e = errnoInval
	case binary.LittleEndian.Uint32(detail) > fdStderr:
		e = errnoBadf
	}
	events = append(events, subscription[:8]...)
	events = binary.LittleEndian.AppendUint16(events, uint16(e))
	events = append(events, kind)
	return append(events, make([]byte, eventSize-11)...)
}

// sleep moves the monotonic clock. The wall clock does not move, so that waiting for a time on it
// ends at once.
func (g *guest) sleep(detail []byte) errno {
	id := binary.LittleEndian.Uint32(detail)
	timeout := binary.LittleEndian.Uint64(detail[8:])
	absolute := detail[24]&1 != 0
	switch {
	case id > clockLast:
		return errnoInval
	case absolute && id == clockRealtime:
	case absolute:
		g.clock = max(g.clock, timeout)
	default:
		g.clock = later(g.clock, timeout)
	}
	return errnoSuccess
}
