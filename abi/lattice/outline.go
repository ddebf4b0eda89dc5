package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// DecodeOutlineCBOR reads a service without its containers and sidecars, which are most of it.
func (x *LatticeService) DecodeOutlineCBOR(d *cbor.Decoder) {
	d.Omit(&typeOfMapOfContainer, &typeOfMapOfSidecar)
	x.DecodeCBOR(d)
}

// DecodeOutlineCBOR reads a job without the containers and sidecars of its tasks.
func (x *LatticeJob) DecodeOutlineCBOR(d *cbor.Decoder) {
	d.Omit(&typeOfMapOfContainer, &typeOfMapOfSidecar)
	x.DecodeCBOR(d)
}
