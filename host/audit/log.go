package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
)

var (
	// ErrTampered marks a log that is not as it was written.
	ErrTampered = problem.New(problem.Untrusted, "the audit log was tampered with")
	// ErrTorn marks bytes after the signed end of a log. The next [Log.Append] moves them away and
	// says so.
	ErrTorn = problem.New(problem.Untrusted, "the audit log is torn")
	// ErrNoSegment marks a position at which no segment of a log ends.
	ErrNoSegment = errors.New("no segment ends there")
	// ErrClosed marks the use of a log that was closed.
	ErrClosed = errors.New("the audit log is closed")
)

// Options say how a log is kept.
type Options struct {
	// Key signs checkpoints and heads. It is required.
	Key release.PrivateKey
	// Trusted are earlier keys of the log, whose heads are accepted as well.
	Trusted []release.PublicKey
	// Every is the number of lines between checkpoints; 0 is [DefaultEvery].
	Every int
	// RotateBytes is the size at which the log continues in another file, see [Segment]; 0 means
	// never.
	RotateBytes int64
	// Clock returns the time; nil means the system's clock.
	Clock func() time.Time
}

const (
	// DefaultEvery is the number of lines between checkpoints unless [Options] say otherwise.
	DefaultEvery = 128
	// maxBatchBytes is how much one Append writes at most.
	maxBatchBytes = 16 << 20
)

// Log appends to a file. It is safe for concurrent use, also by several processes.
type Log struct {
	file  string
	o     Options
	keys  []release.PublicKey
	write func(*os.File, []byte) error
	// steps are what changes something on the disk.
	steps diskfile.Steps

	mu       sync.Mutex
	closed   bool
	appended bool
}

// Open opens the log in a file, which is made when it is missing; its folder must exist. The end of
// the log is checked: [Verify] checks all of it. The error is [ErrTampered] when the log does not
// end as its head says.
func Open(ctx context.Context, file string, o Options) (*Log, error) {
	if o.Every < 0 {
		return nil, fmt.Errorf("%s: a checkpoint every %d lines makes no sense", file, o.Every)
	}
	if o.RotateBytes < 0 {
		return nil, fmt.Errorf("%s: a segment of %d bytes makes no sense", file, o.RotateBytes)
	}
	if o.Every == 0 {
		o.Every = DefaultEvery
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if _, err := release.SignPayload(o.Key, headType, nil); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return newLog(file, o).open(ctx)
}

func newLog(file string, o Options) *Log {
	l := &Log{file: file, o: o, keys: append([]release.PublicKey{o.Key.Public()}, o.Trusted...)}
	l.write = l.writeSynced
	return l
}

func (l *Log) open(ctx context.Context) (*Log, error) {
	return l, l.locked(ctx, func(*os.File, *head) error { return nil })
}

func (l *Log) writeSynced(f *os.File, data []byte) error {
	// In two parts, so that a test can end the process between them.
	for _, part := range [][]byte{data[:len(data)/2], data[len(data)/2:]} {
		if err := l.steps.Step(); err != nil {
			return err
		}
		if _, err := f.Write(part); err != nil {
			return err
		}
	}
	if err := l.steps.Step(); err != nil {
		return err
	}
	return f.Sync()
}

// Append notes events, in their order, and returns when they are on the disk. If it fails none of
// them counts as noted: anyone who asks must not do what the events are about.
func (l *Log) Append(ctx context.Context, events ...Event) error {
	for i := range events {
		if err := events[i].check(); err != nil {
			return fmt.Errorf("%s: %w", l.file, err)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return fmt.Errorf("%s: %w", l.file, ErrClosed)
	}
	if len(events) == 0 {
		return nil
	}
	return l.locked(ctx, func(f *os.File, h *head) (err error) {
		if l.o.RotateBytes > 0 && h.Size >= l.o.RotateBytes {
			var next *os.File
			if next, h, err = l.rotate(f, h); err != nil {
				return fmt.Errorf("%s: the events cannot be noted: %w", l.file, err)
			}
			defer func() { err = errors.Join(err, next.Close()) }()
			f = next
		}
		b, err := l.begin(f, h)
		if err != nil {
			return err
		}
		for i := range events {
			if err := b.add(&events[i]); err != nil {
				return err
			}
		}
		if b.head.Seq-b.head.Checkpoint >= int64(l.o.Every) {
			if err := b.addCheckpoint(); err != nil {
				return err
			}
		}
		return l.commit(f, b)
	})
}

// Close writes a checkpoint if something was appended since the last one.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	if !l.appended {
		return nil
	}
	return l.locked(context.Background(), func(f *os.File, h *head) error {
		_, err := l.endWithCheckpoint(f, h)
		return err
	})
}

// endWithCheckpoint sees to it that the last line is a checkpoint with nothing after it, and
// returns the head then.
func (l *Log) endWithCheckpoint(f *os.File, h *head) (*head, error) {
	b, err := l.begin(f, h)
	if err != nil || h.Checkpoint == h.Seq && len(b.lines) == 0 {
		return h, err
	}
	if err := b.addCheckpoint(); err != nil {
		return nil, err
	}
	return &b.head, l.commit(f, b)
}

// locked runs do with the log and its checked head, while no other process appends.
func (l *Log) locked(ctx context.Context, do func(*os.File, *head) error) (err error) {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	held, err := l.hold(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	f := held
	h, err := readHead(l.file, headType, l.keys)
	if err != nil {
		return err
	}
	switch rotated, err := endsBefore(f, h); {
	case err != nil:
		return err
	case rotated:
		// A kill broke off between the new head and the new file.
		next, err := l.empty()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, next.Close()) }()
		f = next
	}
	if err := checkEnd(f, h); err != nil {
		return fmt.Errorf("%s: %w", l.file, err)
	}
	return do(f, h)
}

// hold opens the file of the log and takes its lock. While it waits another process may have gone
// on in another file.
func (l *Log) hold(ctx context.Context) (*os.File, error) {
	for {
		f, err := l.openFile()
		if err != nil {
			return nil, err
		}
		if err := filelock.Hold(ctx, f); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		switch same, err := isFile(f, l.file); {
		case err != nil:
			return nil, errors.Join(err, f.Close())
		case same:
			return f, nil
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// openFile opens the file of the log, and makes that of a new one. The head of a new log comes
// before its file, and a file is only ever replaced: so there is no moment at which a log has a
// file and no head, or lines in its head and no file.
func (l *Log) openFile() (*os.File, error) {
	const flags = os.O_RDWR | os.O_APPEND
	f, err := os.OpenFile(l.file, flags, 0)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	h, err := l.readFirstHead()
	if err != nil {
		return nil, err
	}
	if h.new() {
		if err := l.steps.Step(); err != nil {
			return nil, err
		}
		return os.OpenFile(l.file, flags|os.O_CREATE, 0o600)
	}
	// Another process may have begun the log a moment ago.
	f, err = os.OpenFile(l.file, flags, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFile(l.file, h)
	}
	return f, err
}

// readFirstHead returns the head of a log whose file does not exist, and makes one when there is no
// log.
func (l *Log) readFirstHead() (*head, error) {
	h, err := readHead(l.file, headType, l.keys)
	if !errors.Is(err, errNoHead) {
		return h, err
	}
	segments, listErr := segmentsOf(l.file)
	if listErr != nil {
		return nil, listErr
	}
	if len(segments) > 0 {
		return nil, err
	}
	data, err := encodeHead(l.o.Key, headType, new(head))
	if err != nil {
		return nil, err
	}
	// Another process may do the same, and go on before this one does.
	if err := l.steps.Create(headFile(l.file), data, 0o600); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return readHead(l.file, headType, l.keys)
}

// noFile is the error for a log that has a head with lines and no file.
func noFile(file string, h *head) error {
	return fmt.Errorf("%s: %w: the file is missing, its head says that it has lines up to %d", file, ErrTampered, h.Seq)
}

func (l *Log) writeHead(h *head) error {
	data, err := encodeHead(l.o.Key, headType, h)
	if err != nil {
		return err
	}
	return l.steps.Replace(headFile(l.file), data, 0o600)
}

// checkEnd checks that the line which a head names is where the head says.
func checkEnd(f io.ReaderAt, h *head) error {
	if h.Size == 0 {
		return nil
	}
	line, err := lineBefore(f, h.Size)
	switch {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%w: lines are missing at the end, there must be %d", ErrTampered, h.Seq)
	case err != nil:
		return err
	case line != h.Head:
		return fmt.Errorf("%w: line %d, the last one, is not as it was written", ErrTampered, h.Seq)
	}
	return nil
}

// lineBefore returns the digest of the line that ends at an offset, or nothing when none does. The
// error is io.EOF when the file is shorter.
func lineBefore(f io.ReaderAt, end int64) (string, error) {
	tail := make([]byte, min(end, MaxLineBytes+1))
	if n, err := f.ReadAt(tail, end-int64(len(tail))); err != nil && n < len(tail) {
		return "", err
	}
	line, ok := lastLine(tail, end > int64(len(tail)))
	if !ok {
		return "", nil
	}
	return digest(line), nil
}

// batch is what one Append writes.
type batch struct {
	log   *Log
	head  head
	lines []byte
}

// begin returns a batch after the head, for all that is there to be moved away: it notes what was.
func (l *Log) begin(f *os.File, h *head) (*batch, error) {
	if err := l.quarantine(f, h); err != nil {
		return nil, err
	}
	b := &batch{log: l, head: *h}
	b.head.Recovered = nil
	for _, r := range h.Recovered {
		if err := b.addEntry(KindRecovered, r); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *batch) add(e *Event) error {
	if err := b.addEntry(e.Kind, e.Data); err != nil {
		return fmt.Errorf("%s: %w", b.log.file, err)
	}
	if e.policyDigest != "" {
		b.head.PolicyDigest = e.policyDigest
	}
	return nil
}

func (b *batch) addCheckpoint() error {
	e, err := sign(b.log.o.Key, checkpointType, checkpoint{b.head.Position, b.head.PolicyDigest})
	if err != nil {
		return err
	}
	if err := b.addEntry(KindCheckpoint, e); err != nil {
		return err
	}
	b.head.Checkpoint = b.head.Seq
	return nil
}

func (b *batch) addEntry(kind string, data any) error {
	text, err := exactjson.Marshal(data)
	if err != nil {
		return err
	}
	if text[0] != '{' {
		return errors.New("the data of an event of kind " + kind + " is not an object")
	}
	e := Entry{Data: text, Kind: kind, Prev: b.head.Head, Seq: b.head.Seq + 1, Time: b.log.o.Clock().UTC().Round(0)}
	line, err := e.encode()
	if err != nil {
		return err
	}
	if len(b.lines)+len(line) >= maxBatchBytes {
		return fmt.Errorf("the events have more than %d bytes together; append fewer at once", maxBatchBytes)
	}
	b.lines = append(append(b.lines, line...), '\n')
	b.head.Seq, b.head.Head = e.Seq, digest(line)
	b.head.Size += int64(len(line)) + 1
	return nil
}

// commit puts a batch on the disk, and then the head that it makes.
func (l *Log) commit(f *os.File, b *batch) error {
	if err := l.write(f, b.lines); err != nil {
		return fmt.Errorf("%s: the events cannot be noted: %w", l.file, err)
	}
	if err := l.writeHead(&b.head); err != nil {
		return fmt.Errorf("%s: the events cannot be noted: %w", l.file, err)
	}
	l.appended = true
	return nil
}

// quarantine moves what follows the head to a file of its own. The head says so before it is gone
// from the log, so that whatever comes in between the next lines note it.
func (l *Log) quarantine(f *os.File, h *head) error {
	info, err := f.Stat()
	if err != nil || info.Size() == h.Size {
		return err
	}
	sum := sha256.New()
	extra := io.NewSectionReader(f, h.Size, info.Size()-h.Size)
	// Of what somebody else added without end, the beginning is enough.
	kept, err := io.ReadAll(io.TeeReader(io.LimitReader(extra, maxBatchBytes), sum))
	if err != nil {
		return err
	}
	if _, err := io.Copy(sum, extra); err != nil {
		return err
	}
	name := l.file + ".torn-" + hex.EncodeToString(sum.Sum(nil)[:8])
	if err := l.steps.Replace(name, kept, 0o600); err != nil {
		return err
	}
	r := Recovered{File: filepath.Base(name), Bytes: info.Size() - h.Size, Digest: "sha256:" + hex.EncodeToString(sum.Sum(nil))}
	if !slices.Contains(h.Recovered, r) {
		h.Recovered = append(h.Recovered, r)
		if err := l.writeHead(h); err != nil {
			return err
		}
	}
	if err := l.steps.Step(); err != nil {
		return err
	}
	if err := f.Truncate(h.Size); err != nil {
		return err
	}
	return f.Sync()
}

// lastLine returns the last line of the end of a log, without its line break. A partial end may
// begin inside a line.
func lastLine(tail []byte, partial bool) ([]byte, bool) {
	if len(tail) == 0 || tail[len(tail)-1] != '\n' {
		return nil, false
	}
	tail = tail[:len(tail)-1]
	for i := len(tail) - 1; i >= 0; i-- {
		if tail[i] == '\n' {
			return tail[i+1:], true
		}
	}
	return tail, !partial
}

func digest(line []byte) string {
	sum := sha256.Sum256(line)
	return "sha256:" + hex.EncodeToString(sum[:])
}
