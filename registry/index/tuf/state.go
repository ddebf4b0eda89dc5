package tuf

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// The content of a state folder. All files but the record and the clock have names that say what is
// in them, and the record, which is replaced last, says which of them count: at any moment the
// folder is whole.
const (
	// recordFile says what was verified.
	recordFile = "state.json"
	// clockFile has the latest time that the client has seen.
	clockFile = "clock"
	// rootsFolder has every verified root after the pinned one, as N.root.json.
	rootsFolder = "roots"
	// metadataBlobs has metadata of the other roles, by SHA-256.
	metadataBlobs = "metadata"
	// targetBlobs has targets, by SHA-256.
	targetBlobs = "targets"
)

const (
	recordFormat   = 1
	maxRecordBytes = 4 << 20
	maxClockBytes  = 64
	// maxKeptTargets is how many targets stay in the folder after a refresh.
	maxKeptTargets = 4096
)

// clockTolerance is how far a clock may go back: time servers correct clocks by less.
const clockTolerance = 5 * time.Minute

// record is the content of state.json. Digests are SHA-256 in hexadecimal.
type record struct {
	Version int `json:"version"`
	// Root is the version of the newest root that was verified.
	Root int64 `json:"root"`
	// Seen are the newest timestamp and snapshot that were verified. Older ones are refused, also
	// when the refresh that brought them failed afterwards.
	Seen newest `json:"seen"`
	// Roles are the newest metadata of the role targets and of those it delegates to.
	Roles map[string]string `json:"roles"`
	// Kept are the targets of [Config.Keep], sorted.
	Kept []string `json:"kept"`
	// Verified is what the last successful refresh ended with.
	Verified *verified `json:"verified,omitempty"`
}

type newest struct {
	Timestamp string `json:"timestamp,omitempty"`
	Snapshot  string `json:"snapshot,omitempty"`
}

type verified struct {
	At        string `json:"at"`
	Root      int64  `json:"root"`
	Timestamp string `json:"timestamp"`
	Snapshot  string `json:"snapshot"`
	Targets   string `json:"targets"`
}

func (r *record) check() error {
	digests := slices.Clone(r.Kept)
	for _, optional := range []string{r.Seen.Timestamp, r.Seen.Snapshot} {
		if optional != "" {
			digests = append(digests, optional)
		}
	}
	for _, digest := range r.Roles {
		digests = append(digests, digest)
	}
	if v := r.Verified; v != nil {
		if _, err := time.Parse(time.RFC3339, v.At); err != nil {
			return errors.New("verified.at is not a time")
		}
		digests = append(digests, v.Timestamp, v.Snapshot, v.Targets)
	}
	for _, digest := range digests {
		if !validDigest(digest) {
			return fmt.Errorf("%q is not a SHA-256", digest)
		}
	}
	if r.Version != recordFormat || r.Root < 0 || r.Roles == nil || r.Kept == nil {
		return fmt.Errorf("version, root, roles or kept are not those of version %d of this file", recordFormat)
	}
	return nil
}

// uses returns the digests of the metadata that the record speaks of.
func (r *record) uses() map[string]bool {
	used := map[string]bool{r.Seen.Timestamp: true, r.Seen.Snapshot: true}
	for _, digest := range r.Roles {
		used[digest] = true
	}
	if v := r.Verified; v != nil {
		used[v.Timestamp], used[v.Snapshot], used[v.Targets] = true, true, true
	}
	return used
}

func validDigest(s string) bool {
	return len(s) == hex.EncodedLen(sha256.Size) && strings.Trim(s, "0123456789abcdef") == ""
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// state is a state folder. Without a folder it is one that is always empty.
type state struct{ dir string }

func (s state) forgets() bool { return s.dir == "" }

func (s state) create() error {
	for _, folder := range []string{rootsFolder, metadataBlobs, targetBlobs} {
		if err := os.MkdirAll(filepath.Join(s.dir, folder), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// locked runs do while no other process changes the folder. Everything that writes is called in do.
func (s state) locked(do func() error) error {
	if s.forgets() {
		return do()
	}
	if err := s.create(); err != nil {
		return err
	}
	return filelock.With(filepath.Join(s.dir, recordFile), do)
}

// damaged returns the error about a file of the folder that is not as this package wrote it.
func (s state) damaged(file string, cause error) error {
	return &indexError{
		kind: ErrState, subject: filepath.Join(s.dir, file), problem: cause.Error(), cause: cause,
		advice: "remove the folder " + s.dir + " to begin again with the pinned root, if you know why it is damaged",
	}
}

// load returns the record, which is empty if none exists.
func (s state) load() (*record, error) {
	data, err := s.read(recordFile, maxRecordBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return &record{Version: recordFormat, Roles: map[string]string{}, Kept: []string{}}, nil
	}
	if err != nil {
		return nil, s.damaged(recordFile, err)
	}
	var r record
	if err := strictjson.Decode(data, maxRecordBytes, &r); err != nil {
		return nil, s.damaged(recordFile, err)
	}
	if err := r.check(); err != nil {
		return nil, s.damaged(recordFile, err)
	}
	return &r, nil
}

// save replaces the record and removes what it does not speak of.
func (s state) save(r *record) error {
	if s.forgets() {
		return nil
	}
	data, err := strictjson.MarshalIndent(r)
	if err != nil {
		return err
	}
	if err := s.replace(recordFile, data, maxRecordBytes); err != nil {
		return err
	}
	used := r.uses()
	return errors.Join(
		s.sweep(metadataBlobs, func(name string) bool { return used[name] }),
		s.sweep(targetBlobs, validDigest),
		s.sweep(rootsFolder, isRootFile),
		s.sweep(".", func(name string) bool { return !strings.Contains(name, ".tmp-") }),
		s.limitTargets(r.Kept),
	)
}

// sweep removes the files of a folder that no one has use for, such as those of a process that was
// killed while it wrote.
func (s state) sweep(folder string, use func(name string) bool) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, folder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if use(e.Name()) {
			continue
		}
		if err := os.Remove(filepath.Join(s.dir, folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// limitTargets empties the folder of targets, except for those to keep, when it has become too
// full. They are fetched again when needed.
func (s state) limitTargets(keep []string) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, targetBlobs))
	if err != nil || len(entries) <= maxKeptTargets {
		return err
	}
	return s.sweep(targetBlobs, func(name string) bool { return slices.Contains(keep, name) })
}

// put stores data in one of the folders of blobs and returns its digest.
func (s state) put(folder string, data []byte) (string, error) {
	name := digest(data)
	return name, s.replace(filepath.Join(folder, name), data, int64(len(data)))
}

// replace writes a file of the folder, unless it has this content already: making a file durable
// takes longer than reading it.
func (s state) replace(file string, data []byte, limit int64) error {
	if s.forgets() {
		return nil
	}
	if present, err := s.read(file, limit); err == nil && bytes.Equal(present, data) {
		return nil
	}
	return diskfile.Replace(filepath.Join(s.dir, file), data, 0o644)
}

// read returns a file of the folder.
func (s state) read(file string, limit int64) ([]byte, error) {
	if s.forgets() {
		return nil, fs.ErrNotExist
	}
	return diskfile.Read(os.OpenFile, filepath.Join(s.dir, file), limit)
}

// blob returns what put stored.
func (s state) blob(folder, name string, limit int64) ([]byte, error) {
	file := filepath.Join(folder, name)
	data, err := s.read(file, limit)
	if err == nil && digest(data) != name {
		err = errors.New("the content does not have the digest in its name")
	}
	if err != nil {
		return nil, s.damaged(file, err)
	}
	return data, nil
}

// root returns the verified root of a version. The error is fs.ErrNotExist if none exists.
func (s state) root(version int64) ([]byte, error) {
	return s.read(filepath.Join(rootsFolder, rootFile(version)), maxRootBytes)
}

func (s state) putRoot(version int64, data []byte) error {
	return s.replace(filepath.Join(rootsFolder, rootFile(version)), data, maxRootBytes)
}

func rootFile(version int64) string { return strconv.FormatInt(version, 10) + ".root.json" }

func isRootFile(name string) bool {
	version, ok := strings.CutSuffix(name, ".root.json")
	n, err := strconv.ParseInt(version, 10, 64)
	return ok && err == nil && rootFile(n) == name
}

// latest returns the later of now and the latest time that was stored: a clock that is set back, to
// make expired metadata look fresh, does not count.
func (s state) latest(now time.Time) (time.Time, error) {
	now = now.UTC().Truncate(time.Second)
	data, err := s.read(clockFile, maxClockBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return now, nil
	}
	if err != nil {
		return now, s.damaged(clockFile, err)
	}
	stored, err := time.Parse(time.RFC3339, strings.TrimSpace(string(data)))
	if err != nil {
		return now, s.damaged(clockFile, err)
	}
	if stored.After(now) {
		return stored, nil
	}
	return now, nil
}

// now returns the time, never before a time that was stored. The error is [ErrClock] when the clock
// was set back.
func (s state) now(clock time.Time) (time.Time, error) {
	latest, err := s.latest(clock)
	if err != nil {
		return latest, err
	}
	if clock.Before(latest.Add(-clockTolerance)) {
		return latest, &indexError{
			kind: ErrClock, subject: "clock",
			problem: fmt.Sprintf("it is %s by the clock of this machine, and was %s before", date(clock), date(latest)),
			advice: "set the clock right; if it was wrong before, remove " + filepath.Join(s.dir, clockFile) +
				" after you have made sure of the time",
		}
	}
	return latest, nil
}

// tick is now, and stores the time.
func (s state) tick(clock time.Time) (time.Time, error) {
	now, err := s.now(clock)
	if err != nil {
		return now, err
	}
	return now, s.replace(clockFile, []byte(date(now)+"\n"), maxClockBytes)
}
