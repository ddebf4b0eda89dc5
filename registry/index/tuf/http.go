package tuf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The rate at which a server must deliver: one that sends single bytes forever is given up after
// the grace period.
const (
	// MinBytesPerSecond is the least speed of a download, on average, once GracePeriod is over.
	MinBytesPerSecond = 1024
	// GracePeriod is how long a download may be slower.
	GracePeriod = 10 * time.Second
)

// Limits of a connection.
const (
	connectTimeout = 10 * time.Second
	headerTimeout  = 15 * time.Second
	idleTimeout    = 30 * time.Second
	maxHeaderBytes = 64 << 10
	maxRedirects   = 3
	// blobTimeout bounds the download of a module: the largest at 128 KiB a second.
	blobTimeout = 5 * time.Minute
)

// HTTPOptions change how an index is fetched from a server.
type HTTPOptions struct {
	// MetadataURL and TargetsURL are where the two folders are, when they are not below the
	// address.
	MetadataURL, TargetsURL string
	// Proxy chooses a proxy as in http.Transport. Without it there is no proxy: the environment
	// does not redirect an index.
	Proxy func(*http.Request) (*url.URL, error)
	// Transport replaces the connection, for tests.
	Transport http.RoundTripper
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
}

type server struct {
	client                   *http.Client
	metadata, targets, blobs *url.URL
	clock                    func() time.Time
}

// OpenHTTP returns the index on a server: its metadata below address/metadata/, its targets below
// address/targets/, the files of releases below address/oci/. Redirects are followed within one
// scheme and host only, so that an index cannot make its clients ask others. Responses are not
// decompressed. The server is asked for nothing before the first use.
func OpenHTTP(address string, o HTTPOptions) (Source, error) {
	s := &server{clock: o.Clock}
	if s.clock == nil {
		s.clock = time.Now
	}
	var err error
	if s.metadata, err = folderURL(address, metadataFolder, o.MetadataURL); err != nil {
		return nil, err
	}
	if s.targets, err = folderURL(address, targetsFolder, o.TargetsURL); err != nil {
		return nil, err
	}
	// A server that has its folders apart has no files of releases.
	if address != "" || o.MetadataURL == "" || o.TargetsURL == "" {
		if s.blobs, err = folderURL(address, LayoutFolder, ""); err != nil {
			return nil, err
		}
	}
	transport := o.Transport
	if transport == nil {
		transport = newTransport(o.Proxy)
	}
	s.client = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	return s, nil
}

func newTransport(proxy func(*http.Request) (*url.URL, error)) *http.Transport {
	return &http.Transport{
		Proxy:                  proxy,
		DialContext:            (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:    connectTimeout,
		ResponseHeaderTimeout:  headerTimeout,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
	}
}

// folderURL returns the address of a folder with a slash at its end, so that names can be resolved
// against it.
func folderURL(address, folder, explicit string) (*url.URL, error) {
	if explicit != "" {
		address, folder = explicit, ""
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q must be an http or https URL without user information, query and fragment", address)
	}
	// The empty element ends the path with a slash.
	return u.JoinPath(folder, "/"), nil
}

func checkRedirect(request *http.Request, via []*http.Request) error {
	from := via[0].URL
	if request.URL.Scheme != from.Scheme || request.URL.Host != from.Host {
		return fmt.Errorf("it redirects to another server, %s://%s", request.URL.Scheme, request.URL.Host)
	}
	if len(via) > maxRedirects {
		return fmt.Errorf("it redirects more than %d times", maxRedirects)
	}
	return nil
}

func (s *server) Metadata(ctx context.Context, file string, limit int64) ([]byte, error) {
	return s.get(ctx, s.metadata.String()+url.PathEscape(file), limit)
}

func (s *server) Target(ctx context.Context, path string, limit int64) ([]byte, error) {
	if !fs.ValidPath(path) {
		return nil, fmt.Errorf("%q cannot be part of a URL: %w", path, fs.ErrNotExist)
	}
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		segments[i] = url.PathEscape(segment)
	}
	return s.get(ctx, s.targets.String()+strings.Join(segments, "/"), limit)
}

func (s *server) Close() error {
	s.client.CloseIdleConnections()
	return nil
}

func (s *server) get(ctx context.Context, address string, limit int64) (data []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	switch {
	case response.StatusCode == http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", address, fs.ErrNotExist)
	case response.StatusCode == http.StatusForbidden:
		return nil, fmt.Errorf("%s: the server answers 403 Forbidden, which object stores do for a file that does not exist, "+
			"unless clients may list what is: it must answer 404", address)
	case response.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("%s: the server answers %d %s", address, response.StatusCode, http.StatusText(response.StatusCode))
	case response.ContentLength > limit:
		return nil, fmt.Errorf("%s: %w: has %d bytes, the limit is %d", address, ErrTooLarge, response.ContentLength, limit)
	}
	body := &paced{reader: response.Body, clock: s.clock, start: s.clock()}
	if data, err = io.ReadAll(io.LimitReader(body, limit+1)); err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: %w: has more than %d bytes", address, ErrTooLarge, limit)
	}
	return data, nil
}

// paced fails when what it reads comes too slowly.
type paced struct {
	reader io.Reader
	clock  func() time.Time
	start  time.Time
	bytes  int64
}

func (p *paced) Read(buffer []byte) (int, error) {
	n, err := p.reader.Read(buffer)
	p.bytes += int64(n)
	elapsed := p.clock().Sub(p.start)
	if err == nil && elapsed > GracePeriod && float64(p.bytes) < elapsed.Seconds()*MinBytesPerSecond {
		return n, fmt.Errorf("%w: %d bytes in %s", ErrTooSlow, p.bytes, elapsed.Round(time.Second))
	}
	return n, err
}
