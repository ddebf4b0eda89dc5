package sdk

import (
	"strconv"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// Plugin is a derivation.
type Plugin struct {
	// Derive turns the request's resource into outputs. It must be pure: the same request gives the
	// same response. An error that it returns is reported like an error result without a field.
	Derive func(*Request, *Response) error
	// Validate checks settings beyond what the settings schema says; it may be nil.
	Validate func(settings Value, r *Response)
}

// Serve answers one encoded message of the host. It never panics on a malformed message: what is
// wrong is an error result in the answer.
func (p *Plugin) Serve(op abi.Op, message []byte) []byte {
	switch op {
	case abi.OpDerive:
		return p.derive(message)
	case abi.OpValidate:
		return p.validate(message)
	}
	return failed("operation " + strconv.Itoa(int(op)) + " is not part of the ABI")
}

func (p *Plugin) derive(message []byte) []byte {
	var request Request
	d := cbor.NewDecoder(message)
	request.DecodeCBOR(d)
	if err := d.Finish(); err != nil {
		return failed("the request is malformed: " + err.Error())
	}
	if err := abi.CheckVersion(request.ABI); err != nil {
		return failed("the request's " + err.Error())
	}
	var response Response
	if err := p.Derive(&request, &response); err != nil {
		response.Error("", err.Error())
	}
	return response.AppendCBOR(make([]byte, 0, len(response.encoded)+roomForRest))
}

func (p *Plugin) validate(message []byte) []byte {
	var request abi.ValidateRequest
	d := cbor.NewDecoder(message)
	request.DecodeCBOR(d)
	if err := d.Finish(); err != nil {
		return failed("the request is malformed: " + err.Error())
	}
	var response Response
	if p.Validate != nil {
		p.Validate(Value(request.Settings), &response)
	}
	answer := abi.ValidateResponse{Results: response.Results}
	return answer.AppendCBOR(nil)
}

// failed is an answer to any operation that holds just one error.
func failed(message string) []byte {
	answer := abi.ValidateResponse{Results: []abi.Result{{Severity: abi.SeverityError, Message: message}}}
	return answer.AppendCBOR(nil)
}
