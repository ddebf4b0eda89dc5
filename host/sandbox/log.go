package sandbox

import (
	"bytes"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// Level grades a [Message].
type Level int

// The levels, with the numbers they have in ABI 1.
const (
	LevelDebug Level = iota
	LevelInfo
	LevelWarning
	LevelError
)

// String returns debug, info, warning or error.
func (l Level) String() string {
	switch l {
	case LevelDebug:
		return "debug"
	case LevelInfo:
		return "info"
	case LevelWarning:
		return "warning"
	}
	return "error"
}

// Message is one line for the log, from a plugin or about the sandbox itself.
type Message struct {
	// Plugin is publisher/name; empty when the message is about the sandbox itself. Version and
	// Step go with it.
	Plugin, Version, Step string
	// Level grades the message. What a plugin writes to stdout is info, to stderr a warning.
	Level Level
	// Text is one line without control characters, at most [abi.MaxLogBytes] long.
	Text string
}

// callLog takes the messages of one call.
type callLog struct {
	to func(Message)
	// from names the plugin.
	from  Message
	count int
	// stdout and stderr hold the line that is being written.
	stdout, stderr lineBuffer
	words          lastWords
}

// message logs one message, unless there were too many.
func (l *callLog) message(level Level, text []byte) {
	line := printable(text, abi.MaxLogBytes)
	if level >= LevelWarning {
		l.words.hear(line)
	}
	l.count++
	switch {
	case l.count <= abi.MaxLogMessages:
		l.send(level, line)
	case l.count == abi.MaxLogMessages+1:
		l.send(LevelWarning, "further messages dropped")
	}
}

func (l *callLog) send(level Level, line string) {
	if l.to == nil {
		return
	}
	m := l.from
	m.Level, m.Text = level, line
	l.to(m)
}

// write logs the lines that are complete and keeps the rest.
func (l *callLog) write(to *lineBuffer, level Level, data []byte) {
	for len(data) > 0 {
		line, rest, complete := bytes.Cut(data, []byte{'\n'})
		to.add(line)
		if complete {
			l.endLine(to, level)
		}
		data = rest
	}
}

func (l *callLog) endLine(b *lineBuffer, level Level) {
	if len(b.line) > 0 {
		l.message(level, b.line)
	}
	b.line = b.line[:0]
}

// flush logs the lines that have begun.
func (l *callLog) flush() {
	l.endLine(&l.stdout, LevelInfo)
	l.endLine(&l.stderr, LevelWarning)
}

// lineBuffer holds the beginning of one line, no more of it than is logged.
type lineBuffer struct{ line []byte }

func (b *lineBuffer) add(part []byte) {
	room := abi.MaxLogBytes + 1 - len(b.line)
	b.line = append(b.line, part[:min(len(part), room)]...)
}

// lastWords finds the line that tells why a guest gave up. Language runtimes write the reason first
// and a stack trace after it, so that the last line is the wrong one when one of their openings was
// seen.
type lastWords struct {
	reason, last string
	// unfinished is true while the line after reason belongs to it.
	unfinished bool
}

func (w *lastWords) hear(line string) {
	w.last = line
	switch {
	case w.unfinished:
		w.reason += " " + line
		w.unfinished = false
	case w.reason != "":
	case strings.HasPrefix(line, "panic: "), strings.HasPrefix(line, "fatal error: "):
		// Go.
		w.reason = line
	case strings.HasPrefix(line, "thread ") && strings.Contains(line, " panicked at "):
		// Rust writes the place first and the message on the next line.
		w.reason = line
		w.unfinished = strings.HasSuffix(line, ":")
	}
}

func (w *lastWords) String() string {
	if w.reason != "" {
		return cutLine(w.reason)
	}
	return cutLine(w.last)
}

func cutLine(line string) string {
	if len(line) <= maxShownLine {
		return line
	}
	return cut(line, maxShownLine-len(ellipsis)) + ellipsis
}
