package abi

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// ParseManifest reads a manifest from JSON, strictly: an unknown key is an error, and so is
// everything that [Manifest.Check] refuses.
func ParseManifest(data []byte) (*Manifest, error) {
	m := new(Manifest)
	unknown, err := Decode(data, EncodingJSON, MaxManifestBytes, m)
	if err != nil {
		return nil, err
	}
	if len(unknown) > 0 {
		return nil, errors.New(strconv.Quote(unknown[0]) + " is not a field of a manifest")
	}
	return m, m.Check()
}

// CanonicalJSON returns the manifest as JSON with sorted keys. Equal manifests give equal bytes.
func (m *Manifest) CanonicalJSON() []byte {
	// Only a raw value that never was a message can make this fail.
	data, err := cbor.ToJSON(nil, m.AppendCBOR(nil))
	if err != nil {
		return nil
	}
	return data
}

// Reference returns publisher/name@version.
func (m *Manifest) Reference() string { return m.Publisher + "/" + m.Name + "@" + m.Version }

// Check returns everything that is wrong with the manifest, joined.
func (m *Manifest) Check() error {
	var c manifestChecker
	c.equal("schema", m.Schema, ManifestSchema)
	c.require(ValidName(m.Publisher), "publisher", "must be "+nameRule)
	c.require(ValidName(m.Name), "name", "must be "+nameRule)
	c.require(ValidVersion(m.Version), "version", "must be a semantic version such as 1.2.0, without a leading v")
	if m.ABI != Version {
		c.fail("abi", "must be "+strconv.Itoa(Version))
	}
	c.require(m.Encoding == EncodingCBOR || m.Encoding == EncodingJSON, "encoding", "must be cbor or json")
	c.transport(m)
	c.require(len(m.Summary) <= 200 && !strings.ContainsAny(m.Summary, "\n\r"), "summary", "must be one line of at most 200 bytes")
	c.require(len(m.Derives) > 0, "derives", "must name at least one kind")
	for i, d := range m.Derives {
		at := "derives." + strconv.Itoa(i)
		c.kind(at, GroupKind{d.Group, d.Kind})
		c.distinct(at+".covers", d.Covers)
		c.distinct(at+".when", d.When)
		for j, feature := range d.Covers {
			c.require(len(d.When) == 0 || slices.Contains(d.When, feature), at+".covers."+strconv.Itoa(j),
				"is not in when, so that the plugin would not be called for it; add it there")
		}
	}
	c.kinds("outputs", m.Outputs)
	c.kinds("contributes", m.Contributes)
	c.kinds("reads", m.Reads)
	c.distinct("platform", m.Platform)
	for i, fact := range m.Platform {
		c.require(slices.Contains(PlatformFacts(), fact), "platform."+strconv.Itoa(i), "is not a fact of a platform; use "+strings.Join(PlatformFacts(), ", "))
	}
	c.kinds("requires", m.Requires)
	c.distinct("contextProduced", m.ContextProduced)
	c.distinct("contextConsumed", m.ContextConsumed)
	c.capabilities(m.Capabilities)
	c.limit("limits.memoryBytes", m.Limits.MemoryBytes, MaxMemoryBytes)
	c.limit("limits.requestBytes", m.Limits.RequestBytes, MaxRequestBytes)
	c.limit("limits.timeoutMillis", m.Limits.TimeoutMillis, MaxTimeoutMillis)
	c.limit("limits.fuel", m.Limits.Fuel, MaxFuel)
	for i, p := range m.Providers {
		c.require(p.Name != "", "providers."+strconv.Itoa(i)+".name", "must not be empty")
		c.kinds("providers."+strconv.Itoa(i)+".kinds", p.Kinds)
	}
	return errors.Join(c.problems...)
}

const nameRule = "lower-case letters, digits and single hyphens, 1 to 40 characters, beginning with a letter, and no device name of Windows"

// ValidName reports whether s can name a publisher or a plugin: lower-case letters, digits and
// single inner hyphens, 1 to 40 characters, beginning with a letter. Names are also names of files
// and folders, which Windows cannot have under the names of its devices, such as con and com1.
func ValidName(s string) bool {
	if isDeviceName(s) {
		return false
	}
	if s == "" || len(s) > 40 || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// isDeviceName reports whether s is reserved on Windows, with any extension.
func isDeviceName(s string) bool {
	switch s {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(s) == 4 && (s[:3] == "com" || s[:3] == "lpt") && s[3] >= '0' && s[3] <= '9'
}

// ValidVersion reports whether s is a semantic version (semver.org 2.0.0) without a leading v, at
// most 64 characters.
func ValidVersion(s string) bool {
	if len(s) > 64 {
		return false
	}
	rest, build, hasBuild := strings.Cut(s, "+")
	core, pre, hasPre := strings.Cut(rest, "-")
	parts := strings.Split(core, ".")
	if len(parts) != 3 {
		return false
	}
	for _, p := range parts {
		if !isNumber(p) {
			return false
		}
	}
	if hasBuild && !validIdentifiers(build, false) {
		return false
	}
	return !hasPre || validIdentifiers(pre, true)
}

func validIdentifiers(s string, noLeadingZero bool) bool {
	for id := range strings.SplitSeq(s, ".") {
		if id == "" {
			return false
		}
		digits := true
		for i := range len(id) {
			c := id[i]
			if c < '0' || c > '9' {
				digits = false
				if c != '-' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
					return false
				}
			}
		}
		if noLeadingZero && digits && !isNumber(id) {
			return false
		}
	}
	return true
}

// isNumber reports whether s is a decimal number without leading zeros.
func isNumber(s string) bool {
	if s == "" || len(s) > 1 && s[0] == '0' {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

type manifestChecker struct{ problems []error }

func (c *manifestChecker) fail(field, problem string) {
	c.problems = append(c.problems, errors.New(field+": "+problem))
}

func (c *manifestChecker) require(ok bool, field, problem string) {
	if !ok {
		c.fail(field, problem)
	}
}

func (c *manifestChecker) equal(field, got, want string) {
	c.require(got == want, field, "must be "+want)
}

func (c *manifestChecker) transport(m *Manifest) {
	switch m.Transport {
	case "":
	case TransportExtism:
		c.require(len(m.Capabilities) == 0, "capabilities", "a module made with an Extism PDK has no function to use one with")
	default:
		c.fail("transport", "must be extism for a module made with an Extism PDK, or left out")
	}
}

func (c *manifestChecker) limit(field string, got, most int64) {
	c.require(got >= 0 && got <= most, field, "must be 0 to "+strconv.FormatInt(most, 10))
}

func (c *manifestChecker) kind(field string, k GroupKind) {
	c.require(k.Kind != "" && strings.Trim(k.Kind, alphanumeric) == "" && k.Kind[0] >= 'A' && k.Kind[0] <= 'Z',
		field+".kind", "must be a kind in CamelCase")
	c.require(strings.Trim(k.Group, alphanumeric+".-") == "" && strings.ToLower(k.Group) == k.Group,
		field+".group", "must be an API group in lower case, or empty for the core group")
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func (c *manifestChecker) kinds(field string, kinds []GroupKind) {
	for i, k := range kinds {
		c.kind(field+"."+strconv.Itoa(i), k)
		if slices.Index(kinds, k) != i {
			c.fail(field+"."+strconv.Itoa(i), "is a duplicate")
		}
	}
}

func (c *manifestChecker) distinct(field string, names []string) {
	for i, n := range names {
		if n == "" || slices.Index(names, n) != i {
			c.fail(field+"."+strconv.Itoa(i), "must not be empty or there twice")
		}
	}
}

func (c *manifestChecker) capabilities(caps []Capability) {
	for i, capability := range caps {
		at := "capabilities." + strconv.Itoa(i)
		c.require(capability.Reason != "", at+".reason", "must tell the operator what the capability is for")
		switch capability.Name {
		case CapabilityHTTPGet:
			c.require(len(capability.Hosts) > 0, at+".hosts", "must name at least one host")
			c.hosts(at+".hosts", capability.Hosts)
		case CapabilityResourcesRead:
			c.require(len(capability.Kinds) > 0, at+".kinds", "must name at least one kind")
		case CapabilityKV:
		default:
			c.fail(at+".name", "must be "+CapabilityHTTPGet+", "+CapabilityKV+" or "+CapabilityResourcesRead)
		}
		c.kinds(at+".kinds", capability.Kinds)
		if slices.IndexFunc(caps, func(o Capability) bool { return o.Name == capability.Name }) != i {
			c.fail(at+".name", "is a duplicate")
		}
	}
}

func (c *manifestChecker) hosts(field string, hosts []string) {
	for i, host := range hosts {
		c.require(validHost(host), field+"."+strconv.Itoa(i),
			"must be a DNS name in lower case with a dot in it, such as api.example.com, or api.example.com:8443")
	}
	c.distinct(field, hosts)
}

// validHost reports whether s is what http.get may be granted: an exact name, so that what a person
// grants is what is reached. What a resolver takes for an address in numbers is not one (its last
// part is a number, WHATWG URL, section 3.5).
func validHost(s string) bool {
	name, port, hasPort := strings.Cut(s, ":")
	if hasPort {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 || n == 443 || strconv.Itoa(n) != port {
			return false
		}
	}
	labels := strings.Split(name, ".")
	if len(name) > 253 || len(labels) < 2 {
		return false
	}
	for _, label := range labels {
		if !validLabel(label) {
			return false
		}
	}
	last := labels[len(labels)-1]
	return last[0] < '0' || last[0] > '9'
}

// validLabel reports whether s is one part of a DNS name (RFC 1123, section 2.1) in lower case.
func validLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c != '-' && (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// IsZero reports whether the group-kind is empty.
func (k GroupKind) IsZero() bool { return k == GroupKind{} }

// String returns the kind, and its group after a dot when it has one: Deployment.apps.
func (k GroupKind) String() string {
	if k.Group == "" {
		return k.Kind
	}
	return k.Kind + "." + k.Group
}

// GroupKind returns the group and kind of the document.
func (r Ref) GroupKind() GroupKind {
	group, _, found := strings.Cut(r.APIVersion, "/")
	if !found {
		group = ""
	}
	return GroupKind{Group: group, Kind: r.Kind}
}

// String returns the reference as people write it: Deployment.apps media/jellyfin.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.GroupKind().String() + " " + r.Name
	}
	return r.GroupKind().String() + " " + r.Namespace + "/" + r.Name
}

// Compare orders references by API version, kind, namespace and name.
func (r Ref) Compare(o Ref) int {
	for _, pair := range [...][2]string{
		{r.APIVersion, o.APIVersion}, {r.Kind, o.Kind}, {r.Namespace, o.Namespace}, {r.Name, o.Name},
	} {
		if d := strings.Compare(pair[0], pair[1]); d != 0 {
			return d
		}
	}
	return 0
}

// RefOf returns what a document, a valid item, says of itself.
func RefOf(document cbor.Raw) Ref {
	metadata := cbor.Lookup(document, "metadata")
	return Ref{
		APIVersion: cbor.TextAt(document, "apiVersion"),
		Kind:       cbor.TextAt(document, "kind"),
		Namespace:  cbor.TextAt(metadata, "namespace"),
		Name:       cbor.TextAt(metadata, "name"),
	}
}
