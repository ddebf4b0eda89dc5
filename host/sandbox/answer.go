package sandbox

import (
	"slices"
	"strings"
	"unicode"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// maxShownKeys is how many unknown keys of one answer are returned.
const maxShownKeys = 20

// shownKeys makes unknown keys of an answer fit for a terminal: each once, in order, not too many, not too long.
func shownKeys(keys []string) []string {
	var shown []string
	for _, k := range keys {
		k = printable(k, maxShownName)
		if len(shown) < maxShownKeys && !slices.Contains(shown, k) {
			shown = append(shown, k)
		}
	}
	return shown
}

// response checks what a plugin derived against its manifest.
type response struct {
	violations
	manifest *abi.Manifest
}

// checkResponse returns what a decoded answer breaks. Kinds are judged by what a document says of itself, and a reference
// must say the same, so that nothing passes under a false name.
func checkResponse(r *abi.Response, manifest *abi.Manifest) violations {
	c := response{manifest: manifest}
	if c.counts(r); len(c.found) > 0 {
		return c.violations
	}
	c.results(r.Results)
	c.outputs(r.Outputs)
	c.contributions(r.Contributions)
	c.context(r.Context)
	c.requirements(r.Requirements)
	return c.violations
}

// checkResults returns what a list of results breaks.
func checkResults(results []abi.Result) violations {
	var v violations
	v.count("results", len(results), abi.MaxResults)
	v.results(results)
	return v
}

func (v *violations) count(field string, n, most int) {
	if n > most {
		v.add("%s: has %d entries, the limit is %d", field, n, most)
	}
}

func (c *response) counts(r *abi.Response) {
	c.count("outputs", len(r.Outputs), abi.MaxOutputs)
	c.count("requirements", len(r.Requirements), abi.MaxRequirements)
	c.count("results", len(r.Results), abi.MaxResults)
}

func (v *violations) results(results []abi.Result) {
	for i, r := range results {
		switch r.Severity {
		case abi.SeverityError, abi.SeverityWarning, abi.SeverityInfo:
		default:
			v.add("results.%d.severity: is %q, must be error, warning or info", i, printable(string(r.Severity), maxShownName))
		}
		if strings.TrimSpace(r.Message) == "" {
			v.add("results.%d.message: is empty", i)
		}
		v.plain(r.Message, "results.%d.message", i)
		v.plain(r.Field, "results.%d.field", i)
	}
}

// plain refuses text that would not show as it is: a control character could forge a second line or move the cursor, a
// direction mark could turn the rest around.
func (v *violations) plain(text, field string, args ...any) {
	at := strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	})
	if at >= 0 {
		v.add(field+": has a control character at byte %d: %s", append(args, at, printable(text, maxShownName))...)
	}
}

func (c *response) outputs(outputs []abi.Output) {
	seen := make(map[abi.Ref]bool, len(outputs))
	for i, o := range outputs {
		if !c.ref(o.Ref, "outputs", i) {
			continue
		}
		if seen[o.Ref] {
			c.add("outputs.%d: %s: is there twice", i, shownRef(o.Ref))
		}
		seen[o.Ref] = true
		if !slices.Contains(c.manifest.Outputs, o.Ref.GroupKind()) {
			c.add("outputs.%d: %s: the kind is none of the outputs in the manifest", i, shownRef(o.Ref))
		}
		c.document(o, i)
	}
}

// shownRef returns a reference fit for a terminal, with its version.
func shownRef(r abi.Ref) string { return printable(r.APIVersion+" "+r.String(), maxShownName) }

func (c *response) document(o abi.Output, i int) {
	self, ok := selfReference(o.Document)
	switch {
	case !ok:
		c.add("outputs.%d: %s: document: must be an object with apiVersion, kind and metadata.name", i, shownRef(o.Ref))
	case self != o.Ref:
		c.add("outputs.%d: %s: document: is %s by its own account, ref must say the same", i, shownRef(o.Ref), shownRef(self))
	}
}

// ref checks that a reference is complete and can be shown.
func (c *response) ref(r abi.Ref, list string, i int) bool {
	before := len(c.found) + c.dropped
	for _, part := range [...]struct {
		field, value string
		optional     bool
	}{
		{"apiVersion", r.APIVersion, false}, {"kind", r.Kind, false}, {"namespace", r.Namespace, true}, {"name", r.Name, false},
	} {
		if part.value == "" && !part.optional {
			c.add("%s.%d.ref.%s: is missing", list, i, part.field)
		}
		c.plain(part.value, list+".%d.ref."+part.field, i)
	}
	if r.APIVersion != "" && !validAPIVersion(r.APIVersion) {
		c.add("%s.%d.ref.apiVersion: is %q, must be version or group/version", list, i, printable(r.APIVersion, maxShownName))
	}
	return len(c.found)+c.dropped == before
}

// validAPIVersion reports whether s is version or group/version. "/v1" would pass for a version of the core group.
func validAPIVersion(s string) bool {
	group, version, found := strings.Cut(s, "/")
	return !found && s != "" || group != "" && version != "" && !strings.Contains(version, "/")
}

func (c *response) contributions(contributions []abi.Contribution) {
	for i, o := range contributions {
		if !c.ref(o.Ref, "contributions", i) {
			continue
		}
		if !slices.Contains(c.manifest.Contributes, o.Ref.GroupKind()) {
			c.add("contributions.%d: %s: the kind is none of the contributes in the manifest", i, shownRef(o.Ref))
		}
		if !object(o.Fields, func(d *cbor.Decoder, _ string) { d.Skip() }) {
			c.add("contributions.%d: %s: fields: must be an object", i, shownRef(o.Ref))
		}
	}
}

func (c *response) context(entries []abi.ContextEntry) {
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		key := printable(e.Key, maxShownName)
		if !slices.Contains(c.manifest.ContextProduced, e.Key) {
			c.add("context.%d: key %q is none of contextProduced in the manifest", i, key)
		}
		if seen[e.Key] {
			c.add("context.%d: key %q is there twice", i, key)
		}
		seen[e.Key] = true
	}
}

func (c *response) requirements(requirements []abi.Requirement) {
	seen := make(map[string]bool, len(requirements))
	for i, r := range requirements {
		name := printable(r.Name, maxShownName)
		if r.Name == "" || seen[r.Name] {
			c.add("requirements.%d.name: %q is empty or there twice", i, name)
		}
		seen[r.Name] = true
		c.plain(r.Name, "requirements.%d.name", i)
		if !validAPIVersion(r.APIVersion) || r.Kind == "" {
			c.add("requirements.%d: %q: apiVersion must be version or group/version and kind must not be empty", i, name)
			continue
		}
		kind := abi.Ref{APIVersion: r.APIVersion, Kind: r.Kind}.GroupKind()
		if !slices.Contains(c.manifest.Requires, kind) {
			c.add("requirements.%d: %q: the kind %s is none of the requires in the manifest", i, name, printable(kind.String(), maxShownName))
		}
	}
}

// selfReference returns what a document says that it is, and whether it says all that it must. Only the namespace may be
// absent.
func selfReference(document cbor.Raw) (abi.Ref, bool) {
	var r abi.Ref
	complete := object(document, func(d *cbor.Decoder, key string) {
		switch key {
		case "apiVersion":
			r.APIVersion = d.String()
		case "kind":
			r.Kind = d.String()
		case "metadata":
			metadata(d.Raw(), &r)
		default:
			d.Skip()
		}
	})
	return r, complete && r.APIVersion != "" && r.Kind != "" && r.Name != ""
}

func metadata(data cbor.Raw, r *abi.Ref) {
	complete := object(data, func(d *cbor.Decoder, key string) {
		switch key {
		case "name":
			r.Name = d.String()
		case "namespace":
			r.Namespace = d.String()
		default:
			d.Skip()
		}
	})
	if !complete {
		r.Name = ""
	}
}

// object calls field for each key of an object, and reports whether data is one that could be read.
func object(data cbor.Raw, field func(d *cbor.Decoder, key string)) bool {
	d := cbor.NewDecoder(data)
	key := ""
	for i := range d.Object() {
		key = d.Key(i, key)
		if d.Failed() {
			return false
		}
		field(d, key)
	}
	return d.Finish() == nil
}
