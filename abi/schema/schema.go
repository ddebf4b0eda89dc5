// Package schema holds the JSON Schemas of the messages and kinds, which are generated from the
// types of packages abi and abi/lattice.
package schema

import (
	"embed"
	"io/fs"
)

//go:embed *.schema.json
var files embed.FS

// Files returns the schemas: each is <type>.schema.json, where type begins with a small letter.
func Files() fs.FS { return files }
