package release

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// Facts of the WebAssembly binary format (WebAssembly core specification, section 5.5).
const (
	// moduleHeader is the magic and version 1. A component has another version.
	moduleHeader = "\x00asm\x01\x00\x00\x00"
	// customSection is the id of custom sections.
	customSection = 0
	// lastSection is the highest section id: tags, of the exception-handling proposal.
	lastSection = 13
	// maxLEB32 is the longest encoding of a 32-bit number.
	maxLEB32 = 5
)

// maxSections bounds the work on a module that is nothing but section headers. Real modules have
// about twenty.
const maxSections = 4096

// Section is a custom section of a module.
type Section struct {
	// Name is the name of the section.
	Name string
	// Content are the bytes after the name. They point into the module.
	Content []byte
}

// CustomSections returns the custom sections of a WebAssembly module in the order of the file,
// without running it. The other sections are skipped.
func CustomSections(wasm []byte) ([]Section, error) {
	if err := checkSize(wasm); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(wasm, []byte(moduleHeader)) {
		return nil, errors.New("module: is not a WebAssembly module of version 1")
	}
	r := sectionReader{data: wasm, at: len(moduleHeader)}
	var sections []Section
	for n := 0; r.at < len(wasm); n++ {
		if n == maxSections {
			return nil, fmt.Errorf("module: has more than %d sections", maxSections)
		}
		s, custom, err := r.section()
		if err != nil {
			return nil, err
		}
		if custom {
			sections = append(sections, s)
		}
	}
	return sections, nil
}

// ManifestSection returns the content of the custom section [abi.ManifestSection], which a module
// must have exactly once. The bytes point into wasm.
func ManifestSection(wasm []byte) ([]byte, error) {
	sections, err := CustomSections(wasm)
	if err != nil {
		return nil, err
	}
	var found []Section
	for _, s := range sections {
		if s.Name == abi.ManifestSection {
			found = append(found, s)
		}
	}
	switch {
	case len(found) == 0:
		return nil, errors.New("module: has no custom section " + abi.ManifestSection + ", build it with lattice-host plugin build")
	case len(found) > 1:
		return nil, fmt.Errorf("module: has %d custom sections %s, must have exactly one", len(found), abi.ManifestSection)
	case len(found[0].Content) > abi.MaxManifestBytes:
		return nil, fmt.Errorf("module: the section %s has %d bytes, the limit is %d",
			abi.ManifestSection, len(found[0].Content), abi.MaxManifestBytes)
	}
	return found[0].Content, nil
}

// AppendManifestSection returns a copy of the module with the manifest, in canonical form, in a
// custom section after the others. A module that has such a section already, and a manifest that is
// not valid, are errors.
func AppendManifestSection(wasm, manifestJSON []byte) ([]byte, error) {
	if _, err := ParseManifest(manifestJSON); err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	canonical, err := strictjson.Canonical(manifestJSON)
	if err != nil {
		return nil, fmt.Errorf("manifest: %w", err)
	}
	sections, err := CustomSections(wasm)
	if err != nil {
		return nil, err
	}
	for _, s := range sections {
		if s.Name == abi.ManifestSection {
			return nil, errors.New("module: has a custom section " + abi.ManifestSection + " already")
		}
	}
	with := appendCustomSection(bytes.Clone(wasm), abi.ManifestSection, canonical)
	return with, checkSize(with)
}

func appendCustomSection(wasm []byte, name string, content []byte) []byte {
	body := binary.AppendUvarint(nil, uint64(len(name)))
	body = append(append(body, name...), content...)
	wasm = binary.AppendUvarint(append(wasm, customSection), uint64(len(body)))
	return append(wasm, body...)
}

func checkSize(wasm []byte) error {
	if len(wasm) > abi.MaxModuleBytes {
		return fmt.Errorf("module: has %d bytes, the limit is %d", len(wasm), abi.MaxModuleBytes)
	}
	return nil
}

// sectionReader reads sections one after the other.
type sectionReader struct {
	data []byte
	at   int
}

func (r *sectionReader) section() (s Section, custom bool, err error) {
	start := r.at
	id := r.data[r.at]
	r.at++
	if id > lastSection {
		return s, false, fmt.Errorf("module: byte %d: a section of kind %d is unknown", start, id)
	}
	body, err := r.sized()
	if err != nil || id != customSection {
		return s, false, err
	}
	inner := sectionReader{data: body}
	name, err := inner.sized()
	if err == nil && !utf8.Valid(name) {
		err = errors.New("module: a section name is not UTF-8")
	}
	if err != nil {
		return s, false, fmt.Errorf("%w, in the section at byte %d", err, start)
	}
	return Section{Name: string(name), Content: body[inner.at:]}, true, nil
}

// sized reads a length and that many bytes.
func (r *sectionReader) sized() ([]byte, error) {
	start := r.at
	size, err := r.uint32()
	if err != nil {
		return nil, err
	}
	if uint64(size) > uint64(len(r.data)-r.at) {
		return nil, fmt.Errorf("module: byte %d: the length %d goes beyond the end", start, size)
	}
	r.at += int(size)
	return r.data[r.at-int(size) : r.at : r.at], nil
}

// uint32 reads a LEB128 number. The format allows padding with zero bits up to five bytes, and
// compilers make use of it.
func (r *sectionReader) uint32() (uint32, error) {
	start := r.at
	var n uint64
	for i := range maxLEB32 {
		if r.at == len(r.data) {
			return 0, fmt.Errorf("module: byte %d: a length ends early", start)
		}
		b := r.data[r.at]
		r.at++
		n |= uint64(b&0x7f) << (7 * i)
		if b&0x80 != 0 {
			continue
		}
		if n > 0xffff_ffff {
			break
		}
		return uint32(n), nil
	}
	return 0, fmt.Errorf("module: byte %d: a length is not a 32-bit number", start)
}
