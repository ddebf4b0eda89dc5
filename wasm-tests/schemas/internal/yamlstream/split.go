// Package yamlstream takes streams of YAML documents apart.
package yamlstream

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// Split returns the documents of a stream as they are written, without the lines that separate
// them. It splits before anything is parsed, so that a mistake can be reported with the document it
// is in.
func Split(data []byte) [][]byte {
	var texts [][]byte
	reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return texts
		}
		if err != nil {
			// Memory has no other way to fail than to end.
			panic(fmt.Sprintf("read from memory: %v", err))
		}
		texts = append(texts, text)
	}
}
