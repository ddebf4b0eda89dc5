package abi

import "github.com/latticenet/lattice-host/abi/cbor"

// HostOp is an operation of the host, the first parameter of [ImportHostCall]. Each takes the
// request and gives the answer of its name. An answer with an error has nothing else.
type HostOp uint32

// The operations of the host in ABI 1.
const (
	// HostKVGet reads one value: [KVGetRequest] in, [KVGetAnswer] out.
	HostKVGet HostOp = 1
	// HostKVSet sets one value: [KVSetRequest] in, [KVSetAnswer] out.
	HostKVSet HostOp = 2
	// HostKVDelete removes one value: [KVDeleteRequest] in, [KVDeleteAnswer] out.
	HostKVDelete HostOp = 3
	// HostKVList lists keys: [KVListRequest] in, [KVListAnswer] out.
	HostKVList HostOp = 4
	// HostHTTPGet sends a GET request: [HTTPGetRequest] in, [HTTPGetAnswer] out.
	HostHTTPGet HostOp = 5
	// HostResourcesRead reads resources: [ResourcesReadRequest] in, [ResourcesReadAnswer] out.
	HostResourcesRead HostOp = 6
)

// hostOp describes an operation of the host.
type hostOp struct{ name, capability string }

func (op HostOp) describe() hostOp {
	switch op {
	case HostKVGet:
		return hostOp{"kv.get", CapabilityKV}
	case HostKVSet:
		return hostOp{"kv.set", CapabilityKV}
	case HostKVDelete:
		return hostOp{"kv.delete", CapabilityKV}
	case HostKVList:
		return hostOp{"kv.list", CapabilityKV}
	case HostHTTPGet:
		return hostOp{"http.get", CapabilityHTTPGet}
	case HostResourcesRead:
		return hostOp{"resources.read", CapabilityResourcesRead}
	}
	return hostOp{}
}

// String returns the operation's name, such as kv.get; empty for what is not an operation.
func (op HostOp) String() string { return op.describe().name }

// Capability returns the name of the capability that the operation needs; empty for what is no
// operation.
func (op HostOp) Capability() string { return op.describe().capability }

// ParseHostOp returns the operation of a name, and whether there is one.
func ParseHostOp(name string) (HostOp, bool) {
	for op := HostKVGet; op.String() != ""; op++ {
		if op.String() == name {
			return op, true
		}
	}
	return 0, false
}

// HostErrorCode says why the host did not do what it was asked for.
type HostErrorCode string

// The error codes of the host.
const (
	// HostErrorDenied says that the plugin may not do this: no one granted it, or the address is
	// not a public one.
	HostErrorDenied HostErrorCode = "denied"
	// HostErrorNotFound says that there is no such key.
	HostErrorNotFound HostErrorCode = "not-found"
	// HostErrorTooLarge says that the request, the answer or what is kept would be beyond its
	// limit.
	HostErrorTooLarge HostErrorCode = "too-large"
	// HostErrorBudget says that the derivation has made [MaxHostCalls] calls.
	HostErrorBudget HostErrorCode = "budget"
	// HostErrorUnavailable says that it cannot be done now: no network, no server, no store.
	HostErrorUnavailable HostErrorCode = "unavailable"
	// HostErrorInvalid says that the request is not one: malformed, or a value is outside its
	// grammar.
	HostErrorInvalid HostErrorCode = "invalid"
)

// HostError is the answer to a host call that was not done. A plugin decides what that means for
// its derivation.
type HostError struct {
	// Code is one of the error codes.
	Code HostErrorCode `json:"code"`
	// Message says what is wrong, for people. It is the same for the same request and the same
	// state of the world.
	Message string `json:"message"`
}

// Error returns the code and the message.
func (e *HostError) Error() string { return string(e.Code) + ": " + e.Message }

// HostAnswer is what the answers to all operations have in common.
type HostAnswer struct {
	// Error is absent when the host did what it was asked for.
	Error *HostError `json:"error,omitempty"`
}

// KVGetRequest asks for one value of the plugin's store.
type KVGetRequest struct {
	// Key is 1 to [MaxKVKeyBytes] letters, digits, dots, hyphens, underscores and slashes.
	Key string `json:"key"`
}

// KVGetAnswer answers [HostKVGet].
type KVGetAnswer struct {
	// Error is absent when the host did what it was asked for; not-found says that the key is not
	// there.
	Error *HostError `json:"error,omitempty"`
	// Value is the value that was set.
	Value cbor.Raw `json:"value,omitempty"`
}

// KVSetRequest sets one value of the plugin's store. It is kept if the whole run comes to a good
// end.
type KVSetRequest struct {
	// Key is as in [KVGetRequest].
	Key string `json:"key"`
	// Value is any value but null, at most [MaxKVValueBytes] as JSON.
	Value cbor.Raw `json:"value"`
}

// KVSetAnswer answers [HostKVSet].
type KVSetAnswer struct {
	// Error is absent when the host did what it was asked for.
	Error *HostError `json:"error,omitempty"`
}

// KVDeleteRequest removes one value of the plugin's store. A key that does not exist is not an
// error.
type KVDeleteRequest struct {
	// Key is as in [KVGetRequest].
	Key string `json:"key"`
}

// KVDeleteAnswer answers [HostKVDelete].
type KVDeleteAnswer struct {
	// Error is absent when the host did what it was asked for.
	Error *HostError `json:"error,omitempty"`
}

// KVListRequest lists the keys of the plugin's store.
type KVListRequest struct {
	// Prefix is what the keys begin with; empty lists all.
	Prefix string `json:"prefix,omitempty"`
}

// KVListAnswer answers [HostKVList].
type KVListAnswer struct {
	// Error is absent when the host did what it was asked for.
	Error *HostError `json:"error,omitempty"`
	// Keys are sorted bytewise.
	Keys []string `json:"keys,omitempty"`
}

// HTTPGetRequest sends a GET request to a host that the manifest names.
type HTTPGetRequest struct {
	// URL is an https URL without user and fragment, at most [MaxURLBytes] long.
	URL string `json:"url"`
	// Accept is the Accept header; absent means any form.
	Accept string `json:"accept,omitempty"`
}

// HTTPGetAnswer answers [HostHTTPGet]. A status such as 404 is not an error of the call.
type HTTPGetAnswer struct {
	// Error is absent when a server answered.
	Error *HostError `json:"error,omitempty"`
	// Status is the status code of the last answer, after redirects.
	Status int64 `json:"status,omitempty"`
	// Headers are content-type, etag and last-modified, those of them that came.
	Headers cbor.Map[string] `json:"headers,omitempty"`
	// Text is the body when it is UTF-8.
	Text string `json:"text,omitempty"`
	// Base64 is any other body, in the standard alphabet with padding.
	Base64 string `json:"base64,omitempty"`
}

// ResourcesReadRequest asks for resources, as a [Requirement] does. With neither MatchName nor
// MatchLabels it asks for every resource of the kind. The resource that is derived from is never
// among them.
type ResourcesReadRequest struct {
	// APIVersion and Kind are those of the resources. The kind must be named by the capability.
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Namespace limits the search; empty means every namespace.
	Namespace string `json:"namespace,omitempty"`
	// MatchName asks for one resource.
	MatchName string `json:"matchName,omitempty"`
	// MatchLabels asks for resources that carry all these labels.
	MatchLabels cbor.Map[string] `json:"matchLabels,omitempty"`
}

// ResourcesReadAnswer answers [HostResourcesRead].
type ResourcesReadAnswer struct {
	// Error is absent when the host did what it was asked for.
	Error *HostError `json:"error,omitempty"`
	// Resources are sorted by namespace and name; empty when nothing matched.
	Resources []cbor.Raw `json:"resources,omitempty"`
}

// ValidKVKey reports whether s can be a key of a plugin's store: 1 to [MaxKVKeyBytes] ASCII
// letters, digits, dots, hyphens, underscores and slashes.
func ValidKVKey(s string) bool { return s != "" && ValidKVPrefix(s) }

// ValidKVPrefix reports whether keys can begin with s, which may be empty.
func ValidKVPrefix(s string) bool {
	if len(s) > MaxKVKeyBytes {
		return false
	}
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && c != '.' && c != '-' && c != '_' && c != '/' {
			return false
		}
	}
	return true
}
