package hostcall

import (
	"slices"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// Request is one well-formed request of a plugin.
type Request struct {
	// Op is the operation.
	Op abi.HostOp
	// CBOR is the request in its one encoding: equal requests have equal bytes.
	CBOR    []byte
	message message
}

// message is a request of its own type.
type message interface {
	abi.Encoder
	abi.Decoder
}

// newMessage returns an empty request of an operation's type, nil for what is not an operation.
func newMessage(op abi.HostOp) message {
	switch op {
	case abi.HostKVGet:
		return new(abi.KVGetRequest)
	case abi.HostKVSet:
		return new(abi.KVSetRequest)
	case abi.HostKVDelete:
		return new(abi.KVDeleteRequest)
	case abi.HostKVList:
		return new(abi.KVListRequest)
	case abi.HostHTTPGet:
		return new(abi.HTTPGetRequest)
	case abi.HostResourcesRead:
		return new(abi.ResourcesReadRequest)
	}
	return nil
}

// ParseRequest reads a request strictly: a key that ABI 1 does not have is an error. The error is
// what the plugin is answered.
func ParseRequest(op abi.HostOp, data []byte, encoding abi.Encoding) (*Request, *abi.HostError) {
	m := newMessage(op)
	if m == nil {
		return nil, invalid("there is no such operation")
	}
	if len(data) <= abi.MaxHostRequestBytes {
		// Text in m points into data, which may be the guest's own memory.
		data = slices.Clone(data)
	}
	unknown, err := abi.Decode(data, encoding, abi.MaxHostRequestBytes, m)
	switch {
	case abi.IsTooLarge(err):
		return nil, &abi.HostError{Code: abi.HostErrorTooLarge, Message: "the request of " + op.String() + " is too large: " + err.Error()}
	case err != nil:
		return nil, invalid("the request of " + op.String() + " is malformed: " + err.Error())
	case len(unknown) > 0:
		return nil, invalid(strconv.Quote(unknown[0]) + " is not a field of a request of " + op.String())
	}
	return &Request{Op: op, CBOR: m.AppendCBOR(nil), message: m}, nil
}

func invalid(message string) *abi.HostError {
	return &abi.HostError{Code: abi.HostErrorInvalid, Message: message}
}

// Target says in one line what the request is about: a key, a URL, or a kind with what narrows it
// down.
func (r *Request) Target() string {
	switch m := r.message.(type) {
	case *abi.KVGetRequest:
		return m.Key
	case *abi.KVSetRequest:
		return m.Key
	case *abi.KVDeleteRequest:
		return m.Key
	case *abi.KVListRequest:
		return m.Prefix
	case *abi.HTTPGetRequest:
		return m.URL
	case *abi.ResourcesReadRequest:
		return resourcesText(m)
	}
	return ""
}

func resourcesText(m *abi.ResourcesReadRequest) string {
	text := kindOf(m).String()
	if m.Namespace != "" {
		text += " in " + m.Namespace
	}
	if m.MatchName != "" {
		text += " named " + m.MatchName
	}
	separator := " with "
	for _, l := range m.MatchLabels {
		text += separator + l.Key + "=" + l.Value
		separator = ", "
	}
	return text
}

func kindOf(m *abi.ResourcesReadRequest) abi.GroupKind {
	return abi.Ref{APIVersion: m.APIVersion, Kind: m.Kind}.GroupKind()
}

// json returns an encoded message as canonical JSON.
func jsonOf(data []byte) ([]byte, error) { return cbor.ToJSON(nil, data) }
