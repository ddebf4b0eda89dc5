// Package hostcall is how a plugin asks its host for more than its request: a small store of its
// own, a page from the network, other resources. Each needs a capability in the manifest and an
// operator's grant.
//
// A derivation takes a [Host] as a parameter. main.go gives it the one of package guest; a test
// gives it one of package hosttest, so that the same code runs natively.
//
//	func deriver(h hostcall.Host) func(*sdk.Request, *sdk.Response) error { … }
//
//	var plugin = &sdk.Plugin{Derive: deriver(guest.Host())}
package hostcall

import (
	"errors"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// Host makes host calls. Its methods return an [*abi.HostError] when the host did not do what it
// was asked for; [Is] tells the codes apart.
type Host struct {
	call func(op abi.HostOp, request []byte) (answer []byte)
}

// New returns a Host on top of a function that carries one request to the host, both messages in
// CBOR.
func New(call func(op abi.HostOp, request []byte) (answer []byte)) Host { return Host{call} }

// Is reports whether err is an error of the host with this code.
func Is(err error, code abi.HostErrorCode) bool {
	var e *abi.HostError
	return errors.As(err, &e) && e.Code == code
}

// Get returns the value of a key of the plugin's store, and whether there is one.
func (h Host) Get(key string) (value sdk.Value, found bool, err error) {
	var answer abi.KVGetAnswer
	d := cbor.NewDecoder(h.call(abi.HostKVGet, (&abi.KVGetRequest{Key: key}).AppendCBOR(nil)))
	answer.DecodeCBOR(d)
	if err := result(d, answer.Error); err != nil {
		if Is(err, abi.HostErrorNotFound) {
			return nil, false, nil
		}
		return nil, false, err
	}
	return sdk.Value(answer.Value), true, nil
}

// Set sets a key of the plugin's store. The value is kept if the whole run of the host comes to a
// good end; this step sees it at once, other steps in the next run. Text is written as Set(key,
// cbor.AppendString(nil, text)).
func (h Host) Set(key string, value []byte) error {
	return h.do(abi.HostKVSet, (&abi.KVSetRequest{Key: key, Value: value}).AppendCBOR(nil))
}

// Delete removes a key of the plugin's store. A key that does not exist is not an error.
func (h Host) Delete(key string) error {
	return h.do(abi.HostKVDelete, (&abi.KVDeleteRequest{Key: key}).AppendCBOR(nil))
}

// List returns the keys of the plugin's store that begin with prefix, sorted.
func (h Host) List(prefix string) ([]string, error) {
	var answer abi.KVListAnswer
	d := cbor.NewDecoder(h.call(abi.HostKVList, (&abi.KVListRequest{Prefix: prefix}).AppendCBOR(nil)))
	answer.DecodeCBOR(d)
	return answer.Keys, result(d, answer.Error)
}

// HTTPGet sends a GET request to a host that the manifest names, and follows redirects to such
// hosts. A status such as 404 is not an error.
func (h Host) HTTPGet(r *abi.HTTPGetRequest) (*abi.HTTPGetAnswer, error) {
	answer := new(abi.HTTPGetAnswer)
	d := cbor.NewDecoder(h.call(abi.HostHTTPGet, r.AppendCBOR(nil)))
	answer.DecodeCBOR(d)
	if err := result(d, answer.Error); err != nil {
		return nil, err
	}
	return answer, nil
}

// Resources returns the resources that match, sorted by namespace and name.
func (h Host) Resources(r *abi.ResourcesReadRequest) ([]cbor.Raw, error) {
	var answer abi.ResourcesReadAnswer
	d := cbor.NewDecoder(h.call(abi.HostResourcesRead, r.AppendCBOR(nil)))
	answer.DecodeCBOR(d)
	return answer.Resources, result(d, answer.Error)
}

// do makes a call whose answer is nothing but whether it worked.
func (h Host) do(op abi.HostOp, request []byte) error {
	var answer abi.HostAnswer
	d := cbor.NewDecoder(h.call(op, request))
	answer.DecodeCBOR(d)
	return result(d, answer.Error)
}

// result returns what went wrong with a call.
func result(d *cbor.Decoder, failed *abi.HostError) error {
	if err := d.Finish(); err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	return nil
}
