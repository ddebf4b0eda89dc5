package abi

import (
	"errors"
	"strconv"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// tooLargeError marks a message beyond the size limit of its kind.
type tooLargeError struct{ size, limit int }

func (e *tooLargeError) Error() string {
	return "the message has " + strconv.Itoa(e.size) + " bytes, the limit is " + strconv.Itoa(e.limit)
}

// IsTooLarge reports whether err says that a message is larger than its limit.
func IsTooLarge(err error) bool {
	var e *tooLargeError
	return errors.As(err, &e)
}

// Encoder is a message that can be written. Every message struct is one by its pointer.
type Encoder interface {
	AppendCBOR(dst []byte) []byte
}

// Decoder is a message that can be read. Every message struct is one by its pointer.
type Decoder interface {
	DecodeCBOR(d *cbor.Decoder)
}

// Encode appends m in the given encoding.
func Encode(dst []byte, m Encoder, encoding Encoding) ([]byte, error) {
	switch encoding {
	case EncodingCBOR:
		return m.AppendCBOR(dst), nil
	case EncodingJSON:
		return cbor.ToJSON(dst, m.AppendCBOR(nil))
	}
	return nil, errEncoding(encoding)
}

// Decode reads m from data, which must be well-formed, at most limit bytes long and nest at most
// [MaxDepth] deep. Text and raw values of m may point into data. The keys that m does not know are
// returned in the order of the message.
//
// The error satisfies [IsTooLarge] or cbor.IsMalformed.
func Decode(data []byte, encoding Encoding, limit int, m Decoder) (unknown []string, err error) {
	if len(data) > limit {
		return nil, &tooLargeError{len(data), limit}
	}
	switch encoding {
	case EncodingCBOR:
		if err := cbor.Validate(data, MaxDepth); err != nil {
			return nil, err
		}
	case EncodingJSON:
		if data, err = cbor.FromJSON(nil, data, MaxDepth); err != nil {
			return nil, err
		}
	default:
		return nil, errEncoding(encoding)
	}
	d := cbor.NewDecoder(data)
	m.DecodeCBOR(d)
	return d.UnknownKeys(), d.Finish()
}

func errEncoding(e Encoding) error {
	return errors.New("the encoding " + strconv.Quote(string(e)) + " is neither cbor nor json")
}
