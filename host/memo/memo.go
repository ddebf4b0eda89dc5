// Package memo keeps the answers of plugins. A derivation is a pure function of the plugin, its
// request and what the host answers to its calls, so that an answer can be used again; what is
// decided about it, by a gate or by the pipeline's own checks, is decided again each time. The host
// calls of a plugin are made each time, too, and only when the host answers all of them as it did
// before is the kept answer used.
//
// Answers are kept in memory, and in a folder when there is one; those with a Secret are in memory
// only. A file that is damaged, cut short or of another version is as missing.
package memo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/internal/lru"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

// formatVersion is part of every key: raising it forgets all that was kept.
const formatVersion = "lattice-memo-2"

// Bounds of a [Store].
const (
	// maxMemoryBytes is how much is kept in memory.
	maxMemoryBytes = 32 << 20
	// maxFiles is how many answers are kept in the folder.
	maxFiles = 20_000
	// maxFileBytes is the largest answer that is kept.
	maxFileBytes = 1 << 20
)

// Plugin is what the answers come from. It must answer the same request in the same way, as long as
// the [hostcall.Caller] in ctx does.
type Plugin interface {
	Manifest() *abi.Manifest
	Digest() string
	Derive(ctx context.Context, req *abi.Request) (resp *abi.Response, unknown []string, err error)
	Validate(ctx context.Context, req *abi.ValidateRequest) (resp *abi.ValidateResponse, unknown []string, err error)
}

// Store keeps answers. Its methods may be called by several goroutines at once.
type Store struct {
	files  folder
	recent *lru.Cache[key, *kept]
}

// key is the SHA-256 of everything that an answer depends on.
type key [sha256.Size]byte

func (k key) String() string { return hex.EncodeToString(k[:]) }

// Open returns a store that keeps answers in dir too, or in memory only when dir is empty. The
// folder is made, with mode 0700, when the first answer is kept; one that cannot be used costs only
// time.
func Open(dir string) *Store {
	return &Store{files: folder{dir: dir}, recent: lru.New[key, *kept](maxMemoryBytes)}
}

// Wrap returns p with its answers kept in s. Answers that carry messages about fields this host
// does not know are not kept, so that the warning comes each time.
func (s *Store) Wrap(p Plugin) Plugin { return &remembering{Plugin: p, store: s} }

type remembering struct {
	Plugin
	store *Store
}

// Derive implements [Plugin].
func (r *remembering) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	k := keyOf(r.Digest(), abi.OpDerive, req)
	calls := hostcall.NewRehearsal(ctx)
	response := new(abi.Response)
	if same, err := r.store.recall(ctx, k, calls, response); same || err != nil {
		return response, nil, err
	}
	response, unknown, err := r.Plugin.Derive(hostcall.With(ctx, calls), req)
	if made, complete := calls.Made(); err == nil && len(unknown) == 0 && complete {
		r.store.put(k, &kept{made, response.AppendCBOR(nil)}, !holdsSecret(response))
	}
	return response, unknown, err
}

// Validate implements [Plugin].
func (r *remembering) Validate(ctx context.Context, req *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	k := keyOf(r.Digest(), abi.OpValidate, req)
	calls := hostcall.NewRehearsal(ctx)
	response := new(abi.ValidateResponse)
	if same, err := r.store.recall(ctx, k, calls, response); same || err != nil {
		return response, nil, err
	}
	response, unknown, err := r.Plugin.Validate(hostcall.With(ctx, calls), req)
	if made, complete := calls.Made(); err == nil && len(unknown) == 0 && complete {
		r.store.put(k, &kept{made, response.AppendCBOR(nil)}, true)
	}
	return response, unknown, err
}

// holdsSecret reports whether an answer has what no one should find in a folder of kept answers.
func holdsSecret(r *abi.Response) bool {
	isSecret := func(ref abi.Ref) bool { return outputkind.Of(ref.GroupKind()).Secret }
	return slices.ContainsFunc(r.Outputs, func(o abi.Output) bool { return isSecret(o.Ref) }) ||
		slices.ContainsFunc(r.Contributions, func(c abi.Contribution) bool { return isSecret(c.Ref) })
}

// recall reads a kept answer, and reports whether there is a good one that holds: the host calls
// that led to it are made again, and must be answered in the same way. The error is that of a host
// call.
func (s *Store) recall(ctx context.Context, k key, calls *hostcall.Rehearsal, into abi.Decoder) (bool, error) {
	before := s.get(k)
	if before == nil || !before.decode(into) {
		return false, nil
	}
	return calls.Repeat(ctx, before.calls)
}

// Recall returns the answer that [Plugin.Derive] would, if it is kept in memory and no host call
// led to it.
func (r *remembering) Recall(req *abi.Request) (*abi.Response, bool) {
	before, ok := r.store.recent.Get(keyOf(r.Digest(), abi.OpDerive, req))
	if !ok || len(before.calls) > 0 {
		return nil, false
	}
	response := new(abi.Response)
	return response, before.decode(response)
}

func keyOf(digest string, op abi.Op, req abi.Encoder) key {
	h := sha256.New()
	for _, part := range [][]byte{[]byte(formatVersion), []byte(digest), {byte(op)}, req.AppendCBOR(nil)} {
		// The lengths keep parts apart.
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		h.Write(part)
	}
	return key(h.Sum(nil))
}

// get returns what is kept, in memory or in a file, or nil.
func (s *Store) get(k key) *kept {
	if before, ok := s.recent.Get(k); ok {
		return before
	}
	data := s.files.read(k)
	before, ok := decodeKept(data)
	if !ok {
		return nil
	}
	s.recent.Put(k, before, len(data))
	return before
}

// put keeps an answer in memory, and in the folder when onDisk is set.
func (s *Store) put(k key, what *kept, onDisk bool) {
	data := what.encode()
	if len(data) > maxFileBytes {
		return
	}
	s.recent.Put(k, what, len(data))
	if onDisk {
		s.files.write(k, data)
	}
}
