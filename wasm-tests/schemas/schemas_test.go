package schemas_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/latticenet/lattice-host/wasm-tests/schemas"
	"github.com/latticenet/lattice-host/wasm-tests/schemas/crds"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
)

// shared is one validator for all tests: reading the CRDs is most of what they do.
var shared = sync.OnceValues(func() (*schemas.Validator, error) {
	dir, err := crds.Dir()
	if err != nil {
		return nil, err
	}
	if err := crds.Fetch(context.Background(), dir); err != nil {
		return nil, err
	}
	own, err := ownKinds()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(own)
	return schemas.New(dir, filepath.Join("crds", "generated"), filepath.Join("crds", "written"), own)
})

// ownKinds returns a new folder with the CRDs of the kinds that documents are of, as the program
// prints them for a cluster: a document that derives from another one is such a document, too.
func ownKinds() (string, error) {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return "", err
	}
	file, err := os.Create(filepath.Join(dir, "kinds.yaml"))
	if err != nil {
		return "", err
	}
	c := exec.Command("go", "run", "./cmd/lattice-host", "kind", "crd", "--home", filepath.Join(dir, "none"))
	c.Dir, c.Stdout, c.Stderr = filepath.Join("..", ".."), file, os.Stderr
	return dir, errors.Join(c.Run(), file.Close())
}

func validator(t *testing.T) *schemas.Validator {
	t.Helper()
	v, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func documents(t *testing.T, text string) []map[string]any {
	t.Helper()
	objects, err := schemas.Documents([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func messages(errs []error) []string {
	var texts []string
	for _, err := range errs {
		texts = append(texts, err.Error())
	}
	return texts
}

// good returns a file of testdata/good with one passage replaced, which must occur exactly once.
func good(t *testing.T, name, old, replacement string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "good", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), old); n != 1 {
		t.Fatalf("testdata/good/%s.yaml contains %q %d times; a test that changes it needs it once", name, old, n)
	}
	return strings.Replace(string(text), old, replacement, 1)
}

// bad is a good object with one passage replaced, and everything that is wrong with it then.
type bad struct {
	reason   string
	file     string
	old, new string
	want     []string
}

func runBad(t *testing.T, tests map[string]bad) {
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, object := range documents(t, good(t, test.file, test.old, test.new)) {
				got = append(got, messages(validator(t).Validate(object))...)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", test.reason, diff)
			}
		})
	}
}

// Sentences that apimachinery supplies. What the tests are about is the field and the value in
// front of them.
var (
	notSubdomain  = utilvalidation.IsDNS1123Subdomain("_")[0]
	notLabel      = utilvalidation.IsDNS1123Label("_")[0]
	notLabelValue = utilvalidation.IsValidLabelValue("_")[0]
	notDataKey    = utilvalidation.IsConfigMapKey("/")[0]
	notPercent    = utilvalidation.IsValidPercent("_")[0]
)

func TestGood(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "good", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/good: %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			objects := documents(t, string(text))
			if len(objects) == 0 {
				t.Fatal("no document")
			}
			for _, object := range objects {
				if diff := cmp.Diff([]string(nil), messages(validator(t).Validate(object))); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}
