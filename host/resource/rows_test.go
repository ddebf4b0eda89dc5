package resource

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRow01_RuleGroups proves that each of the twelve groups of rules has documents that it
// refuses; [TestGolden] reads them.
func TestRow01_RuleGroups(t *testing.T) {
	t.Parallel()
	for group := 1; group <= 12; group++ {
		files, err := filepath.Glob(fmt.Sprintf("testdata/group%02d-*.txtar", group))
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "-- want-error --") {
				refused++
			}
		}
		if refused == 0 {
			t.Errorf("group %d has no document that is refused", group)
		}
	}
}

// TestRow02_Digest takes an image by its tag only where the settings say so.
func TestRow02_Digest(t *testing.T) {
	t.Parallel()
	const document = `apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: web}
spec: {workload: {containers: {main: {image: IMAGE, resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}}}}}
`
	const digest = "@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	for _, c := range []struct {
		image string
		tags  bool
		want  string
	}{
		{"registry.example.com/app:1.2", false, "spec.workload.containers.main.image"},
		{"registry.example.com/app", false, "spec.workload.containers.main.image"},
		{"registry.example.com/app:1.2", true, ""},
		{"registry.example.com/app" + digest, false, ""},
		{"registry.example.com/app:1.2" + digest, false, ""},
	} {
		_, err := Decode("web.yaml", []byte(strings.Replace(document, "IMAGE", "'"+c.image+"'", 1)), Options{AllowTags: c.tags})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.image, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want an error about %s", c.image, err, c.want)
		}
	}
}
