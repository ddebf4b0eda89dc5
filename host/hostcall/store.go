package hostcall

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// baseStore is what a plugin kept before the run.
type baseStore struct {
	entries cbor.Map[cbor.Raw]
	version string
	err     error

	measure    sync.Once
	measured   storeSize
	measureErr error
}

// size returns what the store takes of its limits.
func (b *baseStore) size() (storeSize, error) {
	b.measure.Do(func() {
		for _, e := range b.entries {
			if b.measureErr = b.measured.add(e.Key, e.Value); b.measureErr != nil {
				return
			}
		}
	})
	return b.measured, b.measureErr
}

// storeSize is how much of its limits a store takes.
type storeSize struct{ keys, bytes int }

// add counts an entry, nothing when its value is empty.
func (s *storeSize) add(key string, value cbor.Raw) error { return s.count(key, value, 1) }

// remove takes an entry off.
func (s *storeSize) remove(key string, value cbor.Raw) error { return s.count(key, value, -1) }

func (s *storeSize) count(key string, value cbor.Raw, times int) error {
	if len(value) == 0 {
		return nil
	}
	text, err := jsonOf(value)
	s.keys += times
	s.bytes += times * (len(key) + len(text))
	return err
}

// check holds a store to its limits.
func (s storeSize) check() *abi.HostError {
	if s.keys > abi.MaxKVKeys {
		return tooLarge("the store would have " + count(s.keys, "keys") + ", the limit is " + count(abi.MaxKVKeys, "keys"))
	}
	if s.bytes > abi.MaxKVBytes {
		return tooLarge("the store would have " + count(s.bytes, "bytes") + ", the limit is " + count(abi.MaxKVBytes, "bytes"))
	}
	return nil
}

// effective drops writes that leave a value as it was.
func (b *baseStore) effective(changes cbor.Map[cbor.Raw]) cbor.Map[cbor.Raw] {
	return slices.DeleteFunc(slices.Clone(changes), func(e cbor.Entry[cbor.Raw]) bool {
		old := b.entries.Get(e.Key)
		if old == nil {
			return len(e.Value) == 0
		}
		return bytes.Equal(*old, e.Value)
	})
}

// stepStore is a plugin's store as one step sees it: as it was before the run, with the step's own
// changes.
type stepStore struct {
	base *baseStore
	// changes holds what was set; an empty value was removed.
	changes cbor.Map[cbor.Raw]
	// size is that of the store with the changes.
	size storeSize
}

// view returns the step's view of its plugin's store.
func (s *Step) view() (*stepStore, *abi.HostError) {
	if s.store == nil {
		base, err := s.derivation.run.base(s.plugin())
		if errors.Is(err, errNoStore) {
			return nil, unavailable(err.Error())
		}
		if err != nil {
			return nil, unavailable("the store of the plugin cannot be read")
		}
		size, err := base.size()
		if err != nil {
			return nil, unavailable("the store of the plugin cannot be read")
		}
		s.store = &stepStore{base: base, size: size}
	}
	return s.store, nil
}

func unavailable(message string) *abi.HostError {
	return &abi.HostError{Code: abi.HostErrorUnavailable, Message: message}
}

func tooLarge(message string) *abi.HostError {
	return &abi.HostError{Code: abi.HostErrorTooLarge, Message: message}
}

func (v *stepStore) get(key string) cbor.Raw {
	if changed := v.changes.Get(key); changed != nil {
		return *changed
	}
	if old := v.base.entries.Get(key); old != nil {
		return *old
	}
	return nil
}

// all returns everything that is there.
func (v *stepStore) all() cbor.Map[cbor.Raw] {
	merged := slices.Clone(v.base.entries)
	for _, e := range v.changes {
		merged.Set(e.Key, e.Value)
	}
	return slices.DeleteFunc(merged, func(e cbor.Entry[cbor.Raw]) bool { return len(e.Value) == 0 })
}

func (s *Step) kvGet(m *abi.KVGetRequest) (abi.Encoder, *abi.HostError) {
	store, problem := s.storeFor(m.Key)
	if problem != nil {
		return nil, problem
	}
	value := store.get(m.Key)
	if len(value) == 0 {
		return nil, &abi.HostError{Code: abi.HostErrorNotFound, Message: "the store has no key " + m.Key}
	}
	return &abi.KVGetAnswer{Value: value}, nil
}

func (s *Step) kvSet(m *abi.KVSetRequest) (abi.Encoder, *abi.HostError) {
	store, problem := s.storeFor(m.Key)
	if problem != nil {
		return nil, problem
	}
	text, err := jsonOf(m.Value)
	if err != nil {
		return nil, invalid("the value cannot be read: " + err.Error())
	}
	if len(text) > abi.MaxKVValueBytes {
		return nil, tooLarge("the value has " + count(len(text), "bytes as JSON") + ", the limit is " + count(abi.MaxKVValueBytes, "bytes"))
	}
	if problem := store.set(m.Key, slices.Clone(m.Value)); problem != nil {
		return nil, problem
	}
	return &abi.KVSetAnswer{}, nil
}

// set sets an entry, or removes it when the value is empty. A store that would be too large stays
// as it was.
func (v *stepStore) set(key string, value cbor.Raw) *abi.HostError {
	size := v.size
	if size.remove(key, v.get(key)) != nil || size.add(key, value) != nil {
		return unavailable("the store of the plugin cannot be read")
	}
	if len(value) > 0 {
		if problem := size.check(); problem != nil {
			return problem
		}
	}
	v.changes.Set(key, value)
	v.size = size
	return nil
}

func (s *Step) kvDelete(m *abi.KVDeleteRequest) (abi.Encoder, *abi.HostError) {
	store, problem := s.storeFor(m.Key)
	if problem != nil {
		return nil, problem
	}
	if problem := store.set(m.Key, nil); problem != nil {
		return nil, problem
	}
	return &abi.KVDeleteAnswer{}, nil
}

func (s *Step) kvList(m *abi.KVListRequest) (abi.Encoder, *abi.HostError) {
	if !abi.ValidKVPrefix(m.Prefix) {
		return nil, invalid("prefix: " + keyRule)
	}
	store, problem := s.view()
	if problem != nil {
		return nil, problem
	}
	answer := new(abi.KVListAnswer)
	for _, e := range store.all() {
		if strings.HasPrefix(e.Key, m.Prefix) {
			answer.Keys = append(answer.Keys, e.Key)
		}
	}
	return answer, nil
}

// keyRule is the grammar of [abi.ValidKVKey].
var keyRule = "must be letters, digits, dots, hyphens, underscores and slashes, at most " + count(abi.MaxKVKeyBytes, "of them")

func (s *Step) storeFor(key string) (*stepStore, *abi.HostError) {
	if !abi.ValidKVKey(key) {
		return nil, invalid("key: " + keyRule)
	}
	return s.view()
}
