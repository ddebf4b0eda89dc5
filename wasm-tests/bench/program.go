package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/plugins/builtin/deployment"
	"github.com/latticenet/lattice-host/plugins/builtin/egress"
	"github.com/latticenet/lattice-host/plugins/builtin/ingress"
	"github.com/latticenet/lattice-host/plugins/builtin/keda"
	networkpolicy "github.com/latticenet/lattice-host/plugins/builtin/network-policy"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// program derives as an ordinary Go program would: one document of JSON in, the objects as JSON
// out, with encoding/json and maps. It calls the functions of the derivation one after the other in
// its own process. It does not validate, set defaults, check what the functions answer, find
// conflicts, keep owners or make digests, so that it does less than the host does.
//
// The functions take their document and give their objects as CBOR. Turning them from JSON and into
// maps is part of the program; it takes the place of filling structs and building maps by hand, and
// less time than either.
type program struct {
	platform abi.Platform
	// peers are the documents that requirements ask for.
	peers map[abi.Ref]cbor.Raw
	// steps are the functions for each kind, in their order.
	steps map[string][]programStep
}

type programStep struct {
	name   string
	derive func(*sdk.Request, *sdk.Response) error
}

func newProgram(peers []*resource.Document) *program {
	p := &program{
		platform: pipeline.DefaultSettings().Platform,
		peers:    map[abi.Ref]cbor.Raw{},
		steps: map[string][]programStep{
			lattice.KindService: {
				{"mesh", networkpolicy.Plugin().Derive}, {"egress", egress.Plugin().Derive},
				{"deployment", deployment.Plugin().Derive}, {"autoscaling", keda.Plugin().Derive},
				{"ingress", ingress.Plugin().Derive},
			},
			lattice.KindMeshMember: {
				{"egress", egress.Plugin().Derive}, {"network", networkpolicy.Plugin().Derive}, {"ingress", ingress.Plugin().Derive},
			},
		},
	}
	for _, d := range peers {
		p.peers[d.Ref] = d.CBOR()
	}
	return p
}

// tree is an object as encoding/json has it.
type tree = map[string]any

// run derives from a document and returns the JSON of every object.
func (p *program) run(document []byte) ([][]byte, error) {
	var doc tree
	if err := json.Unmarshal(document, &doc); err != nil {
		return nil, err
	}
	objects, err := p.derive(document, doc)
	if err != nil {
		return nil, err
	}
	// What has steps of its own is derived in turn.
	for i := 0; i < len(objects); i++ {
		if kind, _ := objects[i]["kind"].(string); p.steps[kind] == nil {
			continue
		}
		text, err := json.Marshal(objects[i])
		if err != nil {
			return nil, err
		}
		below, err := p.derive(text, objects[i])
		if err != nil {
			return nil, err
		}
		objects = append(objects, below...)
	}
	texts := make([][]byte, len(objects))
	for i, o := range objects {
		if texts[i], err = json.Marshal(o); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// derive runs the steps for one document.
func (p *program) derive(text []byte, doc tree) ([]tree, error) {
	raw, err := cbor.FromJSON(nil, text, abi.MaxDepth)
	if err != nil {
		return nil, err
	}
	kind, _ := doc["kind"].(string)
	var objects []tree
	at := map[abi.Ref]tree{}
	req := sdk.Request{Request: abi.Request{ABI: abi.Version, Resource: raw, Platform: p.platform}}
	for _, s := range p.steps[kind] {
		resp, err := p.settle(s, req)
		if err != nil {
			return nil, fmt.Errorf("step %s: %w", s.name, err)
		}
		for _, o := range resp.Outputs {
			object, ok := toTree(o.Document).(tree)
			if !ok {
				return nil, fmt.Errorf("step %s: the output is not an object", s.name)
			}
			objects, at[o.Ref] = append(objects, object), object
		}
		for _, c := range resp.Contributions {
			fields, _ := toTree(c.Fields).(tree)
			merge(at[c.Ref], fields)
		}
		req.Context = append(req.Context, resp.Context...)
	}
	return objects, nil
}

// settle calls a step until it has the documents that it asks for.
func (p *program) settle(s programStep, req sdk.Request) (*sdk.Response, error) {
	req.Step = s.name
	for req.Round = 1; req.Round <= abi.MaxRounds; req.Round++ {
		resp := new(sdk.Response)
		if err := s.derive(&req, resp); err != nil {
			return nil, err
		}
		if resp.Failed() {
			return nil, errors.New("it refuses the document")
		}
		if len(resp.Requirements) == len(req.Answers) {
			return resp, nil
		}
		req.Answers = nil
		for _, q := range resp.Requirements {
			answer := abi.Answer{Name: q.Name}
			ref := abi.Ref{APIVersion: q.APIVersion, Kind: q.Kind, Namespace: q.Namespace, Name: q.MatchName}
			if peer := p.peers[ref]; peer != nil {
				answer.Resources = append(answer.Resources, peer)
			}
			req.Answers = append(req.Answers, answer)
		}
	}
	return nil, errors.New("its requirements do not settle")
}

// merge puts fields into an object.
func merge(into, fields tree) {
	for key, value := range fields {
		below, isTree := into[key].(tree)
		if more, ok := value.(tree); ok && isTree {
			merge(below, more)
			continue
		}
		into[key] = value
	}
}

// The kinds of CBOR item by the high three bits of their first byte, and the simple values that
// documents have.
const (
	cborText   = 3
	cborArray  = 4
	cborObject = 5
	cborFalse  = 0xf4
	cborTrue   = 0xf5
	cborNull   = 0xf6
	cborSimple = 7
)

// toTree turns a valid item into maps and slices.
func toTree(raw cbor.Raw) any {
	d := cbor.NewDecoder(raw)
	switch raw[0] >> 5 {
	case cborText:
		return d.String()
	case cborArray:
		n := d.Array()
		list := make([]any, n)
		for i := range list {
			list[i] = toTree(d.Raw())
		}
		return list
	case cborObject:
		n, key := d.Object(), ""
		object := make(tree, n)
		for i := range n {
			key = d.Key(i, key)
			object[key] = toTree(d.Raw())
		}
		return object
	case cborSimple:
		switch raw[0] {
		case cborFalse, cborTrue:
			return raw[0] == cborTrue
		case cborNull:
			return nil
		}
		return d.Float()
	}
	return d.Int()
}
