package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
)

const (
	// auditFile is the audit log in its folder.
	auditFile = "audit.jsonl"
	// auditKey is the name of the key that signs it, next to it.
	auditKey = "audit"
)

// AuditLog says where the audit log of an installation is.
type AuditLog struct {
	// Dir is the folder that holds the log and its key. It is created if it does not exist.
	Dir string
	// RotateBytes is from which size on the log goes on in another file; 0 is never.
	RotateBytes int64
	// Clock tells the time of events; nil means time.Now.
	Clock func() time.Time
}

// File returns the path of the log.
func (l AuditLog) File() string { return filepath.Join(l.Dir, auditFile) }

// PublicKeyFile returns the path of the public key next to the log in a file.
func PublicKeyFile(log string) string {
	return filepath.Join(filepath.Dir(log), auditKey+release.PublicEnding)
}

// Open opens the log for appending, and creates it and its key if they do not exist.
func (l AuditLog) Open(ctx context.Context) (*audit.Log, error) {
	if l.Dir == "" {
		return nil, errors.New("no folder is set for the audit log")
	}
	if err := os.MkdirAll(l.Dir, 0o700); err != nil {
		return nil, err
	}
	key, err := readAuditKey(l.Dir)
	if err != nil {
		return nil, err
	}
	return audit.Open(ctx, l.File(), audit.Options{Key: key, Clock: l.Clock, RotateBytes: l.RotateBytes})
}

// Note notes events, and returns when they are on the disk.
func (l AuditLog) Note(ctx context.Context, events ...audit.Event) (err error) {
	log, err := l.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	return appendAll(ctx, log, events)
}

// Done notes what was done and cannot be undone, even when the context has ended.
func (l AuditLog) Done(ctx context.Context, events ...audit.Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := l.Note(context.WithoutCancel(ctx), events...); err != nil {
		return ErrAudit(err, "although the command succeeded")
	}
	return nil
}

// ErrAudit is an audit log that cannot be written; but says what follows from that.
func ErrAudit(err error, but string) error {
	return fmt.Errorf("the audit log cannot be written, %s: %w", but, err)
}

// DecisionEvents returns an event for each decision.
func DecisionEvents(decisions []*gate.Decision) []audit.Event {
	events := make([]audit.Event, len(decisions))
	for i, d := range decisions {
		events[i] = audit.Decision(d)
	}
	return events
}

// NoteDecisions puts what the gates decided in a run into the audit log.
func (e *Engine) NoteDecisions(ctx context.Context, o *Outcome) error {
	return o.setup.Audit.Note(ctx, DecisionEvents(o.Decisions())...)
}

// maxAppended is how many events are appended at once. What precedes the last of them does no harm
// without it.
const maxAppended = 512

// appendAll notes any number of events, and returns when all of them are on the disk.
func appendAll(ctx context.Context, log *audit.Log, events []audit.Event) error {
	for chunk := range slices.Chunk(events, maxAppended) {
		if err := log.Append(ctx, chunk...); err != nil {
			return err
		}
	}
	return nil
}

// readAuditKey reads the key of the log in a folder, and makes one for a new log. It is in the
// clear: anyone who runs the program signs with it.
func readAuditKey(dir string) (key release.PrivateKey, err error) {
	file := filepath.Join(dir, auditKey+release.PrivateEnding)
	read := func() (release.PrivateKey, error) {
		return release.ReadPrivateKey(file, func() ([]byte, error) {
			return nil, errors.New("the key of the audit log must not be encrypted")
		})
	}
	if key, err = read(); !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	err = filelock.With(file, func() error {
		// Another process may have made one a moment ago.
		if key, err = read(); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		key, err = newAuditKey(dir)
		return err
	})
	return key, err
}

// newAuditKey makes the key of a new log.
func newAuditKey(dir string) (key release.PrivateKey, err error) {
	log := filepath.Join(dir, auditFile)
	switch begun, err := audit.Begun(log); {
	case err != nil:
		return key, err
	case begun:
		return key, problem.Errorf(problem.Invalid, "%s: the key of the audit log is missing, though there is a log; put the key back, "+
			"or move the folder away to begin a new log", filepath.Join(dir, auditKey+release.PrivateEnding))
	}
	if key, err = release.GenerateKey(rand.Reader); err != nil {
		return key, err
	}
	// A process was killed between the two files of a key that nothing was signed with.
	if err := os.Remove(filepath.Join(dir, auditKey+release.PublicEnding)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	_, _, err = release.WriteKeyPair(dir, auditKey, key, nil)
	return key, err
}
