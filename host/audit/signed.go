package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// The payload types of what is signed. They differ, so that neither a checkpoint nor the head of a
// segment, which lies next to the log, can serve as the head of a log that was cut.
const (
	checkpointType = "application/vnd.lattice.audit.checkpoint.v1+json"
	headType       = "application/vnd.lattice.audit.head.v1+json"
	segmentType    = "application/vnd.lattice.audit.segment.v1+json"
)

// maxSignedBytes is far above the size of a signed checkpoint, and of a head with hundreds of
// [Recovered].
const maxSignedBytes = 1 << 20

// Position is a place in a log.
type Position struct {
	// Seq is the number of a line, 0 before the first. Head is the SHA-256 of that line; empty
	// before the first.
	Seq  int64  `json:"seq"`
	Head string `json:"head"`
}

// checkpoint is what the line of kind checkpoint signs: the line before it.
type checkpoint struct {
	Position
	// PolicyDigest names the policies of the last decision; empty if there was no decision.
	PolicyDigest string `json:"policyDigest"`
}

// head is where a log ends.
type head struct {
	Position
	PolicyDigest string `json:"policyDigest"`
	// Size is the size of the log in bytes.
	Size int64 `json:"size"`
	// Checkpoint is the number of the last checkpoint line.
	Checkpoint int64 `json:"checkpoint"`
	// Start is the line before the first one of the file: the last of the segment before. Zero in
	// the first segment.
	Start Position `json:"start,omitzero"`
	// Pruned is the line up to which segments were removed on purpose; zero when none was.
	Pruned Position `json:"pruned,omitzero"`
	// Recovered is what was moved away from after the end and is not noted in the log yet: the next
	// lines do that.
	Recovered []Recovered `json:"recovered,omitempty"`
}

// whole reports whether the numbers fit together.
func (h *head) whole() bool {
	return h.Size >= 0 && 0 <= h.Pruned.Seq && h.Pruned.Seq <= h.Start.Seq && h.Start.Seq <= h.Seq &&
		0 <= h.Checkpoint && h.Checkpoint <= h.Seq &&
		(h.Size == 0) == (h.Position == h.Start) && (h.Start.Seq == 0) == (h.Start.Head == "") && (h.Pruned.Seq == 0) == (h.Pruned.Head == "")
}

// new reports whether nothing was noted yet.
func (h *head) new() bool { return h.Position == Position{} }

// envelope is a DSSE envelope.
type envelope struct {
	Payload     string              `json:"payload"`
	PayloadType string              `json:"payloadType"`
	Signatures  []envelopeSignature `json:"signatures"`
}

type envelopeSignature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// sign returns v in an envelope.
func sign(key release.PrivateKey, payloadType string, v any) (*envelope, error) {
	payload, err := exactjson.Marshal(v)
	if err != nil {
		return nil, err
	}
	signature, err := release.SignPayload(key, payloadType, payload)
	if err != nil {
		return nil, err
	}
	return &envelope{
		Payload: base64.StdEncoding.EncodeToString(payload), PayloadType: payloadType,
		Signatures: []envelopeSignature{{KeyID: key.ID, Sig: base64.StdEncoding.EncodeToString(signature)}},
	}, nil
}

// open reads an envelope of a type into v, if one of keys signed it.
func open(keys []release.PublicKey, payloadType string, data []byte, v any) error {
	var e envelope
	if err := exactjson.Unmarshal(data, maxSignedBytes, &e); err != nil {
		return err
	}
	if e.PayloadType != payloadType || len(e.Signatures) != 1 {
		return fmt.Errorf("it must be of the type %s, with one signature", payloadType)
	}
	payload, err := base64.StdEncoding.Strict().DecodeString(e.Payload)
	if err != nil {
		return errors.New("the payload is not base64")
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(e.Signatures[0].Sig)
	if err != nil {
		return errors.New("the signature is not base64")
	}
	if err := release.VerifyPayload(keys, e.Signatures[0].KeyID, payloadType, payload, signature); err != nil {
		return err
	}
	return exactjson.Unmarshal(payload, maxSignedBytes, v)
}

// encodeHead returns the content of the file of a head.
func encodeHead(key release.PrivateKey, payloadType string, h *head) ([]byte, error) {
	e, err := sign(key, payloadType, h)
	if err != nil {
		return nil, err
	}
	data, err := exactjson.Marshal(e)
	return append(data, '\n'), err
}

// parseHead reads the file of a head.
func parseHead(keys []release.PublicKey, payloadType string, data []byte) (*head, error) {
	h := new(head)
	if err := open(keys, payloadType, bytes.TrimSuffix(data, []byte("\n")), h); err != nil {
		return nil, err
	}
	if !h.whole() {
		return nil, errors.New("its numbers do not fit together")
	}
	return h, nil
}

// headFile returns the file with the head of a log.
func headFile(file string) string { return file + headEnding }

const headEnding = ".head"

// readHead reads the head of the log in a file, or of a segment.
func readHead(file, payloadType string, keys []release.PublicKey) (*head, error) {
	data, err := diskfile.Read(os.OpenFile, headFile(file), maxSignedBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w: %w", headFile(file), ErrTampered, errNoHead)
	}
	if err != nil && !errors.Is(err, diskfile.ErrTooLarge) {
		return nil, err
	}
	h, err := parseHead(keys, payloadType, data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", headFile(file), ErrTampered, err)
	}
	return h, nil
}

// errNoHead is a missing head.
var errNoHead = errors.New("the file is missing, though there is a log")
