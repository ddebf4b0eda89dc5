package tuf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// endless is a body without an end; its length is not announced.
type endless struct{ sent *int64 }

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	*e.sent += int64(len(p))
	return len(p), nil
}

func (endless) Close() error { return nil }

// faulty is a server that answers some files in its own way.
type faulty struct {
	http.Handler
	file string
	body func() io.ReadCloser
}

func (f faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.body != nil && strings.HasSuffix(r.URL.Path, f.file) {
		return &http.Response{
			StatusCode: http.StatusOK, Body: f.body(), ContentLength: -1, Request: r, Header: http.Header{},
		}, r.Context().Err()
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result(), nil
}

func (h *harness) serve(f faulty) {
	h.Helper()
	f.Handler = h.repo
	source, err := tuf.OpenHTTP("http://index.example/", tuf.HTTPOptions{Transport: f, Clock: h.config.Clock})
	h.check(err)
	h.config.Source = source
}

func TestAttack10_Endless(t *testing.T) {
	t.Parallel()
	target := tuftest.TargetPath(web1, []byte("one"))
	for file, limit := range map[string]int64{
		"2.root.json": 512_000, "timestamp.json": 16_384, "2.snapshot.json": 2_000_000, "2.targets.json": 5_000_000,
		strings.TrimPrefix(target, "releases/acme/web/"): 3,
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.AddTarget(targets, web1, []byte("one"))
			h.repo.PublishAll()
			var sent int64
			h.serve(faulty{file: file, body: func() io.ReadCloser { return endless{&sent} }})
			v, err := h.open().Refresh(context.Background())
			if err == nil {
				_, err = v.Target(context.Background(), web1)
			}
			h.wants(err, tuf.ErrMismatch, "has more than")
			// One buffer may be read beyond the limit.
			if sent == 0 || sent > limit+limit/4+4096 {
				t.Errorf("%d bytes were read, the limit is %d", sent, limit)
			}
		})
	}
}

// trickle sends a byte at a time, each of which takes a while.
type trickle struct {
	tick func()
	data *bytes.Reader
}

func (s trickle) Read(p []byte) (int, error) {
	s.tick()
	return s.data.Read(p[:1])
}

func (trickle) Close() error { return nil }

func TestAttack11_SlowRetrieval(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	data := h.repo.Get("metadata/timestamp.json")
	h.serve(faulty{file: "timestamp.json", body: func() io.ReadCloser {
		return trickle{func() { h.time = h.time.Add(time.Second) }, bytes.NewReader(data)}
	}})
	h.refuse(tuf.ErrUnavailable, "the source is too slow: 11 bytes in 11s")
}

// silent answers no request for a file. It waits for nothing: that there is a deadline is what
// counts.
type silent struct {
	faulty
	limit time.Duration
}

func (s silent) RoundTrip(r *http.Request) (*http.Response, error) {
	if !strings.HasSuffix(r.URL.Path, s.file) {
		return s.faulty.RoundTrip(r)
	}
	if deadline, ok := r.Context().Deadline(); !ok || time.Until(deadline) > s.limit {
		return nil, fmt.Errorf("the request may take until %s", deadline)
	}
	return nil, context.DeadlineExceeded
}

func TestAttack11_Silent(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "1.0.0.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.AddTarget(targets, web1, []byte("one"))
			h.repo.PublishAll()
			transport := silent{faulty{Handler: h.repo, file: file}, tuf.DefaultTimeout}
			source, err := tuf.OpenHTTP("http://index.example", tuf.HTTPOptions{Transport: transport})
			h.check(err)
			h.config.Source = source
			v, err := h.open().Refresh(context.Background())
			if err == nil {
				_, err = v.Target(context.Background(), web1)
			}
			h.wants(err, tuf.ErrUnavailable, file)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}
