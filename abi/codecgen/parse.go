package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// goPackage is what codecgen knows of a package.
type goPackage struct {
	name    string
	imports map[string]string // name → path, over all files
	structs []*structType     // in source order
	named   map[string]*namedType
}

type structType struct {
	name string
	doc  string
	// marks are the keywords of lines such as //kind:free.
	marks  []string
	fields []field // in the order of their encoded keys
}

type field struct {
	key       string
	access    string // Go selector below the struct, such as "Name"
	doc       string
	marks     []string
	omitEmpty bool
	expr      ast.Expr
}

// markPrefix begins a line of a comment that says what a user may write, see writeKinds.
const markPrefix = "//kind:"

// marksOf returns the marks of a comment, which is not part of its text.
func marksOf(doc *ast.CommentGroup) []string {
	if doc == nil {
		return nil
	}
	var marks []string
	for _, line := range doc.List {
		if mark, ok := strings.CutPrefix(line.Text, markPrefix); ok {
			marks = append(marks, mark)
		}
	}
	return marks
}

// namedType is a type whose underlying type is basic, with its constants.
type namedType struct {
	doc        string
	underlying string
	constants  []string
}

func parsePackage(dir string) (*goPackage, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	fset := token.NewFileSet()
	p := &goPackage{imports: map[string]string{}, named: map[string]*namedType{}}
	raw := map[string]*ast.StructType{}
	docs, marks := map[string]string{}, map[string][]string{}
	var order []string
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") || name == generatedFile {
			continue
		}
		file, err := parser.ParseFile(fset, filepath.Join(dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		if file.Name.Name == "main" {
			continue
		}
		p.name = file.Name.Name
		for _, imp := range file.Imports {
			path, _ := strconv.Unquote(imp.Path.Value)
			p.imports[filepath.Base(path)] = path
		}
		for _, decl := range file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			p.constants(gen)
			for _, spec := range gen.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				comment := ts.Doc
				if comment == nil {
					comment = gen.Doc
				}
				doc := comment.Text()
				switch t := ts.Type.(type) {
				case *ast.StructType:
					if hasJSONTags(t) {
						raw[ts.Name.Name], docs[ts.Name.Name], marks[ts.Name.Name] = t, doc, marksOf(comment)
						order = append(order, ts.Name.Name)
					}
				case *ast.Ident:
					p.namedType(ts.Name.Name).underlying, p.namedType(ts.Name.Name).doc = t.Name, doc
				}
			}
		}
	}
	slices.Sort(order)
	for _, name := range order {
		st := &structType{name: name, doc: docs[name], marks: marks[name]}
		if err := p.flatten(st, raw, raw[name], ""); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		slices.SortFunc(st.fields, func(a, b field) int { return cbor.KeyOrder(a.key, b.key) })
		p.structs = append(p.structs, st)
	}
	return p, nil
}

// local reports whether the codec of a struct is generated in this package.
func (p *goPackage) local(name string) bool {
	return slices.ContainsFunc(p.structs, func(st *structType) bool { return st.name == name })
}

func (p *goPackage) namedType(name string) *namedType {
	t := p.named[name]
	if t == nil {
		t = &namedType{}
		p.named[name] = t
	}
	return t
}

// constants collects the string constants of named types.
func (p *goPackage) constants(gen *ast.GenDecl) {
	if gen.Tok != token.CONST {
		return
	}
	for _, spec := range gen.Specs {
		vs := spec.(*ast.ValueSpec)
		typ, ok := vs.Type.(*ast.Ident)
		if !ok || len(vs.Values) != 1 {
			continue
		}
		if lit, ok := vs.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			value, _ := strconv.Unquote(lit.Value)
			t := p.namedType(typ.Name)
			t.constants = append(t.constants, value)
		}
	}
}

func (p *goPackage) flatten(st *structType, raw map[string]*ast.StructType, t *ast.StructType, prefix string) error {
	for _, f := range t.Fields.List {
		if len(f.Names) == 0 {
			embedded, ok := f.Type.(*ast.Ident)
			if !ok || raw[embedded.Name] == nil {
				return fmt.Errorf("an embedded field must be a struct of the same package")
			}
			if err := p.flatten(st, raw, raw[embedded.Name], prefix+embedded.Name+"."); err != nil {
				return err
			}
			continue
		}
		key, omitEmpty, ok := jsonTag(f)
		if !ok {
			return fmt.Errorf("%s has no json tag", f.Names[0].Name)
		}
		st.fields = append(st.fields, field{
			key: key, access: prefix + f.Names[0].Name, doc: f.Doc.Text(), marks: marksOf(f.Doc), omitEmpty: omitEmpty, expr: f.Type,
		})
	}
	return nil
}

func hasJSONTags(t *ast.StructType) bool {
	return slices.ContainsFunc(t.Fields.List, func(f *ast.Field) bool {
		_, _, ok := jsonTag(f)
		return ok
	})
}

func jsonTag(f *ast.Field) (key string, omitEmpty, ok bool) {
	if f.Tag == nil {
		return "", false, false
	}
	tag, _ := strconv.Unquote(f.Tag.Value)
	value := reflect.StructTag(tag).Get("json")
	key, options, _ := strings.Cut(value, ",")
	return key, options == "omitempty", key != "" && key != "-"
}

// kind sorts a field type into what the emitters need to know.
type kind int

const (
	kindString kind = iota
	kindBool
	kindInt
	kindUint
	kindFloat
	kindRaw
	kindMap
	kindSlice
	kindPointer
	kindStruct
)

type fieldType struct {
	kind kind
	// goType is the type as written.
	goType string
	elem   *fieldType
}

func (p *goPackage) resolve(expr ast.Expr) (*fieldType, error) {
	switch t := expr.(type) {
	case *ast.Ident:
		if k, ok := basicKind(t.Name); ok {
			return &fieldType{kind: k, goType: t.Name}, nil
		}
		if n := p.named[t.Name]; n != nil {
			if k, ok := basicKind(n.underlying); ok {
				return &fieldType{kind: k, goType: t.Name}, nil
			}
		}
		return &fieldType{kind: kindStruct, goType: t.Name}, nil
	case *ast.StarExpr:
		elem, err := p.resolve(t.X)
		if err != nil {
			return nil, err
		}
		return &fieldType{kind: kindPointer, goType: "*" + elem.goType, elem: elem}, nil
	case *ast.ArrayType:
		elem, err := p.resolve(t.Elt)
		if err != nil {
			return nil, err
		}
		return &fieldType{kind: kindSlice, goType: "[]" + elem.goType, elem: elem}, nil
	case *ast.SelectorExpr:
		name := t.X.(*ast.Ident).Name + "." + t.Sel.Name
		if name == "cbor.Raw" {
			return &fieldType{kind: kindRaw, goType: name}, nil
		}
		return &fieldType{kind: kindStruct, goType: name}, nil
	case *ast.IndexExpr:
		if sel, ok := t.X.(*ast.SelectorExpr); ok && sel.Sel.Name == "Map" {
			elem, err := p.resolve(t.Index)
			if err != nil {
				return nil, err
			}
			return &fieldType{kind: kindMap, goType: "cbor.Map[" + elem.goType + "]", elem: elem}, nil
		}
	}
	return nil, fmt.Errorf("type %T is not supported", expr)
}

func basicKind(name string) (kind, bool) {
	switch name {
	case "string":
		return kindString, true
	case "bool":
		return kindBool, true
	case "int", "int32", "int64":
		return kindInt, true
	case "uint32", "uint64":
		return kindUint, true
	case "float64":
		return kindFloat, true
	}
	return 0, false
}
