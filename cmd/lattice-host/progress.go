package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/term"
)

// quiet is how long something may take before a person wants to know what it is.
const quiet = time.Second

// redraw is how often a count is written at the most.
const redraw = 100 * time.Millisecond

// clearLine takes back the line that the terminal's cursor is in.
const clearLine = "\r\x1b[K"

// progress tells a person at a terminal what takes long. Its methods may be called by several
// goroutines at once.
type progress struct {
	terminal io.Writer

	mu    sync.Mutex
	names []string
	// verb says what is done to things that are counted, done how many are, of count.
	verb        string
	done, count int
	drawn       time.Time
	// begun counts the plugins that were named; total is how many there will be, or 0 when that is
	// not known.
	begun, total int
	timer        *time.Timer
	shown        bool
	ended        bool
}

// newProgress returns a progress that writes to w when it is a terminal, and nothing otherwise.
func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		w = nil
	}
	return &progress{terminal: w}
}

// compiling notes that a plugin is being compiled, or no longer.
func (p *progress) compiling(plugin string, done bool) {
	if p.terminal == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if done {
		if i := slices.Index(p.names, plugin); i >= 0 {
			p.names = slices.Delete(p.names, i, i+1)
		}
	} else {
		p.names = append(p.names, plugin)
		p.begun++
	}
	p.start()
	if p.shown {
		p.draw()
	}
}

// counting notes how many of so many things are done, such as "deriving" of documents.
func (p *progress) counting(verb string, done, count int) {
	if p.terminal == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if verb != p.verb {
		p.verb, p.done, p.count = verb, 0, count
	}
	// Several goroutines count, and the last may be the first to say so.
	p.done = max(p.done, done)
	p.start()
	if p.shown && time.Since(p.drawn) >= redraw {
		p.draw()
	}
}

// start has the progress show itself when this goes on. The caller holds the mutex.
func (p *progress) start() {
	if p.timer == nil {
		p.timer = time.AfterFunc(quiet, p.show)
	}
}

// notCompiling notes that one of the plugins that were expected need not be compiled.
func (p *progress) notCompiling() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total--
	if p.shown {
		p.draw()
	}
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		p.shown = true
		p.draw()
	}
}

// draw replaces the line. The caller holds the mutex.
func (p *progress) draw() {
	fmt.Fprint(p.terminal, clearLine)
	p.drawn = time.Now()
	if len(p.names) == 0 {
		if p.count > 0 && p.done < p.count {
			fmt.Fprintf(p.terminal, "%s %d/%d …", p.verb, p.done, p.count)
		}
		return
	}
	fmt.Fprint(p.terminal, "compiling ")
	if p.total > 0 {
		fmt.Fprintf(p.terminal, "%d/%d ", p.begun, p.total)
	}
	fmt.Fprint(p.terminal, p.names[0])
	if more := len(p.names) - 1; more > 0 {
		fmt.Fprintf(p.terminal, " and %d more", more)
	}
	fmt.Fprint(p.terminal, " …")
}

// above has print write whole lines, one caller at a time, without the line of the progress in
// their way.
func (p *progress) above(print func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown {
		fmt.Fprint(p.terminal, clearLine)
	}
	print()
	if p.shown {
		p.draw()
	}
}

// end takes the line back.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
	}
	if p.shown {
		fmt.Fprint(p.terminal, clearLine)
	}
	p.shown = false
}
