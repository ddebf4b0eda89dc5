package oci

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// Limits of the client. A registry that is slow or lies must not hold up an operator forever.
const (
	connectTimeout = 10 * time.Second
	// headerTimeout is how long a registry may think before it answers.
	headerTimeout = 30 * time.Second
	// requestTimeout bounds one request with its whole body: the largest module at 128 KiB/s.
	requestTimeout = 5 * time.Minute
	// maxReferrerPages bounds how long a registry can keep a client listing.
	maxReferrerPages = 10
)

// Credential returns what to log in to a registry with, which it gets as host:port. Empty strings
// log no one in.
type Credential func(ctx context.Context, registry string) (username, password string, err error)

// Options say how a repository is reached.
type Options struct {
	// PlainHTTP is for registries on the loopback interface and in tests: without TLS everybody on
	// the way can read and change what is transferred, and read the password.
	PlainHTTP bool
	// Credential logs in; nil does not.
	Credential Credential
	// Transport makes requests; nil is a transport of its own, which honours the proxy variables of
	// the environment.
	Transport http.RoundTripper
}

// Open returns the repository with a name such as registry.example.com/platform/keda. It does not
// connect.
func Open(name string, opts Options) (*remote.Repository, error) {
	r, err := remote.NewRepository(name)
	if err != nil {
		return nil, fmt.Errorf("repository %q: %w", name, err)
	}
	if r.Reference.Reference != "" {
		return nil, fmt.Errorf("repository %q: must not have a tag or digest", name)
	}
	r.PlainHTTP = opts.PlainHTTP
	r.ReferrerListMaxPages = maxReferrerPages
	// Registries without an API for referrers often delete nothing either. A second bundle replaces
	// the list of the first, and what is left of that is for the registry to collect.
	r.SkipReferrersGC = true
	r.MaxMetadataBytes = maxManifestBytes * MaxBundles
	r.Client = client(opts)
	return r, nil
}

func client(opts Options) *auth.Client {
	transport := opts.Transport
	if transport == nil {
		transport = newTransport()
	}
	c := &auth.Client{
		Client: &http.Client{Transport: transport, Timeout: requestTimeout, CheckRedirect: newRedirects().check},
		Cache:  auth.NewCache(),
	}
	c.SetUserAgent("lattice-host")
	if opts.Credential != nil {
		c.Credential = func(ctx context.Context, registry string) (auth.Credential, error) {
			username, password, err := opts.Credential(ctx, registry)
			return auth.Credential{Username: username, Password: password}, err
		}
	}
	return c
}

func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTimeout}).DialContext,
		TLSHandshakeTimeout:   connectTimeout,
		ResponseHeaderTimeout: headerTimeout,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   2,
		IdleConnTimeout:       time.Minute,
	}
}

func sortByDigest(d []ocispec.Descriptor) {
	slices.SortFunc(d, func(a, b ocispec.Descriptor) int { return cmp.Compare(a.Digest, b.Digest) })
}
