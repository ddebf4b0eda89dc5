package resource

import (
	"encoding/base64"
	"path"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// contents checks the files and mounts of a container, which share one tree of paths.
func (v *validator) contents(field string, files cbor.Map[lattice.File], volumes cbor.Map[lattice.VolumeMount], resources cbor.Map[lattice.Resource]) {
	taken := map[string]string{}
	for i := range files {
		at := field + ".files." + files[i].Key
		v.mountPath(at, files[i].Key, taken)
		v.file(at, &files[i].Value)
		v.existingKey(at+".source", files[i].Value.Source, resources)
	}
	for i := range volumes {
		at := field + ".volumes." + volumes[i].Key
		v.mountPath(at, volumes[i].Key, taken)
		v.mount(at, &volumes[i].Value, resources)
	}
	v.belowFiles(field, files, volumes)
}

// noTemplate checks that a path has no reference, which would stay as it is.
func (v *validator) noTemplate(field, text string) {
	v.require(!strings.Contains(text, "${"), field, problem.Quote(text)+" has a reference, and references are not replaced in paths; write the path")
}

// mountPath checks a path and that nothing else is mounted there.
func (v *validator) mountPath(field, at string, taken map[string]string) {
	v.noTemplate(field, at)
	if !isAbsolute(at) {
		v.fail(field, "the path "+problem.Quote(at)+" "+ruleAbsolute)
		return
	}
	clean := path.Clean(at)
	if other, ok := taken[clean]; ok {
		v.fail(field, "the path is taken by "+other+"; choose another one")
		return
	}
	taken[clean] = field
}

// belowFiles checks that nothing is mounted below a file, which has no room for it.
func (v *validator) belowFiles(field string, files cbor.Map[lattice.File], volumes cbor.Map[lattice.VolumeMount]) {
	below := func(at, kind string) {
		for parent := path.Dir(path.Clean(at)); parent != "/" && parent != "."; parent = path.Dir(parent) {
			if files.Get(parent) != nil {
				v.fail(field+kind+at, "lies below "+parent+", which is a file; choose another path")
			}
		}
	}
	for i := range files {
		below(files[i].Key, ".files.")
	}
	for i := range volumes {
		below(volumes[i].Key, ".volumes.")
	}
}

func (v *validator) file(field string, f *lattice.File) {
	given := 0
	for _, content := range []string{f.Content, f.BinaryContent, f.Source} {
		if content != "" {
			given++
		}
	}
	v.requireOf(given <= 1, field, "must have only one of content, binaryContent and source; without any it is an empty file")
	if _, err := base64.StdEncoding.DecodeString(f.BinaryContent); err != nil {
		v.fail(field+".binaryContent", "is not valid base64: "+err.Error())
	}
	v.optional(field+".source", f.Source, existingKeyPattern.MatchString, "must be ${resources.NAME.KEY} for a key of a resource of type existing-secret or existing-configmap; a file of the computer that the document is written on goes into content")
	v.require(!f.NoExpand || !f.ReverseExpand, field+".reverseExpand", "contradicts noExpand; remove one of them")
	v.mode(field+".mode", f.Mode)
}

// existingKey checks that a file comes from an existing Secret or ConfigMap of the document.
func (v *validator) existingKey(field, source string, resources cbor.Map[lattice.Resource]) {
	parts := existingKeyPattern.FindStringSubmatch(source)
	if parts == nil {
		return
	}
	switch r := resources.Get(parts[1]); {
	case r == nil:
		v.fail(field, "there is no "+problem.Quote(parts[1])+" in "+v.in.resources()+"; add it with type existing-secret or existing-configmap, or correct the name")
	case r.Type != "" && !isExisting(r.Type):
		v.fail(field, problem.Quote(parts[1])+" is of type "+r.Type+"; name a resource of type existing-secret or existing-configmap, or write the reference into content")
	}
}

func isExisting(resourceType string) bool {
	return resourceType == typeExistingSecret || resourceType == typeExistingConfig
}

func (v *validator) mode(field, mode string) {
	if mode == "" {
		return
	}
	bits, err := strconv.ParseUint(mode, 8, 32)
	switch {
	case err != nil || !modePattern.MatchString(mode):
		v.fail(field, "must be three or four octal digits such as 0644, not "+problem.Quote(mode))
	case bits > 0o777:
		v.fail(field, problem.Quote(mode)+" sets the setuid, setgid or sticky bit; write "+problem.Quote(permissions(bits)))
	case bits&0o002 != 0:
		v.fail(field, problem.Quote(mode)+" lets everyone write; write "+problem.Quote(permissions(bits&^0o002)))
	}
}

func permissions(bits uint64) string { return "0" + strconv.FormatUint(bits&0o777|0o1000, 8)[1:] }

func (v *validator) mount(field string, m *lattice.VolumeMount, resources cbor.Map[lattice.Resource]) {
	v.noTemplate(field+".path", m.Path)
	v.optional(field+".path", m.Path, isRelative, "must be a path inside the volume, relative and without ..")
	if m.Source != "" {
		v.source(field+".source", m.Source, resources)
		const emptyOnly = "applies to an empty directory, which has no source; remove it"
		v.require(m.Medium == "", field+".medium", emptyOnly)
		v.require(m.SizeLimit == "", field+".sizeLimit", emptyOnly)
		return
	}
	v.medium(field, m.Medium, m.SizeLimit)
}

func isMemory(s string) bool { return Bytes(s) != nil }

// source checks that a mount names a volume of the document.
func (v *validator) source(field, source string, resources cbor.Map[lattice.Resource]) {
	parts := volumeRefPattern.FindStringSubmatch(source)
	if parts == nil {
		v.fail(field, "must be ${resources.<name>} for a volume of the document, not "+problem.Quote(source))
		return
	}
	switch r := resources.Get(parts[1]); {
	case r == nil:
		v.fail(field, "there is no "+problem.Quote(parts[1])+" in "+v.in.resources()+"; add a volume of that name or correct the name")
	case r.Type != typeVolume && r.Type != "" && !isExisting(r.Type):
		v.fail(field, problem.Quote(parts[1])+" is of type "+r.Type+"; name a resource of type volume, existing-secret or existing-configmap")
	}
}
