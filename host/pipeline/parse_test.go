package pipeline_test

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/latticenet/lattice-host/host/pipeline"
)

// addDocuments adds every document of testdata/parse as a seed.
func addDocuments(f *testing.F) {
	f.Helper()
	files, err := os.ReadDir("testdata/parse")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile("testdata/parse/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(archive.Files[0].Data)
	}
}

func FuzzParsePipelines(f *testing.F) {
	addDocuments(f)
	f.Add([]byte(`{"apiVersion":"lattice.dev/v1","kind":"Pipeline","metadata":{"name":"a"},"spec":{"for":{"kind":"Cell"},` +
		`"steps":[{"name":"a","plugin":"a","settings":` + strings.Repeat("[", 100) + `}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if pipelines, err := pipeline.ParsePipelines("f", data); err != nil && pipelines != nil {
			t.Fatalf("got pipelines and %v", err)
		}
	})
}

func FuzzParsePlatform(f *testing.F) {
	addDocuments(f)
	f.Add([]byte(`{"apiVersion":"lattice.dev/v1","kind":"Platform","spec":{"queues":["a"],"imageProviders":{"a":{"provider":"b","id":"c"}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		settings, err := pipeline.DefaultSettings().WithPlatform("f", data)
		if (err == nil) == (settings == nil) {
			t.Fatalf("got settings %v and %v", settings, err)
		}
	})
}

func FuzzParseSettings(f *testing.F) {
	addDocuments(f)
	f.Add([]byte(`{"apiVersion":"lattice.dev/v1","kind":"Settings","spec":{"steps":{"a":{"b":[1.5,null]}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		settings, err := pipeline.ParseSettings("f", data)
		if (err == nil) == (settings == nil) {
			t.Fatalf("got settings %v and %v", settings, err)
		}
	})
}
