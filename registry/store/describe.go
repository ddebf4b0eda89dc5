package store

import (
	"encoding/json"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Artifact is an artifact with the manifests that refer to it.
type Artifact struct {
	// Name is what [Store.Resolve] finds it by.
	Name string
	// Manifest is what the name means, Referrers are manifests that name it as their subject.
	Manifest  ocispec.Descriptor
	Referrers []ocispec.Descriptor
}

// File is a file of an image layout that is not a blob.
type File struct {
	Name string
	Data []byte
}

// Describe returns the files that make a folder with the blobs of artifacts an image layout.
func Describe(artifacts []Artifact) ([]File, error) {
	x := newIndex()
	for _, a := range artifacts {
		named := a.Manifest
		named.Annotations = map[string]string{ocispec.AnnotationRefName: a.Name}
		x.Manifests = append(append(x.Manifests, named), a.Referrers...)
	}
	sortArtifacts(x.Manifests)
	index, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	version, err := json.Marshal(ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
	if err != nil {
		return nil, err
	}
	return []File{{ocispec.ImageLayoutFile, version}, {ocispec.ImageIndexFile, index}}, nil
}
