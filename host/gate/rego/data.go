//go:build !lattice_norego

package rego

import (
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/problem"
)

// readData reads the data files, each an object. What is at the top of one is in no other.
func readData(files []File, p *problems) map[string]any {
	if len(files) > MaxFiles {
		p.add(problem.Position{}, "", "there are %d data files, the limit is %d", len(files), MaxFiles)
		return nil
	}
	all, from := map[string]any{}, map[string]string{}
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range sorted {
		at := problem.Position{File: f.Name}
		object, err := readObject(f)
		if err != nil {
			p.add(at, "", "%s", oneLine(err.Error()))
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(object)) {
			switch {
			case key == "lattice":
				p.add(at, key, "is where the rules are; give the data another name")
			case from[key] != "":
				p.add(at, key, "is in %s already; keep one", from[key])
			default:
				all[key], from[key] = object[key], f.Name
			}
		}
	}
	return all
}

type dataError string

func (e dataError) Error() string { return string(e) }

func readObject(f File) (map[string]any, error) {
	if len(f.Text) > MaxFileBytes {
		return nil, dataError("the file is larger than the limit of 256 KiB")
	}
	text := f.Text
	switch path.Ext(f.Name) {
	case ".json":
	case ".yaml", ".yml":
		var err error
		if text, err = yaml.YAMLToJSONStrict(text); err != nil {
			return nil, err
		}
	default:
		return nil, dataError("is not a data file; its name must end in .json, .yaml or .yml")
	}
	item, err := cbor.FromJSON(nil, text, abi.MaxDepth)
	if err != nil {
		return nil, err
	}
	if text, err = cbor.ToJSON(nil, item); err != nil {
		return nil, err
	}
	var v any
	if err := unmarshal(text, &v); err != nil {
		return nil, err
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, dataError("must hold one object, whose keys rules read as data.<key>")
	}
	return object, nil
}
