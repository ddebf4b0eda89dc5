package codecache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
)

// Key names a compiled module: the SHA-256 of everything that the machine code depends on.
type Key [sha256.Size]byte

// String returns the key as 64 lower-case hexadecimal digits.
func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Header says what a compiled module is.
type Header struct {
	// Engine is what compiled the module, for which machine.
	Engine string `json:"engine"`
	// Plugin is the plugin that the module was compiled for first, as publisher/name@version.
	// Another one with the same code uses the same entry.
	Plugin string `json:"plugin"`
	// Digest is the SHA-256 of that plugin's module, as sha256: and 64 hexadecimal digits.
	Digest string `json:"digest"`
	// File is the name under which the engine looks for the machine code.
	File string `json:"file"`
}

// ErrDamaged says that a file is not what was kept, or that it cannot be trusted to be.
var ErrDamaged = errors.New("damaged")

// An entry is a file: the magic, the SHA-256 of all that follows, the header's length in four
// bytes, big-endian, the header as JSON, and the compiled module up to the end of the file. One
// checksum over everything leaves no byte that could be changed unnoticed; the key is in the header
// too, so that neither can a file's name.
const (
	magic = "lattice-code-1\n"
	// prefixBytes is what precedes the header.
	prefixBytes = len(magic) + sha256.Size + 4
	// maxHeaderBytes is far more than names and digests need.
	maxHeaderBytes = 16 << 10
)

// storedHeader is the header as it is in the file.
type storedHeader struct {
	Key string `json:"key"`
	Header
}

// encode returns the bytes of an entry.
func encode(key Key, h Header, code []byte) ([]byte, error) {
	header, err := json.Marshal(storedHeader{key.String(), h})
	if err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	if len(header) > maxHeaderBytes {
		return nil, fmt.Errorf("the header has %d bytes, the limit is %d", len(header), maxHeaderBytes)
	}
	b := make([]byte, prefixBytes, prefixBytes+len(header)+len(code))
	binary.BigEndian.PutUint32(b[prefixBytes-4:], uint32(len(header)))
	b = append(append(b, header...), code...)
	sum := sha256.Sum256(b[len(magic)+sha256.Size:])
	copy(b[copy(b, magic):], sum[:])
	return b, nil
}

// fileName is what the engine's files may be called: nothing that leads to another folder.
var fileName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$`)

func (h Header) check() error {
	if !fileName.MatchString(h.File) {
		return fmt.Errorf("the file name %q is not one", h.File)
	}
	return nil
}

// entry is an entry that is being read. Its header is not to be trusted before copyCode has
// succeeded.
type entry struct {
	Header
	from io.Reader
	want [sha256.Size]byte
	sum  hash.Hash
}

// readEntry reads up to the compiled module. The error wraps [ErrDamaged], unless reading failed.
func readEntry(from io.Reader, key Key) (*entry, error) {
	e := &entry{from: from, sum: sha256.New()}
	prefix := make([]byte, prefixBytes)
	if err := readFull(from, prefix); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(prefix, []byte(magic)) {
		return nil, fmt.Errorf("%w: it is not a compiled module", ErrDamaged)
	}
	copy(e.want[:], prefix[len(magic):])
	size := prefix[prefixBytes-4:]
	n := binary.BigEndian.Uint32(size)
	if n > maxHeaderBytes {
		return nil, fmt.Errorf("%w: its header has %d bytes, the limit is %d", ErrDamaged, n, maxHeaderBytes)
	}
	header := make([]byte, n)
	if err := readFull(from, header); err != nil {
		return nil, err
	}
	e.sum.Write(size)
	e.sum.Write(header)
	return e, e.parse(header, key)
}

func (e *entry) parse(header []byte, key Key) error {
	var stored storedHeader
	if err := json.Unmarshal(header, &stored); err != nil {
		return fmt.Errorf("%w: its header is not JSON", ErrDamaged)
	}
	if stored.Key != key.String() {
		return fmt.Errorf("%w: it belongs under another name", ErrDamaged)
	}
	if err := stored.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	e.Header = stored.Header
	return nil
}

// copyCode copies the compiled module to a writer, and reports whether what it wrote, and the
// header, are what was kept. The error wraps [ErrDamaged], unless reading or writing failed.
func (e *entry) copyCode(to io.Writer) error {
	if _, err := io.CopyBuffer(io.MultiWriter(e.sum, to), onlyReader{e.from}, make([]byte, copyBytes)); err != nil {
		return err
	}
	if !bytes.Equal(e.sum.Sum(nil), e.want[:]) {
		return fmt.Errorf("%w: its checksum is wrong", ErrDamaged)
	}
	return nil
}

// discard reads the content for its checksum only.
func (e *entry) discard() error { return e.copyCode(io.Discard) }

// copyBytes is how much is copied at a time: what was just read is still in the processor's cache
// when it is hashed and written.
const copyBytes = 128 << 10

// onlyReader hides what else a reader can do. A file would find a way to be copied past the
// checksum's buffer.
type onlyReader struct{ io.Reader }

func readFull(from io.Reader, b []byte) error {
	_, err := io.ReadFull(from, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	return err
}
