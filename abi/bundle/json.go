package bundle

import (
	"crypto/sha256"
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// jsonWriter appends canonical JSON. The caller names the keys of an object in their order.
type jsonWriter struct {
	b       []byte
	scratch []byte
}

func (w *jsonWriter) open(c byte) { w.b = append(w.b, c) }

// close ends an object or array; the comma after the last item goes.
func (w *jsonWriter) close(c byte) {
	if last := len(w.b) - 1; w.b[last] == ',' {
		w.b[last] = c
		return
	}
	w.b = append(w.b, c)
}

func (w *jsonWriter) comma() { w.b = append(w.b, ',') }

func (w *jsonWriter) key(name string) { w.b = append(append(append(w.b, '"'), name...), '"', ':') }

func (w *jsonWriter) text(s string) {
	w.scratch = cbor.AppendString(w.scratch[:0], s)
	w.item(w.scratch)
}

// item appends an encoded item. One that is not an item leaves null, which no reader takes for it.
func (w *jsonWriter) item(raw cbor.Raw) {
	b, err := cbor.ToJSON(w.b, raw)
	if err != nil {
		w.raw([]byte("null"))
		return
	}
	w.b = b
}

func (w *jsonWriter) raw(text []byte) { w.b = append(w.b, text...) }

func (w *jsonWriter) textField(name, value string) {
	w.key(name)
	w.text(value)
	w.comma()
}

// optionalField leaves out an empty value.
func (w *jsonWriter) optionalField(name, value string) {
	if value != "" {
		w.textField(name, value)
	}
}

func (w *jsonWriter) boolField(name string, value bool) {
	w.key(name)
	w.b = strconv.AppendBool(w.b, value)
	w.comma()
}

func (w *jsonWriter) refField(name string, ref abi.Ref) {
	w.key(name)
	w.open('{')
	w.textField("apiVersion", ref.APIVersion)
	w.textField("kind", ref.Kind)
	w.textField("name", ref.Name)
	w.optionalField("namespace", ref.Namespace)
	w.close('}')
	w.comma()
}

// list appends a key with an array, each item written by write.
func list[T any](w *jsonWriter, name string, items []T, write func(*jsonWriter, *T)) {
	w.key(name)
	w.open('[')
	for i := range items {
		write(w, &items[i])
		w.comma()
	}
	w.close(']')
	w.comma()
}

// The bytes of a bundle begin with its digest, which has as many bytes as any other.
const (
	digestHead = `{"digest":"`
	digestSize = len("sha256:") + 2*sha256.Size
)

// build writes the bytes of the bundle, and lets its documents be parts of them, so that they are
// kept once.
func (b *Bundle) build() {
	size := 1024 + len(b.Document)
	for i := range b.Outputs {
		size += len(b.Outputs[i].Document) + 512
	}
	w := &jsonWriter{b: make([]byte, 0, size)}
	w.raw([]byte(digestHead))
	w.b = w.b[:len(w.b)+digestSize]
	w.raw([]byte(`",`))
	body := len(w.b)
	if b.ApplyIntermediate {
		w.boolField("applyIntermediate", true)
	}
	w.key("document")
	document := w.document(b.Document)
	if len(b.HostCalls) > 0 {
		list(w, "hostCalls", b.HostCalls, writeHostCall)
	}
	documents := make([]span, 0, len(b.Outputs))
	list(w, "outputs", b.Outputs, func(w *jsonWriter, o *Output) { documents = append(documents, writeOutput(w, o)) })
	writePlatform(w, &b.Platform)
	w.refField("resource", b.Resource)
	list(w, "results", b.Results, writeResult)
	w.textField("schema", Schema)
	w.textField("settingsDigest", b.SettingsDigest)
	list(w, "steps", b.Steps, writeStep)
	w.close('}')
	b.raw = w.b
	h := sha256.New()
	h.Write([]byte("{"))
	h.Write(b.raw[body:])
	b.digest = digestText(h.Sum(nil))
	copy(b.raw[len(digestHead):], b.digest)
	b.Document = document.of(b.raw)
	for i := range b.Outputs {
		b.Outputs[i].Document = documents[i].of(b.raw)
	}
}

// span is where a text begins and ends.
type span struct{ from, to int }

func (s span) of(data []byte) []byte { return data[s.from:s.to:s.to] }

// document appends a JSON text with a comma and returns its place.
func (w *jsonWriter) document(text []byte) span {
	from := len(w.b)
	w.raw(text)
	to := len(w.b)
	w.comma()
	return span{from, to}
}

func writeOutput(w *jsonWriter, o *Output) span {
	w.open('{')
	if o.Derived {
		w.boolField("derived", true)
	}
	w.key("document")
	document := w.document(o.Document)
	if o.From != nil {
		w.refField("from", *o.From)
	}
	list(w, "owners", o.Owners, writeOwner)
	w.textField("pipeline", o.Pipeline)
	w.refField("ref", o.Ref)
	w.key("stage")
	w.b = strconv.AppendInt(w.b, int64(o.Stage), 10)
	w.comma()
	w.textField("step", o.Step)
	w.close('}')
	return document
}

func writeOwner(w *jsonWriter, o *Owner) {
	w.open('{')
	if o.Fields != nil {
		w.key("fields")
		w.raw(o.Fields)
		w.comma()
	}
	w.textField("step", o.Step)
	w.close('}')
}

func writeResult(w *jsonWriter, r *Result) {
	w.open('{')
	w.optionalField("field", r.Field)
	w.textField("message", r.Message)
	w.textField("pipeline", r.Pipeline)
	if r.Resource != (abi.Ref{}) {
		w.refField("resource", r.Resource)
	}
	w.textField("severity", string(r.Severity))
	w.textField("step", r.Step)
	w.close('}')
}

func writeStep(w *jsonWriter, s *Step) {
	w.open('{')
	w.textField("digest", s.Digest)
	w.textField("name", s.Name)
	w.textField("pipeline", s.Pipeline)
	w.textField("plugin", s.Plugin)
	w.optionalField("settings", s.Settings)
	w.textField("version", s.Version)
	w.close('}')
}

func writeHostCall(w *jsonWriter, c *HostCall) {
	w.open('{')
	w.textField("answer", c.Answer)
	w.textField("op", c.Op)
	w.textField("pipeline", c.Pipeline)
	w.textField("request", c.Request)
	if c.Resource != (abi.Ref{}) {
		w.refField("resource", c.Resource)
	}
	w.textField("step", c.Step)
	w.optionalField("target", c.Target)
	w.close('}')
}

// writePlatform writes the facts of a platform, those that are not set too.
func writePlatform(w *jsonWriter, p *abi.Platform) {
	w.key("platform")
	w.open('{')
	w.optionalField("appArmor", p.AppArmor)
	w.textField("clusterName", p.ClusterName)
	if len(p.ImageProviders) > 0 {
		list(w, "imageProviders", p.ImageProviders, writeImageProvider)
	}
	w.key("monitoring")
	w.open('{')
	w.boolField("enabled", p.Monitoring.Enabled)
	w.boolField("highlyAvailable", p.Monitoring.HighlyAvailable)
	w.close('}')
	w.comma()
	w.textField("provider", p.Provider)
	if len(p.Queues) > 0 {
		list(w, "queues", p.Queues, func(w *jsonWriter, queue *string) { w.text(*queue) })
	}
	w.textField("trustDomain", p.TrustDomain)
	w.close('}')
	w.comma()
}

func writeImageProvider(w *jsonWriter, p *abi.ImageProvider) {
	w.open('{')
	w.textField("id", p.ID)
	w.optionalField("key", p.Key)
	w.textField("name", p.Name)
	w.textField("provider", p.Provider)
	w.optionalField("refreshInterval", p.RefreshInterval)
	w.close('}')
}
