// Command large is a guest that links much of the standard library, as one does that imports a
// large API.
package main

import (
	"encoding/json"
	"encoding/xml"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"html/template"
	"image/png"
	"net/http"
	"os"
)

//go:wasmexport run
func run() int32 {
	files := token.NewFileSet()
	f, err := parser.ParseFile(files, "x.go", "package x", 0)
	if err != nil {
		return 1
	}
	config := types.Config{Importer: importer.Default()}
	if _, err := config.Check("x", files, []*ast.File{f}, nil); err != nil {
		return 2
	}
	if _, err := http.Get("https://example.com"); err != nil {
		return 3
	}
	if err := template.Must(template.New("x").Parse("{{.}}")).Execute(os.Stdout, f); err != nil {
		return 4
	}
	if json.NewEncoder(os.Stdout).Encode(f) != nil || xml.NewEncoder(os.Stdout).Encode(f) != nil {
		return 5
	}
	_, err = png.Decode(os.Stdin)
	if err != nil {
		return 6
	}
	return 0
}

func main() {}
