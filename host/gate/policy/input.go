package policy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/latticenet/lattice-host/host/gate/facts"
)

// decode reads JSON with numbers as they are written.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

func digest(text []byte) string {
	sum := sha256.Sum256(text)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// digestAll returns the digest of everything that is judged: the resource and every output, each by
// its own digest.
func digestAll(in facts.Input) string {
	sum := sha256.New()
	for _, o := range append([]facts.Object{in.Resource}, in.Outputs...) {
		one := sha256.Sum256(o.Document)
		sum.Write(one[:])
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}

// identity tells inputs apart: by the references and the documents of the resource and of every
// output.
func identity(in facts.Input) (id [sha256.Size]byte) {
	sum := sha256.New()
	for _, o := range append([]facts.Object{in.Resource}, in.Outputs...) {
		one := sha256.Sum256(o.Document)
		fmt.Fprintf(sum, "%q %x\n", []string{o.Ref.APIVersion, o.Ref.Kind, o.Ref.Namespace, o.Ref.Name}, one)
	}
	sum.Sum(id[:0])
	return id
}

// namespaces returns the namespaces of a bundle's objects, sorted and each once; of an empty bundle
// that of the resource.
func namespaces(resource facts.Object, outputs []facts.Object) []string {
	var all []string
	for _, o := range outputs {
		all = append(all, o.Ref.Namespace)
	}
	if len(all) == 0 {
		all = []string{resource.Ref.Namespace}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
