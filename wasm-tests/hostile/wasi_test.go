package hostile

import (
	"strings"

	b "github.com/latticenet/lattice-host/wasm-tests/wasmbuild"
)

// logs returns the shape of a guest that logs a text.
func logs(level int32, text string) func(*guest) {
	return func(g *guest) {
		log := g.log()
		g.Data(scratchAt, []byte(text))
		g.call = b.Body(invoke(log, level, scratchAt, int32(len(text))), answered())
	}
}

// logsAt returns the shape of a guest that logs what lies somewhere.
func logsAt(ptr, size int32) func(*guest) {
	return func(g *guest) {
		log := g.log()
		g.call = b.Body(invoke(log, 1, ptr, size), answered())
	}
}

// logCases misuse the log.
func logCases() []hostile {
	return []hostile{
		{name: "log-huge", reason: "a message of 2^31 bytes", guest: logsAt(scratchAt, 1<<31-1), want: trap},
		{name: "log-negative-length", reason: "a message of -1 bytes", guest: logsAt(scratchAt, -1), want: trap},
		{name: "log-negative-address", reason: "a message at a negative address", guest: logsAt(-8, 4), want: trap},
		{name: "log-wraps-around", reason: "a message whose end is small in 32 bits", guest: logsAt(-4, 8), want: trap},
		{name: "log-leaves-memory", reason: "a message that ends one byte after the end of memory", guest: logsAt(2*pageSize-1, 2), want: trap},
		{name: "log-nothing-at-end", reason: "no bytes at the very end of memory", guest: logsAt(2*pageSize, 0), want: ok},
		{name: "log-everywhere", reason: "messages at every address until one is outside of memory", guest: func(g *guest) {
			log := g.log()
			g.callLocals = 1
			g.call = forever(b.Int32(1), b.LocalGet, 3, b.Int32(4096), b.Call, b.Unsigned(log),
				b.LocalGet, 3, b.Int32(1021), b.I32Add, b.LocalSet, 3)
		}, want: trap},
		{name: "log-whole-memory", reason: "all of memory as one message", guest: logsAt(0, 2*pageSize), want: ok},
		{name: "log-level", reason: "a level that does not exist", guest: logs(-1<<31, "x"), want: ok},
		{name: "log-not-utf8", reason: "bytes that are not UTF-8", guest: logs(2, "\xff\xfe\xc0\x80"), want: ok},
		{name: "log-control", reason: "every control character", guest: logs(3, controls()), want: ok},
		{name: "log-terminal", reason: "commands to the terminal", guest: logs(3, "\x1b[2J\x1b]0;owned\x07\u009b31m\u202e"), want: ok},
		{name: "log-second-line", reason: "a message that forges the log of another plugin", guest: logs(1, "x\nerror: acme/web: gone"), want: ok},
		{name: "log-last-words", reason: "a trap whose last message clears the terminal", guest: func(g *guest) {
			log := g.log()
			g.Data(scratchAt, []byte("panic: \x1b[2J"))
			g.call = b.Body(invoke(log, 3, scratchAt, 11), b.Unreachable)
		}, want: trap},
		{name: "log-flood", reason: "ten thousand messages", guest: func(g *guest) {
			log := g.log()
			g.callLocals = 1
			g.call = b.Body(times(10_000, 3, invoke(log, 3, scratchAt, 8)), answered())
		}, want: ok},
		{name: "log-endless", reason: "messages without end", guest: func(g *guest) {
			log := g.log()
			g.call = forever(invoke(log, 0, scratchAt, 8))
		}, want: endless},
		{name: "log-endless-large", reason: "messages of a whole memory without end", guest: func(g *guest) {
			log := g.log()
			g.call = forever(invoke(log, 3, 0, 2*pageSize))
		}, want: endless},
		{name: "log-at-start", reason: "messages without end in the start function", guest: func(g *guest) {
			log := g.log()
			g.Start(g.procedure(forever(invoke(log, 0, scratchAt, 8))))
		}, want: endless},
	}
}

func controls() string {
	var text strings.Builder
	for c := range rune(0xa0) {
		if c < 0x20 || c >= 0x7f {
			text.WriteRune(c)
		}
	}
	return text.String()
}

// vectors returns n buffers of so many bytes each, as they are in memory.
func vectors(n int, ptr, size uint32) []byte {
	var list []byte
	for range n {
		for _, v := range []uint32{ptr, size} {
			list = append(list, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
	}
	return list
}

// writes returns the shape of a guest that writes n times the same buffer with each call, and calls
// forever.
func writes(n int, text string) func(*guest) {
	return func(g *guest) {
		write := g.wasi("fd_write", 4)
		g.pages = 4
		g.Data(pageSize, []byte(text))
		g.Data(3*pageSize, vectors(n, pageSize, uint32(len(text))))
		g.call = forever(ignore(write, 1, 3*pageSize, int32(n), scratchAt))
	}
}

// once returns the shape of a guest that calls one function of WASI with numbers and ignores what
// it says.
func once(name string, args ...int32) func(*guest) {
	return func(g *guest) { g.call = b.Body(ignore(g.wasi(name, len(args)), args...), answered()) }
}

// polls returns the shape of a guest that calls one function of WASI forever.
func polls(name string, args ...int32) func(*guest) {
	return func(g *guest) { g.call = forever(ignore(g.wasi(name, len(args)), args...)) }
}

// exits returns the shape of a guest that exits.
func exits(code int32) func(*guest) {
	return func(g *guest) { g.call = b.Body(invoke(g.exit(), code), b.Unreachable) }
}

// wasiCases misuse the host's part of WASI. An error number is an answer like any other: the plugin
// goes on.
func wasiCases() []hostile {
	return []hostile{
		{name: "exit-zero", reason: "an exit that looks like success", guest: exits(0), want: trap},
		{name: "exit-one", reason: "an exit", guest: exits(1), want: trap},
		{name: "exit-reserved", reason: "an exit with the number that the engine has for a closed module", guest: exits(-0x1000_0000), want: trap},
		{name: "exit-deadline", reason: "an exit with the number that the engine has for a timeout", guest: exits(-0x1000_0001), want: trap},
		{name: "exit-at-start", reason: "an exit in the start function", guest: func(g *guest) {
			exit := g.exit()
			g.Start(g.procedure(invoke(exit, 0)))
		}, want: trap},
		{name: "write-flood", reason: "64 KiB to stdout with each call, without end", guest: writes(1024, strings.Repeat("x", 4096)), want: endless},
		{name: "write-flood-of-lines", reason: "thirty thousand lines with each call, without end", guest: writes(16, strings.Repeat("x\n", 2048)), want: endless},
		{name: "write-flood-of-nothing", reason: "a thousand empty buffers with each call, without end", guest: writes(1024, ""), want: endless},
		{name: "write-too-many", reason: "more buffers than a call may have", guest: once("fd_write", 1, 0, 1025, scratchAt), want: ok},
		{name: "write-garbage", reason: "buffers that lie outside of memory", guest: func(g *guest) {
			write := g.wasi("fd_write", 4)
			g.Data(scratchAt, vectors(3, 1<<31, 1<<31))
			g.call = b.Body(ignore(write, 2, scratchAt, 3, -1), answered())
		}, want: ok},
		{name: "write-terminal", reason: "commands to the terminal on stderr", guest: func(g *guest) {
			write := g.wasi("fd_write", 4)
			const text = "\x1b[2Jgone\r\x1b]52;c;AAAA\x07\n"
			g.Data(scratchAt, vectors(1, scratchAt+8, uint32(len(text))))
			g.Data(scratchAt+8, []byte(text))
			g.call = b.Body(ignore(write, 2, scratchAt, 1, 0), answered())
		}, want: ok},
		{name: "write-other-file", reason: "a file that was never opened", guest: once("fd_write", 3, 0, 1, scratchAt), want: ok},
		{name: "read-endless", reason: "waiting for input", guest: polls("fd_read", 0, 0, 0, scratchAt), want: endless},
		{name: "yield-endless", reason: "giving way forever", guest: polls("sched_yield"), want: endless},
		{name: "poll-endless", reason: "sleeping forever", guest: polls("poll_oneoff", 0, scratchAt, 1, scratchAt), want: endless},
		{name: "poll-flood", reason: "a thousand events with each call, without end", guest: func(g *guest) {
			poll := g.wasi("poll_oneoff", 4)
			g.pages = 4
			g.call = forever(ignore(poll, 0, 2*pageSize, 1024, scratchAt))
		}, want: endless},
		{name: "poll-too-many", reason: "2^31 events", guest: once("poll_oneoff", 0, 0, -1<<31, 0), want: ok},
		{name: "poll-outside", reason: "events outside of memory", guest: once("poll_oneoff", -1, -1, 1, -1), want: ok},
		{name: "poll-onto-itself", reason: "events over the list that they come from", guest: once("poll_oneoff", pageSize, pageSize+8, 1024, scratchAt), want: ok},
		{name: "clock-endless", reason: "waiting for the time to pass", guest: func(g *guest) {
			clock := g.ImportFunction(wasi, "clock_time_get", []byte{b.I32, b.I64, b.I32}, i32s(1))
			g.call = forever(b.Int32(0), b.Int64(0), b.Int32(scratchAt), b.Call, b.Unsigned(clock), b.Drop)
		}, want: endless},
		{name: "clock-outside", reason: "the time outside of memory", guest: once("clock_res_get", 1, -4), want: ok},
		{name: "random-endless", reason: "random numbers until one is the right one", guest: polls("random_get", scratchAt, 8), want: endless},
		{name: "random-flood", reason: "megabytes of random numbers with each call, without end", guest: func(g *guest) {
			random := g.wasi("random_get", 2)
			g.pages = memoryBytes / pageSize
			g.call = forever(ignore(random, 0, memoryBytes))
		}, want: endless},
		{name: "random-outside", reason: "random numbers outside of memory", guest: once("random_get", -1, -1), want: ok},
		{name: "args-outside", reason: "arguments outside of memory", guest: once("args_get", -1, -1), want: ok},
		{name: "open-everything", reason: "every file that a plugin could wish for", guest: func(g *guest) {
			open := g.ImportFunction(wasi, "path_open",
				[]byte{b.I32, b.I32, b.I32, b.I32, b.I32, b.I64, b.I64, b.I32, b.I32}, i32s(1))
			g.Data(scratchAt, []byte("/etc/shadow"))
			g.call = b.Body(
				b.Int32(3), b.Int32(1), b.Int32(scratchAt), b.Int32(11), b.Int32(0), b.Int64(-1), b.Int64(-1), b.Int32(0), b.Int32(0),
				b.Call, b.Unsigned(open), b.I32Eqz, trapUnlessZero(), answered())
		}, want: ok},
		{name: "preopened-endless", reason: "looking for a folder under every number", guest: polls("fd_prestat_get", 3, scratchAt), want: endless},
	}
}
