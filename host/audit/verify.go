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
	"time"

	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/release"
)

// Report is what a log holds.
type Report struct {
	// Position is where the log ends.
	Position
	// PolicyDigest names the policies of the last decision.
	PolicyDigest string `json:"policyDigest,omitempty"`
	// Events, Checkpoints and Recovered count the lines: what was noted, what was signed, and how often something that
	// stood behind the end was moved away.
	Events      int64 `json:"events"`
	Checkpoints int64 `json:"checkpoints"`
	Recovered   int64 `json:"recovered"`
	// First and Last are the times of the first and the last line; zero when there is none.
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	// Torn is how many bytes stand behind the end.
	Torn int64 `json:"torn,omitempty"`
}

// VerifyOptions say what else a log must be. The zero value asks for nothing else.
type VerifyOptions struct {
	// Known are positions that were noted elsewhere: the log must have these lines.
	Known []Position
	// Visit is called for each line, in their order, before it is known whether the end is as it should be; nil calls
	// nothing. Its error ends the verification.
	Visit func(*Entry) error
}

// Verify reads a log and checks all of it against its head, which one of keys must have signed. The error says where the
// log is wrong and satisfies errors.Is with [ErrTampered], or with [ErrTorn] when everything up to the signed end is right
// and something stands behind it. The report is there for both: what was found until then.
func Verify(ctx context.Context, file string, keys []release.PublicKey, o VerifyOptions) (report *Report, err error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	h, size, err := snapshot(ctx, f, keys)
	if err != nil {
		return nil, err
	}
	v := &verifier{keys: keys, head: h, o: o}
	if err := v.run(ctx, io.LimitReader(f, size)); err != nil {
		return &v.report, fmt.Errorf("%s: %w", file, err)
	}
	return &v.report, nil
}

// snapshot returns the head and the size of a log at one moment. What is appended later is not looked at, so that nobody
// has to wait for the rest.
func snapshot(ctx context.Context, f *os.File, keys []release.PublicKey) (h *head, size int64, err error) {
	// The lock belongs to the open file, so that closing another one of the same file releases it.
	lock, err := os.Open(f.Name())
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if err := filelock.Hold(ctx, lock); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	h, err = readHead(f.Name(), keys)
	if errors.Is(err, fs.ErrNotExist) {
		err = missingHead(f.Name())
	}
	return h, info.Size(), err
}

// verifier reads a log from its beginning.
type verifier struct {
	keys   []release.PublicKey
	head   *head
	o      VerifyOptions
	report Report
	size   int64
	// checkpoint is the number of the last checkpoint line.
	checkpoint int64
}

func (v *verifier) run(ctx context.Context, f io.Reader) error {
	r := bufio.NewReaderSize(f, MaxLineBytes)
	for v.size < v.head.Size {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		line, err := r.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
		v.size += int64(len(line))
		text, whole := bytes.CutSuffix(line, []byte("\n"))
		switch {
		case errors.Is(err, io.EOF):
			return fmt.Errorf("%w: lines are missing at the end: it has %d, there must be %d", ErrTampered, v.report.Seq, v.head.Seq)
		case !whole:
			return v.wrong("the line has no end, or more than the longest line")
		}
		if err := v.line(text); err != nil {
			return err
		}
	}
	if v.size != v.head.Size || v.report.Position != v.head.Position || v.checkpoint != v.head.Checkpoint {
		return fmt.Errorf("%w: the log does not end as its head says: line %d is not the one that was written", ErrTampered, v.report.Seq)
	}
	v.report.PolicyDigest = v.head.PolicyDigest
	for _, p := range v.o.Known {
		if p.Seq > v.report.Seq {
			return fmt.Errorf("%w: lines are missing at the end: it has %d, it once had %d", ErrTampered, v.report.Seq, p.Seq)
		}
	}
	var err error
	if v.report.Torn, err = io.Copy(io.Discard, r); err != nil {
		return err
	}
	if v.report.Torn > 0 {
		return fmt.Errorf("%w: %d bytes stand behind line %d, the signed end: a process was killed, or somebody added them; "+
			"the next event moves them away", ErrTorn, v.report.Torn, v.report.Seq)
	}
	return nil
}

// wrong says what is wrong with the line behind those that were read.
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
	if e.Seq == 1 {
		v.report.First = e.Time
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
