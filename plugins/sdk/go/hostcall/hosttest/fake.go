// Package hosttest replaces a host in the tests of a plugin.
package hosttest

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/hostcall"
)

// Fake is a host that holds everything in memory. It grants every capability and keeps to the
// budget and the grammar of keys; sizes it does not check.
type Fake struct {
	// Store is the plugin's store. What the plugin sets is there at once.
	Store cbor.Map[cbor.Raw]
	// Pages are what URLs answer; others are unavailable.
	Pages cbor.Map[abi.HTTPGetAnswer]
	// Resources are documents with apiVersion, kind and metadata, sorted by namespace and name.
	Resources []cbor.Raw
	// Fail, when set, is asked before each call; what it returns is the answer.
	Fail func(op abi.HostOp) *abi.HostError
	// Calls are the operations that were asked for.
	Calls []abi.HostOp
}

// Host returns the host that a plugin can be given.
func (f *Fake) Host() hostcall.Host { return hostcall.New(f.call) }

func (f *Fake) call(op abi.HostOp, request []byte) []byte {
	f.Calls = append(f.Calls, op)
	if len(f.Calls) > abi.MaxHostCalls {
		return refuse(abi.HostErrorBudget, "a derivation makes no more host calls")
	}
	if f.Fail != nil {
		if failed := f.Fail(op); failed != nil {
			return (&abi.HostAnswer{Error: failed}).AppendCBOR(nil)
		}
	}
	d := cbor.NewDecoder(request)
	answer := f.answer(op, d)
	if err := d.Finish(); err != nil {
		return refuse(abi.HostErrorInvalid, err.Error())
	}
	return answer
}

func refuse(code abi.HostErrorCode, message string) []byte {
	return (&abi.HostAnswer{Error: &abi.HostError{Code: code, Message: message}}).AppendCBOR(nil)
}

func (f *Fake) answer(op abi.HostOp, d *cbor.Decoder) []byte {
	switch op {
	case abi.HostHTTPGet:
		return f.get(d)
	case abi.HostResourcesRead:
		return f.read(d)
	case abi.HostKVList:
		return f.list(d)
	}
	return f.keep(op, d)
}

// keep answers the operations on one key of the store.
func (f *Fake) keep(op abi.HostOp, d *cbor.Decoder) []byte {
	var r abi.KVSetRequest
	if op == abi.HostKVSet {
		r.DecodeCBOR(d)
	} else {
		var key abi.KVGetRequest
		key.DecodeCBOR(d)
		r.Key = key.Key
	}
	if !abi.ValidKVKey(r.Key) {
		return refuse(abi.HostErrorInvalid, "the key is not valid")
	}
	switch op {
	case abi.HostKVSet:
		f.Store.Set(r.Key, slices.Clone(r.Value))
	case abi.HostKVDelete:
		f.Store = slices.DeleteFunc(f.Store, func(e cbor.Entry[cbor.Raw]) bool { return e.Key == r.Key })
	default:
		value := f.Store.Get(r.Key)
		if value == nil {
			return refuse(abi.HostErrorNotFound, "there is no such key")
		}
		return (&abi.KVGetAnswer{Value: *value}).AppendCBOR(nil)
	}
	return (&abi.HostAnswer{}).AppendCBOR(nil)
}

func (f *Fake) list(d *cbor.Decoder) []byte {
	var r abi.KVListRequest
	r.DecodeCBOR(d)
	var answer abi.KVListAnswer
	for _, e := range f.Store {
		if strings.HasPrefix(e.Key, r.Prefix) {
			answer.Keys = append(answer.Keys, e.Key)
		}
	}
	return answer.AppendCBOR(nil)
}

func (f *Fake) get(d *cbor.Decoder) []byte {
	var r abi.HTTPGetRequest
	r.DecodeCBOR(d)
	page := f.Pages.Get(r.URL)
	if page == nil {
		return refuse(abi.HostErrorUnavailable, "the server could not be reached")
	}
	return page.AppendCBOR(nil)
}

func (f *Fake) read(d *cbor.Decoder) []byte {
	var r abi.ResourcesReadRequest
	r.DecodeCBOR(d)
	var answer abi.ResourcesReadAnswer
	for _, raw := range f.Resources {
		if matches(sdk.Value(raw), &r) {
			answer.Resources = append(answer.Resources, raw)
		}
	}
	return answer.AppendCBOR(nil)
}

func matches(v sdk.Value, r *abi.ResourcesReadRequest) bool {
	metadata := v.Get("metadata")
	if v.Get("apiVersion").String() != r.APIVersion || v.Get("kind").String() != r.Kind ||
		r.Namespace != "" && metadata.Get("namespace").String() != r.Namespace ||
		r.MatchName != "" && metadata.Get("name").String() != r.MatchName {
		return false
	}
	for _, want := range r.MatchLabels {
		if metadata.Get("labels").Get(want.Key).String() != want.Value {
			return false
		}
	}
	return true
}
