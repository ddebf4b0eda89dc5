package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)

// TestRationaleContents holds the contents list of RATIONALE.md to its headings, in their order.
func TestRationaleContents(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "RATIONALE.md"))
	if err != nil {
		t.Fatal(err)
	}

	var listed, headings []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimRight(line, "\n")
		var indent, title string
		switch {
		case line == "## Contents":
			continue
		case strings.HasPrefix(line, "## "):
			title = line[len("## "):]
		case strings.HasPrefix(line, "### "):
			indent, title = "  ", line[len("### "):]
		case len(headings) == 0 && strings.HasPrefix(strings.TrimLeft(line, " "), "- ["):
			listed = append(listed, line)
			continue
		default:
			continue
		}
		anchor := strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
		headings = append(headings, indent+"- ["+title+"](#"+anchor+")")
	}
	if diff := cmp.Diff(headings, listed); diff != "" {
		t.Errorf("the contents of RATIONALE.md differ from its headings: "+
			"move a new section to the end of its group and list it (-headings +listed):\n%s", diff)
	}
}
