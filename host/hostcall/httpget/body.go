package httpget

import (
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// readBody returns the body, unpacked and within its limit.
func readBody(resp *http.Response) ([]byte, error) {
	switch resp.StatusCode {
	case http.StatusNoContent, http.StatusNotModified:
		// There is nothing to unpack, whatever the headers say of the content that there would be
		// (RFC 9110, 15.3.5, 15.4.5).
		return nil, nil
	}
	// Reading packed bytes is bounded, too: a few that unpack to nothing could be followed by any
	// number more.
	packed := io.LimitReader(resp.Body, abi.MaxHTTPBodyBytes+1)
	reader, err := unpack(packed, resp.Header.Values("Content-Encoding"))
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(reader, abi.MaxHTTPBodyBytes+1))
	if len(body) > abi.MaxHTTPBodyBytes {
		return nil, problem(abi.HostErrorTooLarge, "the answer has more than "+strconv.Itoa(abi.MaxHTTPBodyBytes)+" bytes")
	}
	return body, err
}

func unpack(r io.Reader, encodings []string) (io.Reader, error) {
	switch strings.ToLower(strings.Join(encodings, ",")) {
	case "", "identity":
		return r, nil
	case "gzip", "x-gzip":
		return gzip.NewReader(r)
	}
	return nil, problem(abi.HostErrorUnavailable, "the server packs its answer in a way that it was not asked for")
}
