package memo

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/hostcall"
)

// counting answers with the step's name and counts how often it was asked.
type counting struct {
	digest  string
	unknown []string
	err     error
	size    int
	answer  abi.Response

	mu    sync.Mutex
	calls int
}

func (c *counting) Manifest() *abi.Manifest { return &abi.Manifest{} }
func (c *counting) Digest() string          { return c.digest }

func (c *counting) Derive(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	message := req.Step + strings.Repeat("x", c.size)
	answer := c.answer
	answer.Results = []abi.Result{{Severity: abi.SeverityInfo, Message: message}}
	return &answer, c.unknown, c.err
}

func (c *counting) Validate(context.Context, *abi.ValidateRequest) (*abi.ValidateResponse, []string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	return &abi.ValidateResponse{}, c.unknown, c.err
}

func TestChecksOfSettingsAreKeptApart(t *testing.T) {
	plugin := &counting{}
	p := Open("").Wrap(plugin)
	for range 2 {
		if _, _, err := p.Validate(t.Context(), &abi.ValidateRequest{ABI: abi.Version}); err != nil {
			t.Fatal(err)
		}
		derive(t, p, "one")
	}
	if plugin.calls != 2 {
		t.Errorf("asked %d times, want once for each operation", plugin.calls)
	}
}

func derive(t *testing.T, p Plugin, step string) string {
	t.Helper()
	response, _, err := p.Derive(t.Context(), &abi.Request{ABI: abi.Version, Step: step})
	if err != nil {
		t.Fatal(err)
	}
	return response.Results[0].Message
}

func TestAnswersAreUsedAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "memo")
	plugin := &counting{digest: "sha256:a"}
	p := Open(dir).Wrap(plugin)
	for range 3 {
		if got := derive(t, p, "one"); got != "one" {
			t.Fatalf("got %q", got)
		}
	}
	derive(t, p, "two")
	if plugin.calls != 2 {
		t.Errorf("asked %d times for two requests", plugin.calls)
	}
	other := &counting{digest: "sha256:b"}
	derive(t, Open(dir).Wrap(other), "one")
	if other.calls != 1 {
		t.Error("another plugin's answer was used")
	}
	again := &counting{digest: "sha256:a"}
	if derive(t, Open(dir).Wrap(again), "one") != "one" || again.calls != 0 {
		t.Error("the answer was not found in the folder")
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is %v, %v", info.Mode(), err)
	}
}

func TestRecall(t *testing.T) {
	dir := t.TempDir()
	recall := func(p Plugin, step string) (string, bool) {
		response, ok := p.(*remembering).Recall(&abi.Request{ABI: abi.Version, Step: step})
		if !ok {
			return "", false
		}
		return response.Results[0].Message, true
	}
	plugin := &counting{digest: "sha256:a"}
	p := Open(dir).Wrap(plugin)
	if _, ok := recall(p, "one"); ok {
		t.Error("it recalls what was never asked")
	}
	derive(t, p, "one")
	if got, ok := recall(p, "one"); !ok || got != "one" {
		t.Errorf("got %q, %v", got, ok)
	}
	if _, ok := recall(Open(dir).Wrap(plugin), "one"); ok {
		t.Error("it reads a file in passing")
	}
	if plugin.calls != 1 {
		t.Errorf("asked %d times", plugin.calls)
	}
	calling := Open("").Wrap(&asking{})
	ctx := hostcall.With(t.Context(), &world{values: map[string]int64{"a": 1}})
	if _, _, err := calling.Derive(ctx, &abi.Request{ABI: abi.Version, Step: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, ok := recall(calling, "one"); ok {
		t.Error("it recalls an answer that came with host calls")
	}
}

func TestWhatIsNotKept(t *testing.T) {
	for _, tc := range []struct {
		reason string
		plugin *counting
	}{
		{"an error", &counting{err: errors.New("broken")}},
		{"an answer with unknown keys", &counting{unknown: []string{"extra"}}},
		{"an answer that is too large", &counting{size: maxFileBytes}},
	} {
		p := Open(t.TempDir()).Wrap(tc.plugin)
		for range 2 {
			_, unknown, err := p.Derive(t.Context(), &abi.Request{})
			if !errors.Is(err, tc.plugin.err) || !cmp.Equal(unknown, tc.plugin.unknown) {
				t.Errorf("%s: got %v, %v", tc.reason, unknown, err)
			}
		}
		if tc.plugin.calls != 2 {
			t.Errorf("%s was kept", tc.reason)
		}
	}
}

// Answers with a Secret are used again by the same process, and no file has them.
func TestSecretsAreInMemoryOnly(t *testing.T) {
	secret := abi.Ref{APIVersion: "v1", Kind: "Secret", Name: "a"}
	empty := cbor.Raw(cbor.AppendObjectHeader(nil, 0))
	for name, answer := range map[string]abi.Response{
		"output":       {Outputs: []abi.Output{{Ref: secret, Document: empty}}},
		"contribution": {Contributions: []abi.Contribution{{Ref: secret, Fields: empty}}},
	} {
		dir := filepath.Join(t.TempDir(), "memo")
		plugin := &counting{answer: answer}
		p := Open(dir).Wrap(plugin)
		derive(t, p, "one")
		derive(t, p, "one")
		if plugin.calls != 1 {
			t.Errorf("%s: asked %d times, want once", name, plugin.calls)
		}
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the folder is there: %v", name, err)
		}
		derive(t, Open(dir).Wrap(plugin), "one")
		if plugin.calls != 2 {
			t.Errorf("%s: another process asked %d times, want once", name, plugin.calls-1)
		}
	}
}

func TestDamagedFilesAreIgnored(t *testing.T) {
	dir := t.TempDir()
	derive(t, Open(dir).Wrap(&counting{digest: "d"}), "one")
	derive(t, Open(dir).Wrap(&counting{digest: "d"}), "two")
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	whole, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	other, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	check := func(reason string, content []byte) {
		t.Helper()
		if err := os.WriteFile(files[0], content, 0o600); err != nil {
			t.Fatal(err)
		}
		plugin := &counting{digest: "d"}
		p := Open(dir).Wrap(plugin)
		if derive(t, p, "one") != "one" || derive(t, p, "two") != "two" {
			t.Errorf("%s: a wrong answer", reason)
		}
		if plugin.calls != 1 {
			t.Errorf("%s: asked %d times, want once", reason, plugin.calls)
		}
	}
	for n := range whole {
		check("cut short", whole[:n])
		flipped := bytes.Clone(whole)
		flipped[n] ^= 1
		check("flipped", flipped)
	}
	check("another answer's file", other)
	check("longer", append(bytes.Clone(whole), 0))
}

func TestMemoryIsBounded(t *testing.T) {
	s := Open("")
	p := s.Wrap(&counting{size: maxFileBytes / 2})
	for i := range 100 {
		derive(t, p, string(rune('a'+i)))
	}
	if n := s.recent.Len(); n == 0 || n > 2*maxMemoryBytes/maxFileBytes {
		t.Errorf("keeps %d answers of %d bytes", n, maxFileBytes/2)
	}
}

func TestAFolderThatCannotBeUsedCostsOnlyTime(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	plugin := &counting{}
	p := Open(filepath.Join(file, "below")).Wrap(plugin)
	for range 2 {
		if got := derive(t, p, "one"); got != "one" {
			t.Errorf("got %q", got)
		}
	}
	if plugin.calls != 1 {
		t.Errorf("asked %d times", plugin.calls)
	}
}

func TestConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			p := Open(dir).Wrap(&counting{digest: "d"})
			for i := range 50 {
				step := string(rune('a' + i%5))
				if response, _, err := p.Derive(context.Background(), &abi.Request{Step: step}); err != nil || response.Results[0].Message != step {
					t.Errorf("got %v, %v", response, err)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, data []byte) {
		store := folder{dir: t.TempDir()}
		k := key{1}
		if err := os.MkdirAll(filepath.Dir(store.path(k)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(store.path(k), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if answer := store.read(k); answer != nil && len(answer) != len(data)-headerBytes {
			t.Errorf("%x reads as %x", data, answer)
		}
	})
}

func TestClear(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "memo")
	if n, size, err := Clear(dir, time.Time{}); n != 0 || size != 0 || err != nil {
		t.Errorf("a folder that is missing: %d, %d, %v", n, size, err)
	}
	p := Open(dir).Wrap(&counting{digest: "d"})
	for _, step := range []string{"one", "two", "three"} {
		derive(t, p, step)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil || len(files) != 3 {
		t.Fatal(files, err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(files[0], old, old); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	foreign := []string{
		filepath.Join(dir, "notes"), filepath.Join(dir, "notes", "of", "mine"), filepath.Join(dir, temporaryPrefix+"notes"),
		filepath.Join(filepath.Dir(files[1]), "notes"), filepath.Join(dir, "aa", strings.Repeat("b", 64)),
	}
	for _, file := range foreign[1:] {
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if n, size, err := Clear(dir, old.Add(time.Minute)); n != 1 || size != info.Size() || err != nil {
		t.Errorf("what is old: %d, %d, %v", n, size, err)
	}
	// An answer that was not finished goes too.
	if err := os.WriteFile(filepath.Join(filepath.Dir(files[1]), temporaryPrefix+"1"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, _, err := Clear(dir, time.Time{}); n != 3 || err != nil {
		t.Errorf("everything: %d, %v", n, err)
	}
	for _, file := range foreign {
		if _, err := os.Stat(file); err != nil {
			t.Errorf("a foreign file was deleted: %v", err)
		}
	}
	again := &counting{digest: "d"}
	derive(t, Open(dir).Wrap(again), "one")
	if again.calls != 1 {
		t.Error("an answer was found in a folder that was cleared")
	}
}
