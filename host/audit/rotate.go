package audit

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/internal/filelock"
)

// Segment is a file with a part of a log, which nothing is appended to any more. It is named
// FILE.FIRST-LAST by the numbers of its lines, and has a head of its own, as the log has: both
// together can be moved elsewhere and verified there.
type Segment struct {
	// File is its path.
	File string `json:"file"`
	// First is the number of the first line.
	First int64 `json:"first"`
	// Last is the last line.
	Last Position `json:"last"`
}

// segmentFile names the segment of a log that ends as its head says.
func segmentFile(file string, h *head) string {
	return file + "." + strconv.FormatInt(h.Start.Seq+1, 10) + "-" + strconv.FormatInt(h.Seq, 10)
}

var segmentForm = regexp.MustCompile(`^(.+)\.([1-9]\d{0,17})-([1-9]\d{0,17})$`)

// logOf returns the log that a file is a segment of, or the file itself.
func logOf(file string) string {
	if m := segmentForm.FindStringSubmatch(file); m != nil {
		return m[1]
	}
	return file
}

// rotate makes the file of a log a segment, and an empty file that goes on after it. A kill leaves
// one of the two, or what the next one who opens the log completes, see [endsBefore]. The new file
// is locked, too.
func (l *Log) rotate(f *os.File, h *head) (next *os.File, after *head, err error) {
	if h, err = l.endWithCheckpoint(f, h); err != nil {
		return nil, nil, err
	}
	segment := segmentFile(l.file, h)
	if err := l.removeBegun(f, h, segment); err != nil {
		return nil, nil, err
	}
	data, err := encodeHead(l.o.Key, segmentType, h)
	if err != nil {
		return nil, nil, err
	}
	if err := l.steps.Replace(headFile(segment), data, 0o600); err != nil {
		return nil, nil, err
	}
	if err := l.steps.Step(); err != nil {
		return nil, nil, err
	}
	// The file is there under both names until another takes the first one: there is no moment
	// without it.
	if err := os.Link(l.file, segment); err != nil {
		if same, sameErr := isFile(f, segment); sameErr != nil || !same {
			return nil, nil, fmt.Errorf("the log cannot go on in another file: %w", err)
		}
	}
	// Anyone who finds the new head finds the segment.
	if err := syncFolder(filepath.Dir(l.file)); err != nil {
		return nil, nil, err
	}
	after = &head{
		Position: h.Position, PolicyDigest: h.PolicyDigest, Checkpoint: h.Checkpoint, Start: h.Position, Pruned: h.Pruned,
	}
	if err := l.writeHead(after); err != nil {
		return nil, nil, err
	}
	next, err = l.empty()
	return next, after, err
}

// removeBegun removes what is left of a rotation that was killed before the log went on elsewhere:
// names for a segment that would have ended earlier than the one that is made now.
func (l *Log) removeBegun(f *os.File, h *head, segment string) error {
	names, err := segmentNames(l.file)
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(s Segment) bool { return s.First != h.Start.Seq+1 || s.File == segment })
	for _, s := range names {
		same, err := isFile(f, s.File)
		if err != nil {
			return err
		}
		if _, err := os.Lstat(s.File); same || errors.Is(err, fs.ErrNotExist) {
			if err := l.removeSegments([]Segment{s}); err != nil {
				return err
			}
		}
	}
	return nil
}

// endsBefore reports whether the file of a log is the segment before the one that its head is
// about: a process was killed before it put an empty file in its place.
func endsBefore(f *os.File, h *head) (bool, error) {
	if h.Size > 0 || h.Start.Seq == 0 {
		return false, nil
	}
	info, err := f.Stat()
	if err != nil || info.Size() == 0 {
		return false, err
	}
	line, err := lineBefore(f, info.Size())
	return line == h.Start.Head, err
}

// empty puts an empty file in place of the log's, and returns it with its lock held.
func (l *Log) empty() (f *os.File, err error) {
	if err := l.steps.Step(); err != nil {
		return nil, err
	}
	f, err = os.CreateTemp(filepath.Dir(l.file), "."+filepath.Base(l.file)+".tmp-*")
	if err != nil {
		return nil, err
	}
	temporary := f.Name()
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(temporary))
		}
	}()
	// No one waits for a file that no one knows.
	if err := filelock.Hold(context.Background(), f); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := l.steps.Step(); err != nil {
		return nil, err
	}
	if err := os.Rename(temporary, l.file); err != nil {
		return nil, err
	}
	return f, syncFolder(filepath.Dir(l.file))
}

// syncFolder makes durable what was renamed in a folder.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// isFile reports whether an open file is the one at a path.
func isFile(f *os.File, path string) (bool, error) {
	open, err := f.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && os.SameFile(open, there), err
}

// segmentNames returns the segments of a log by what names say, also those of which only the head
// is there, in the order of their last lines.
func segmentNames(file string) ([]Segment, error) {
	entries, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return nil, err
	}
	var segments []Segment
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), headEnding)
		m := segmentForm.FindStringSubmatch(name)
		if m == nil || m[1] != filepath.Base(file) {
			continue
		}
		// Both have at most 18 digits.
		first, _ := strconv.ParseInt(m[2], 10, 64)
		last, _ := strconv.ParseInt(m[3], 10, 64)
		segments = append(segments, Segment{File: filepath.Join(filepath.Dir(file), name), First: first, Last: Position{Seq: last}})
	}
	slices.SortStableFunc(segments, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.Last.Seq, b.Last.Seq), cmp.Compare(a.First, b.First))
	})
	return slices.Compact(segments), nil
}

// segmentsOf returns the segments of a log whose files are there.
func segmentsOf(file string) ([]Segment, error) {
	segments, err := segmentNames(file)
	return slices.DeleteFunc(segments, func(s Segment) bool {
		_, err := os.Lstat(s.File)
		return errors.Is(err, fs.ErrNotExist)
	}), err
}

// segmentBefore returns the file of the segment that ends with a line, or nothing if none exists.
func segmentBefore(file string, end Position) (string, error) {
	segments, err := segmentsOf(file)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(segments, func(s Segment) bool { return s.Last.Seq == end.Seq })
	if i < 0 {
		return "", nil
	}
	return segments[i].File, nil
}

// Prune removes the segments with the lines up to a number, which must be the last line of one,
// after it noted that user did so: [Verify] does not miss these lines any more. It completes one
// that was killed. The error is [ErrNoSegment] when no segment ends there.
func (l *Log) Prune(ctx context.Context, last int64, user string) (removed []Segment, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("%s: %w", l.file, ErrClosed)
	}
	return removed, l.locked(ctx, func(f *os.File, h *head) error {
		chain, err := before(l.file, h, l.keys)
		if err != nil {
			return err
		}
		names, err := segmentNames(l.file)
		if err != nil {
			return err
		}
		// Also what belongs to no chain: what a killed rotation left.
		removed = slices.DeleteFunc(names, func(s Segment) bool { return s.Last.Seq > last })
		at := slices.IndexFunc(chain, func(p part) bool { return p.head.Seq == last })
		switch {
		case at >= 0:
			if err := l.notePruned(f, h, chain[at].head.Position, removed, user); err != nil {
				return err
			}
			for i := range removed {
				for _, p := range chain {
					if p.file == removed[i].File {
						removed[i].Last = p.head.Position
					}
				}
			}
		case last != h.Pruned.Seq || len(removed) == 0:
			return fmt.Errorf("%s: %w: line %d; %s", l.file, ErrNoSegment, last, endsOf(chain))
		default:
			removed[len(removed)-1].Last = h.Pruned
		}
		return l.removeSegments(removed)
	})
}

// endsOf says where segments end.
func endsOf(chain []part) string {
	if len(chain) == 0 {
		return "there are no segments"
	}
	text := "segments end with the lines"
	for _, p := range chain {
		text += " " + strconv.FormatInt(p.head.Seq, 10)
	}
	return text
}

// notePruned notes which segments are about to be removed.
func (l *Log) notePruned(f *os.File, h *head, end Position, segments []Segment, user string) error {
	files := make([]string, len(segments))
	for i, s := range segments {
		files[i] = filepath.Base(s.File)
	}
	b, err := l.begin(f, h)
	if err != nil {
		return err
	}
	if err := b.addEntry(KindPruned, Pruned{Position: end, Files: files, User: user}); err != nil {
		return err
	}
	b.head.Pruned = end
	return l.commit(f, b)
}

// removeSegments removes segments: the file first, since a segment without its head would look as
// if somebody had taken that.
func (l *Log) removeSegments(segments []Segment) error {
	for _, s := range segments {
		for _, name := range []string{s.File, headFile(s.File)} {
			if err := l.steps.Step(); err != nil {
				return err
			}
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
