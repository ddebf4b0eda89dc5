package hostcall

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
)

// TapeSchema names the form of a tape.
const TapeSchema = "lattice.hostcalls.v1"

// MaxTapeBytes is the largest tape that is read, in bytes.
const MaxTapeBytes = 256 << 20

// maxLineBytes bounds one line of a tape: an answer and a request as JSON, in which a byte may take
// six.
const maxLineBytes = 6*(abi.MaxHostAnswerBytes+abi.MaxHostRequestBytes) + 64<<10

var (
	// ErrTape marks bytes that are not a tape.
	ErrTape = errors.New("not a record of host calls")
	// ErrNotRecorded marks a call whose answer is not on the tape.
	ErrNotRecorded = problem.New(problem.Invalid, "not recorded")
)

// Tape holds the host calls of a run with their answers. It is a text of lines, each a JSON object:
// the first names the form, each other is one call. It is safe for concurrent use; each answer is
// used once.
type Tape struct {
	// file is where the tape was read from.
	file  string
	lines []tapeLine

	mu sync.Mutex
	// unused holds the lines with the answers that were not used yet, by call.
	unused map[string][]int
}

// tapeHead is the first line.
type tapeHead struct {
	Schema string `json:"schema"`
}

// tapeLine is one call. The fields stand in the order of their keys.
type tapeLine struct {
	Answer   json.RawMessage `json:"answer"`
	Digest   string          `json:"digest"`
	Document abi.Ref         `json:"document"`
	Op       string          `json:"op"`
	Pipeline string          `json:"pipeline"`
	Plugin   string          `json:"plugin"`
	Request  json.RawMessage `json:"request"`
	Resource abi.Ref         `json:"resource"`
	Step     string          `json:"step"`

	// number is the line in the file; answer the decoded answer.
	number int
	answer []byte
}

// key is what two calls that are the same have in common.
func (l *tapeLine) key() string {
	return strings.Join([]string{
		refKey(l.Document), refKey(l.Resource), l.Pipeline, l.Step, l.Digest, l.Op, string(l.Request),
	}, "\x00")
}

func refKey(r abi.Ref) string {
	return strings.Join([]string{r.APIVersion, r.Kind, r.Namespace, r.Name}, "\x01")
}

// text names the call for people.
func (l *tapeLine) text() string {
	request := string(l.Request)
	if r, err := l.request(); err == nil {
		request = r.Target()
	}
	return fmt.Sprintf("%s %s of step %s for %s", l.Op, strconv.Quote(request), l.Step, l.Resource)
}

func (l *tapeLine) request() (*Request, error) {
	op, ok := abi.ParseHostOp(l.Op)
	if !ok {
		return nil, fmt.Errorf("op: %q is not an operation of the host", l.Op)
	}
	r, problem := ParseRequest(op, l.Request, abi.EncodingJSON)
	if problem != nil {
		return nil, fmt.Errorf("request: %w", problem)
	}
	return r, nil
}

// line returns a call of the step as a line without an answer.
func (s *Step) line(op abi.HostOp, request []byte) tapeLine {
	return tapeLine{
		Document: s.derivation.document, Resource: s.id.Resource, Pipeline: s.id.Pipeline, Step: s.id.Name,
		Plugin: s.manifest.Reference(), Digest: s.digest, Op: op.String(), Request: request,
	}
}

// Tape returns what was recorded, in canonical form: equal runs give equal bytes. Derivations that
// came to no good end are not in it.
func (r *Run) Tape() ([]byte, error) {
	var b bytes.Buffer
	if err := writeLine(&b, tapeHead{TapeSchema}); err != nil {
		return nil, err
	}
	for _, s := range r.finished() {
		for _, c := range s.made {
			l := s.line(c.Op, c.request)
			l.Answer = c.answer
			if err := writeLine(&b, l); err != nil {
				return nil, err
			}
		}
	}
	return b.Bytes(), nil
}

func writeLine(b *bytes.Buffer, v any) error {
	data, err := marshal(v)
	if err != nil {
		return err
	}
	b.Write(data)
	b.WriteByte('\n')
	return nil
}

// marshal returns v as canonical JSON.
func marshal(v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return canonical(data)
}

// canonical returns one JSON text with keys sorted bytewise and without white space.
func canonical(data []byte) ([]byte, error) {
	item, err := cbor.FromJSON(nil, data, abi.MaxDepth+2)
	if err != nil {
		return nil, err
	}
	return cbor.ToJSON(nil, item)
}

// ParseTape reads a tape strictly: unknown, double or missing keys, and requests and answers that
// are not messages of ABI 1, are errors that name the file and the line and wrap [ErrTape].
func ParseTape(file string, data []byte) (*Tape, error) {
	if len(data) > MaxTapeBytes {
		return nil, fmt.Errorf("%s: %w: it has %d bytes, the limit is %d", file, ErrTape, len(data), MaxTapeBytes)
	}
	t := &Tape{file: file, unused: map[string][]int{}}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if err := t.parseLine(number, bytes.TrimRight(line, "\r\n")); err != nil {
			return nil, fmt.Errorf("%s:%d: %w: %w; record it again with --record", file, number, ErrTape, err)
		}
	}
	if number == 0 {
		return nil, fmt.Errorf("%s: %w: it is empty; record it again with --record", file, ErrTape)
	}
	return t, nil
}

func (t *Tape) parseLine(number int, line []byte) error {
	if len(line) > maxLineBytes {
		return fmt.Errorf("the line has %d bytes, the limit is %d", len(line), maxLineBytes)
	}
	if number == 1 {
		var head tapeHead
		if err := strict(line, &head); err != nil {
			return err
		}
		if head.Schema != TapeSchema {
			return fmt.Errorf("schema: must be %s", TapeSchema)
		}
		return nil
	}
	l := tapeLine{number: number}
	if err := strict(line, &l); err != nil {
		return err
	}
	if err := l.decode(); err != nil {
		return err
	}
	key := l.key()
	t.unused[key] = append(t.unused[key], len(t.lines))
	t.lines = append(t.lines, l)
	return nil
}

// strict reads one JSON object into v. Whatever of it does not come out of v again is an error.
func strict(line []byte, v any) error {
	text, err := canonical(line)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	again, err := marshal(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, text) {
		return errors.New("a field is missing, empty, or in another letter case")
	}
	return nil
}

// decode checks the messages of a line, and brings the request into its one form.
func (l *tapeLine) decode() error {
	r, err := l.request()
	if err != nil {
		return err
	}
	if l.Request, err = jsonOf(r.CBOR); err != nil {
		return err
	}
	answer := newAnswer(r.Op)
	unknown, err := abi.Decode(l.Answer, abi.EncodingJSON, maxLineBytes, answer)
	switch {
	case err != nil:
		return fmt.Errorf("answer: %w", err)
	case len(unknown) > 0:
		return fmt.Errorf("answer: %q is not a field of an answer to %s", unknown[0], l.Op)
	}
	l.answer = answer.AppendCBOR(nil)
	if len(l.answer) > abi.MaxHostAnswerBytes {
		return fmt.Errorf("answer: it has %d bytes, the limit is %d", len(l.answer), abi.MaxHostAnswerBytes)
	}
	return nil
}

// newAnswer returns an empty answer of an operation's type.
func newAnswer(op abi.HostOp) message {
	switch op {
	case abi.HostKVGet:
		return new(abi.KVGetAnswer)
	case abi.HostKVList:
		return new(abi.KVListAnswer)
	case abi.HostHTTPGet:
		return new(abi.HTTPGetAnswer)
	case abi.HostResourcesRead:
		return new(abi.ResourcesReadAnswer)
	}
	return new(abi.HostAnswer)
}

// take returns the next answer to a call, and whether there is one.
func (t *Tape) take(s *Step, r *Request) ([]byte, bool) {
	request, err := jsonOf(r.CBOR)
	if err != nil {
		return nil, false
	}
	l := s.line(r.Op, request)
	key := l.key()
	t.mu.Lock()
	defer t.mu.Unlock()
	left := t.unused[key]
	if len(left) == 0 {
		return nil, false
	}
	t.unused[key] = left[1:]
	return t.lines[left[0]].answer, true
}

// missing says that the answer to a call is not on the tape.
func (t *Tape) missing(s *Step, r *Request) error {
	return fmt.Errorf("%w: %s has no answer left to %s %s, which plugin %s (%s) asks for; record it again with --record",
		ErrNotRecorded, t.file, r.Op, strconv.Quote(r.Target()), s.manifest.Reference(), s.digest)
}

// Unused returns a line for each call on the tape of the run that no one made.
func (r *Run) Unused() []string {
	if r == nil || r.config.Replay == nil {
		return nil
	}
	return r.config.Replay.Unused()
}

// Unused returns a line for each call on the tape that no one made, in the order of the tape.
func (t *Tape) Unused() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var left []int
	for _, lines := range t.unused {
		left = append(left, lines...)
	}
	slices.Sort(left)
	texts := make([]string, len(left))
	for i, n := range left {
		texts[i] = fmt.Sprintf("%s:%d: no one asked for the answer to %s", t.file, t.lines[n].number, t.lines[n].text())
	}
	return texts
}
