package sandbox

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
)

func TestPrintable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ reason, in, want string }{
		{"plain text stays", "grüße 世界 \\ \"x\"", "grüße 世界 \\ \"x\""},
		{"control characters are escaped", "a\nb\tc\x1b[0m\x00", `a\nb\tc\x1b[0m\x00`},
		{"direction marks are escaped", "a\u202eb", `a\u202eb`},
		{"invalid bytes are escaped", "a\xffb\xe2\x82", `a\xffb\xe2\x82`},
		{"40 bytes are not too long", strings.Repeat("x", 40), strings.Repeat("x", 40)},
		{"41 bytes are", strings.Repeat("x", 41), strings.Repeat("x", 37) + "…"},
		{"no character is cut in half", strings.Repeat("x", 36) + "世界世界", strings.Repeat("x", 36) + "…"},
		{"escapes count", strings.Repeat("\n", 21), strings.Repeat(`\n`, 18) + `\…`},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			got := printable(c.in, 40)
			if got != c.want || len(got) > 40 {
				t.Errorf("got %q (%d bytes), want %q", got, len(got), c.want)
			}
			if bytes := printable([]byte(c.in), 40); bytes != got {
				t.Errorf("bytes give %q, a string %q", bytes, got)
			}
		})
	}
}

func FuzzPrintable(f *testing.F) {
	f.Add("a\nb", 10)
	f.Add("\xe2\x82", 4)
	f.Fuzz(func(t *testing.T, s string, most int) {
		if most < 10 || most > 1<<16 {
			return
		}
		got := printable(s, most)
		if len(got) > most || !utf8.ValidString(got) || strings.ContainsAny(got, "\n\r\x1b") {
			t.Errorf("printable(%q, %d) = %q", s, most, got)
		}
	})
}

func TestCallLog(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason, words string
		write         func(*callLog)
		want          []string
	}{
		{"lines are put together", "two", func(l *callLog) {
			l.write(&l.stdout, LevelInfo, []byte("o"))
			l.write(&l.stderr, LevelWarning, []byte("tw"))
			l.write(&l.stdout, LevelInfo, []byte("ne\n\nthree\nfo"))
			l.write(&l.stderr, LevelWarning, []byte("o\n"))
			l.write(&l.stdout, LevelInfo, []byte("ur"))
		}, []string{"info: one", "info: three", "warning: two", "info: four"}},
		{"a line without an end is cut", "", func(l *callLog) {
			for range 100 {
				l.write(&l.stdout, LevelInfo, []byte(strings.Repeat("x", 1000)))
			}
		}, []string{"info: " + strings.Repeat("x", abi.MaxLogBytes-3) + "…"}},
		{"a panic of Go", "panic: no such thing", func(l *callLog) {
			l.write(&l.stderr, LevelWarning, []byte("warming up\npanic: no such thing\n\ngoroutine 1 [running]:\nmain.main()\n"))
		}, []string{"warning: warming up", "warning: panic: no such thing", "warning: goroutine 1 [running]:", "warning: main.main()"}},
		{"a panic of Rust", "thread 'main' panicked at src/lib.rs:3:5: no such thing", func(l *callLog) {
			l.write(&l.stderr, LevelWarning, []byte("thread 'main' panicked at src/lib.rs:3:5:\nno such thing\nnote: backtrace\n"))
		}, []string{"warning: thread 'main' panicked at src/lib.rs:3:5:", "warning: no such thing", "warning: note: backtrace"}},
		{"what is logged as an error", "gave up", func(l *callLog) {
			l.message(LevelError, []byte("gave up"))
			l.message(LevelInfo, []byte("bye"))
		}, []string{"error: gave up", "info: bye"}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			var got messages
			l := callLog{to: got.add}
			c.write(&l)
			l.flush()
			if diff := cmp.Diff(c.want, got.texts()); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
			if words := l.words.String(); words != c.words {
				t.Errorf("last words %q, want %q", words, c.words)
			}
		})
	}
}
