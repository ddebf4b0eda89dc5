// Package layout says how bundles look as files: a folder for each resource, in it a file for each
// object, named by stage, kind and name, with the object as YAML.
package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
)

// maxNameBytes keeps file names with an ending below the 255 bytes that file systems allow.
const maxNameBytes = 200

// Folders returns the names of the folders for resources, in their order.
func Folders(resources []abi.Ref) []string {
	return fileNames(resources, func(r abi.Ref) string { return r.Namespace + "-" + r.Name })
}

// Files returns the names of the files for the outputs of a bundle that are applied, in their
// order.
func Files(b *bundle.Bundle) []string {
	applied := b.Applied()
	refs := make([]abi.Ref, len(applied))
	stages := map[abi.Ref]int{}
	for i, o := range applied {
		refs[i] = o.Ref
		stages[o.Ref] = o.Stage
	}
	names := fileNames(refs, func(r abi.Ref) string {
		parts := []string{strconv.Itoa(stages[r]), r.GroupKind().String(), r.Namespace, r.Name}
		return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "-")
	})
	for i := range names {
		names[i] += ".yaml"
	}
	return names
}

// Content returns what the file of an output holds: a comment that says where the object comes
// from, and the object.
func Content(b *bundle.Bundle, o *bundle.Output) ([]byte, error) {
	text, err := YAML(o)
	if err != nil {
		return nil, err
	}
	return append([]byte("# "+oneLine(Origin(b, o))+"\n"), text...), nil
}

// Origin says which step emitted an object, and what from. What the text says is not checked: names
// may hold anything.
func Origin(b *bundle.Bundle, o *bundle.Output) string {
	text := "step " + StepName(b, o.Pipeline, o.Step)
	if o.From != nil {
		text += ", from " + o.From.String()
	}
	return text
}

// StepName names a step, with its pipeline when that is not the one of the bundle's resource.
func StepName(b *bundle.Bundle, pipelineName, step string) string {
	if len(b.Steps) > 0 && b.Steps[0].Pipeline == pipelineName {
		return step
	}
	return pipelineName + "/" + step
}

// oneLine escapes what could end a comment.
func oneLine(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || r == '\t' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
	}
	return b.String()
}

// fileNames returns a name for each reference: lower case, without characters that mean something
// to a shell or a file system. Where two would be the same, or one is too long, a part of the
// digest of the reference makes the difference.
func fileNames(refs []abi.Ref, plain func(abi.Ref) string) []string {
	names := make([]string, len(refs))
	count := map[string]int{}
	for i, r := range refs {
		names[i] = strings.Map(fileCharacter, plain(r))
		count[names[i]]++
	}
	for i, r := range refs {
		if name := names[i]; count[name] > 1 || len(name) > maxNameBytes {
			names[i] = name[:min(len(name), maxNameBytes)] + "-" + refDigest(r)
		}
	}
	return names
}

func fileCharacter(r rune) rune {
	switch {
	case r >= 'A' && r <= 'Z':
		return r + 'a' - 'A'
	case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '-':
		return r
	}
	return '_'
}

// refDigest returns a short text that differs for different references.
func refDigest(r abi.Ref) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{r.APIVersion, r.Kind, r.Namespace, r.Name}, "\x00")))
	return hex.EncodeToString(sum[:6])
}
