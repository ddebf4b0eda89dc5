// Command codecgen writes the CBOR codec and the JSON Schemas of the structs in one package.
//
// It reads Go source, not compiled types: a struct's json tags give names and omitempty, its doc
// comments give the descriptions in the schemas. Supported field types are the basic ones, named
// types on top of them, structs, pointers, slices, cbor.Raw, cbor.Map and embedded structs of the
// same package (flattened).
//
//	codecgen -dir PACKAGE -roots A,B [-encode-only]  writes PACKAGE/codec_gen.go, with methods for the roots
//	codecgen -dir PACKAGE -roots A,B -schema DIR     writes DIR/a.schema.json, DIR/b.schema.json
//	codecgen -dir PACKAGE -roots A,B -kinds DIR      writes DIR/a.json, DIR/b.json: what users write in the spec of a kind
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"strings"
)

const generatedFile = "codec_gen.go"

func main() {
	dir := flag.String("dir", ".", "package folder")
	encodeOnly := flag.Bool("encode-only", false, "write no decoders")
	schemaDir := flag.String("schema", "", "write JSON Schemas into this folder instead of a codec")
	kindsDir := flag.String("kinds", "", "write the schemas of what users write into this folder instead of a codec")
	roots := flag.String("roots", "", "comma-separated structs that are messages of their own")
	flag.Parse()
	if err := run(*dir, *encodeOnly, *schemaDir, *kindsDir, *roots); err != nil {
		fmt.Fprintln(os.Stderr, "codecgen:", err)
		os.Exit(1)
	}
}

func run(dir string, encodeOnly bool, schemaDir, kindsDir, roots string) error {
	pkg, err := parsePackage(dir)
	if err != nil {
		return err
	}
	names := strings.Split(roots, ",")
	if schemaDir != "" {
		return writeSchemas(pkg, schemaDir, names)
	}
	if kindsDir != "" {
		return writeKinds(pkg, kindsDir, names)
	}
	source, err := emitCodec(pkg, encodeOnly, names)
	if err != nil {
		return err
	}
	formatted, err := format.Source(source)
	if err != nil {
		return errors.Join(err, os.WriteFile(filepath.Join(dir, generatedFile+".broken"), source, 0o644))
	}
	return writeIfChanged(filepath.Join(dir, generatedFile), formatted)
}

// writeIfChanged leaves the time stamp of an up-to-date file alone.
func writeIfChanged(path string, content []byte) error {
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o644)
}
