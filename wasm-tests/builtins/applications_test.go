package builtins

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// TestApplications derives well-known applications, written as a platform team would write them. Of
// each, testdata/applications says what must be in the output for it to work, or why it is refused
// and what else to do:
//
//	-- works --
//	KIND/NAME path.to.a.field = the value as JSON
//	warning: NAME: part of the message
//	-- refused --
//	part of the message
func TestApplications(t *testing.T) {
	files, err := filepath.Glob("testdata/applications/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no applications: %v", err)
	}
	plugins := pairs(t)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			bundles, err := application(t, plugins, parts["documents.yaml"])
			if refused := strings.TrimSpace(parts["refused"]); refused != "" {
				if err == nil || !strings.Contains(err.Error(), refused) {
					t.Errorf("got the error %v, want %s", err, refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(parts["works"]), "\n")
			for _, line := range lines {
				if warning, ok := strings.CutPrefix(line, "warning: "); ok {
					checkWarning(t, bundles, warning)
				} else {
					checkField(t, bundles, line)
				}
			}
		})
	}
}

// TestApplicationsAreMany counts the workloads of the applications that must derive: it shows when
// some are taken away, or refused.
func TestApplicationsAreMany(t *testing.T) {
	const fewest = 46
	files, err := filepath.Glob("testdata/applications/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	workloads := 0
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if refused := slices.ContainsFunc(archive.Files, func(f txtar.File) bool { return f.Name == "refused" }); refused {
			continue
		}
		documents, err := resource.Decode(file, archive.Files[0].Data, resource.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range documents {
			if d.Ref.Kind != "SecretProvider" {
				workloads++
			}
		}
	}
	if workloads < fewest {
		t.Errorf("there are %d workloads, want %d or more", workloads, fewest)
	}
}

func application(t *testing.T, plugins Set, documents string) ([]*bundle.Bundle, error) {
	t.Helper()
	docs, err := resource.Decode("documents.yaml", []byte(documents), resource.Options{})
	if err != nil {
		return nil, err
	}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins})
	if err != nil {
		t.Fatal(err)
	}
	return engine.DeriveAll(t.Context(), docs)
}

func checkWarning(t *testing.T, bundles []*bundle.Bundle, want string) {
	t.Helper()
	name, message, _ := strings.Cut(want, ": ")
	for _, b := range bundles {
		for _, r := range b.Results {
			if b.Resource.Name == name && strings.Contains(r.Message, message) {
				return
			}
		}
	}
	t.Errorf("no warning of %s says %q", name, message)
}

func checkField(t *testing.T, bundles []*bundle.Bundle, line string) {
	t.Helper()
	head, want, ok := strings.Cut(line, " = ")
	object, path, found := strings.Cut(head, " ")
	if !ok || !found {
		t.Fatalf("%q is not KIND/NAME path = value", line)
	}
	document := output(bundles, object)
	if document == nil {
		t.Errorf("there is no %s", object)
		return
	}
	got, err := json.Marshal(follow(document, path))
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal([]byte(want), &value); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if canonical, err := json.Marshal(value); err != nil || string(got) != string(canonical) {
		t.Errorf("%s %s: got %s, want %s", object, path, got, canonical)
	}
}

// output returns the output KIND/NAME, or nil.
func output(bundles []*bundle.Bundle, object string) any {
	for _, b := range bundles {
		for _, o := range b.Outputs {
			var v any
			if o.Ref.Kind+"/"+o.Ref.Name == object && json.Unmarshal(o.Document, &v) == nil {
				return v
			}
		}
	}
	return nil
}

// follow returns what a path of keys and positions leads to, or nil.
func follow(v any, path string) any {
	for path != "" {
		key := path
		switch x := v.(type) {
		case map[string]any:
			// A key may have dots itself.
			for {
				if inner, ok := x[key]; ok {
					v = inner
					break
				}
				dot := strings.LastIndexByte(key, '.')
				if dot < 0 {
					return nil
				}
				key = key[:dot]
			}
		case []any:
			key, _, _ = strings.Cut(path, ".")
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
		path = strings.TrimPrefix(strings.TrimPrefix(path, key), ".")
	}
	return v
}
