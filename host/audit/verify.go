package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/release"
)

// Begun reports whether there is a log in a file, or anything that is left of one.
func Begun(file string) (bool, error) {
	for _, name := range []string{file, headFile(file)} {
		if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
			return err == nil, err
		}
	}
	names, err := segmentNames(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return len(names) > 0, err
}

// Report is what a log holds.
type Report struct {
	// Position is where the log ends.
	Position
	// PolicyDigest names the policies of the last decision.
	PolicyDigest string `json:"policyDigest,omitempty"`
	// Events, Checkpoints and Recovered count the lines: what was noted, what was signed, and how
	// often something that followed the end was moved away.
	Events      int64 `json:"events"`
	Checkpoints int64 `json:"checkpoints"`
	Recovered   int64 `json:"recovered"`
	// First and Last are the times of the first and the last line; zero if none exists.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Backwards is how many lines have an earlier time than the one before: the clock was set back.
	Backwards int64 `json:"backwards,omitempty"`
	// Torn is how many bytes follow the end.
	Torn int64 `json:"torn,omitempty"`
	// Segments are the files before the one that lines are appended to, in their order.
	Segments []Segment `json:"segments,omitempty"`
	// Pruned is the last of the lines that were removed on purpose; zero when none was. What is
	// counted begins after it.
	Pruned Position `json:"pruned,omitzero"`
}

// VerifyOptions say what else a log must be. The zero value asks for nothing else.
type VerifyOptions struct {
	// Known are positions that were noted elsewhere: the log must have these lines.
	Known []Position
	// Visit is called for each line, in their order, before it is known whether the end is as it
	// should be; nil calls nothing. Its error ends the verification.
	Visit func(*Entry) error
}

// Verify reads a log with all its segments and checks every line, and the ends of the files against
// their heads, which one of keys must have signed. A segment is a log of its own, with those before
// it. The error says where the log is wrong and satisfies errors.Is with [ErrTampered], or with
// [ErrTorn] when everything up to the signed end is right and something follows it. The report is
// there for both: what was found until then.
func Verify(ctx context.Context, file string, keys []release.PublicKey, o VerifyOptions) (report *Report, err error) {
	parts, err := snapshot(ctx, file, keys)
	if err != nil {
		return nil, err
	}
	last := parts[len(parts)-1]
	defer func() { err = errors.Join(err, last.open.Close()) }()
	v := &verifier{keys: keys, o: o}
	if err := v.begin(parts); err != nil {
		return &v.report, fmt.Errorf("%s: %w", file, err)
	}
	for _, p := range parts {
		if err := v.part(ctx, p); err != nil {
			return &v.report, err
		}
	}
	if err := v.end(last); err != nil {
		return &v.report, fmt.Errorf("%s: %w", file, err)
	}
	return &v.report, nil
}

// part is one file of a log at one moment.
type part struct {
	file string
	head *head
	// size is how large the file is. What is appended later is not looked at, so that no one has to
	// wait for the rest.
	size int64
	// open is the file that lines are appended to; nil for a segment before it.
	open *os.File
}

// snapshot returns the files of a log at one moment, the last one open.
func snapshot(ctx context.Context, file string, keys []release.PublicKey) (parts []part, err error) {
	for {
		f, err := os.Open(file)
		if errors.Is(err, fs.ErrNotExist) && logOf(file) == file {
			if parts, err := withoutFile(file, keys, err); err != nil || parts != nil {
				return parts, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		parts, err := snapshotOf(ctx, f, keys)
		if err != nil {
			return nil, errors.Join(err, f.Close())
		}
		if parts != nil {
			return parts, nil
		}
		// Another file took its place.
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
}

// withoutFile returns what represents a log without its file: a process was killed before it made
// the first one, or somebody removed it, or none exists, which is the error absent. It returns
// nothing when the file is there by now.
func withoutFile(file string, keys []release.PublicKey, absent error) ([]part, error) {
	h, err := readHead(file, headType, keys)
	if errors.Is(err, errNoHead) {
		segments, listErr := segmentsOf(file)
		if listErr != nil || len(segments) == 0 {
			return nil, absent
		}
	}
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !h.new() {
		return nil, noFile(file, h)
	}
	empty, err := os.Open(os.DevNull)
	return []part{{file: file, head: h, open: empty}}, err
}

// snapshotOf returns nothing when another file has taken the place of f.
func snapshotOf(ctx context.Context, f *os.File, keys []release.PublicKey) (parts []part, err error) {
	// The lock belongs to the open file, so that closing another one of the same file releases it.
	lock, err := os.Open(f.Name())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := filelock.Hold(ctx, lock); err != nil {
		return nil, err
	}
	for _, held := range []*os.File{f, lock} {
		if same, err := isFile(held, f.Name()); err != nil || !same {
			return nil, err
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	payloadType := headType
	if logOf(f.Name()) != f.Name() {
		payloadType = segmentType
	}
	h, err := readHead(f.Name(), payloadType, keys)
	if err != nil {
		return nil, err
	}
	last := part{file: f.Name(), head: h, size: info.Size(), open: f}
	if payloadType == segmentType {
		// What was removed since the segment ended is known to the log, where the segment lies next
		// to it.
		of, err := readHead(logOf(f.Name()), headType, keys)
		if err == nil && h.Pruned.Seq < of.Pruned.Seq && of.Pruned.Seq <= h.Start.Seq {
			h.Pruned = of.Pruned
		}
	}
	parts, err = before(f.Name(), h, keys)
	if err != nil {
		return nil, err
	}
	// A process was killed before it made the next file.
	switch rotated, err := endsBefore(f, h); {
	case err != nil:
		return nil, err
	case rotated:
		last.size = 0
	}
	return append(parts, last), nil
}

// before returns the segments before a file of a log, up to those that were removed on purpose.
func before(file string, h *head, keys []release.PublicKey) (parts []part, err error) {
	log := logOf(file)
	for start := h.Start; start.Seq > h.Pruned.Seq; {
		name, err := segmentBefore(log, start)
		if err != nil {
			return nil, err
		}
		if name == "" {
			return nil, fmt.Errorf("%s: %w: the segment %s.…-%d is missing, and the lines before it", log, ErrTampered, filepath.Base(log), start.Seq)
		}
		segment, err := readHead(name, segmentType, keys)
		if err != nil {
			return nil, err
		}
		if segment.Position != start || segment.Size == 0 {
			return nil, fmt.Errorf("%s: %w: its last line is not the one that the next segment follows", name, ErrTampered)
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, err
		}
		parts = append(parts, part{file: name, head: segment, size: info.Size()})
		start = segment.Start
	}
	slices.Reverse(parts)
	return parts, nil
}

// verifier reads a log from its beginning.
type verifier struct {
	keys   []release.PublicKey
	o      VerifyOptions
	report Report
	// checkpoint is the number of the last checkpoint line.
	checkpoint int64
}

// begin takes the position after which the first file begins.
func (v *verifier) begin(parts []part) error {
	first, last := parts[0].head, parts[len(parts)-1].head
	if first.Start != last.Pruned {
		return fmt.Errorf("%w: it begins after line %d, which is not the last of those that were removed on purpose", ErrTampered, first.Start.Seq)
	}
	v.report.Position, v.report.Pruned = first.Start, first.Start
	// Each file but the first ends with a checkpoint, before which there may be another one.
	v.checkpoint = first.Start.Seq
	for _, p := range v.o.Known {
		switch {
		case p.Seq == 0 || p.Seq > first.Start.Seq:
		case p.Seq < first.Start.Seq:
			return fmt.Errorf("line %d was removed on purpose with those up to line %d: compare a later one", p.Seq, first.Start.Seq)
		case p != first.Start:
			return fmt.Errorf("%w: line %d: it was not the line that was once there", ErrTampered, p.Seq)
		}
	}
	return nil
}

// part checks one file.
func (v *verifier) part(ctx context.Context, p part) (err error) {
	f := p.open
	if f == nil {
		if f, err = os.Open(p.file); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
	}
	if err := v.run(ctx, io.LimitReader(f, p.size), p); err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	return nil
}

func (v *verifier) run(ctx context.Context, f io.Reader, p part) error {
	r := bufio.NewReaderSize(f, MaxLineBytes)
	size := int64(0)
	for size < p.head.Size {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		size += int64(len(line))
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: lines are missing at the end: it has %d, there must be %d", ErrTampered, v.report.Seq, p.head.Seq)
		case !whole:
			return v.wrong("the line has no end, or more than the longest line")
		}
		if err := v.line(text); err != nil {
			return err
		}
	}
	if size != p.head.Size || v.report.Position != p.head.Position || v.checkpoint != p.head.Checkpoint {
		return fmt.Errorf("%w: the log does not end as its head says: line %d is not the one that was written", ErrTampered, v.report.Seq)
	}
	torn, err := io.Copy(io.Discard, r)
	if err != nil {
		return err
	}
	if p.open == nil {
		v.report.Segments = append(v.report.Segments, Segment{File: p.file, First: p.head.Start.Seq + 1, Last: p.head.Position})
		if torn > 0 {
			return fmt.Errorf("%w: %d bytes come after line %d, the last one", ErrTampered, torn, v.report.Seq)
		}
	}
	v.report.Torn = torn
	return nil
}

// end checks what is known only after the last line.
func (v *verifier) end(last part) error {
	v.report.PolicyDigest = last.head.PolicyDigest
	for _, p := range v.o.Known {
		if p.Seq > v.report.Seq {
			return fmt.Errorf("%w: lines are missing at the end: it has %d, it once had %d", ErrTampered, v.report.Seq, p.Seq)
		}
	}
	if v.report.Torn > 0 {
		return fmt.Errorf("%w: %d bytes come after line %d, the signed end: a process was killed, or somebody added them; "+
			"the next event moves them away", ErrTorn, v.report.Torn, v.report.Seq)
	}
	return nil
}

// wrong says what is wrong with the line after those that were read.
func (v *verifier) wrong(what string) error {
	return fmt.Errorf("%w: line %d: %s", ErrTampered, v.report.Seq+1, what)
}

func (v *verifier) line(text []byte) error {
	e, err := parseEntry(text)
	if err != nil {
		return v.wrong(err.Error())
	}
	if e.Seq != v.report.Seq+1 {
		return v.wrong(fmt.Sprintf("it says that it is line %d: lines were removed, added or moved", e.Seq))
	}
	if e.Prev != v.report.Head {
		return v.wrong(fmt.Sprintf("it does not follow line %d as that is now: one of the two was changed", v.report.Seq))
	}
	switch e.Kind {
	case KindCheckpoint:
		if err := v.atCheckpoint(e); err != nil {
			return err
		}
	case KindRecovered:
		v.report.Recovered++
	default:
		v.report.Events++
	}
	if v.report.First.IsZero() {
		v.report.First = e.Time
	}
	if e.Time.Before(v.report.Last) {
		v.report.Backwards++
	}
	v.report.Position, v.report.Last = Position{Seq: e.Seq, Head: digest(text)}, e.Time
	for _, p := range v.o.Known {
		if p.Seq == e.Seq && p.Head != v.report.Head {
			return fmt.Errorf("%w: line %d: it is not the line that was once there", ErrTampered, e.Seq)
		}
	}
	if v.o.Visit != nil {
		return v.o.Visit(e)
	}
	return nil
}

func (v *verifier) atCheckpoint(e *Entry) error {
	var c checkpoint
	if err := open(v.keys, checkpointType, e.Data, &c); err != nil {
		return v.wrong("the checkpoint is not one of this log: " + err.Error())
	}
	if c.Position != v.report.Position {
		return v.wrong(fmt.Sprintf("the checkpoint is one of line %d as it once was", c.Seq))
	}
	v.report.Checkpoints++
	v.checkpoint = e.Seq
	return nil
}
