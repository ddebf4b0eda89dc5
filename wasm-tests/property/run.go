package property

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// Count returns how many services are derived.
func Count() uint64 {
	if os.Getenv("CI") == "night" {
		return 2000
	}
	return 150
}

// Derive derives the services of n seeds, each written by write. The plugins may be ordinary Go or
// modules.
func Derive(ctx context.Context, plugins pipeline.Plugins, n uint64, write func(seed uint64) []byte) ([]*bundle.Bundle, error) {
	settings, err := pipeline.ParseSettings("settings.yaml", Settings())
	if err != nil {
		return nil, err
	}
	options := settings.Documents(nil)
	peers, err := resource.Decode("peers.yaml", Peers(n), options)
	if err != nil {
		return nil, err
	}
	var documents []*resource.Document
	for seed := range n {
		decoded, err := resource.Decode(fmt.Sprintf("seed-%d.json", seed), write(seed), options)
		if err != nil {
			return nil, err
		}
		documents = append(documents, decoded...)
	}
	engine, err := pipeline.New(ctx, pipeline.Config{Plugins: plugins, Settings: settings, Peers: peers})
	if err != nil {
		return nil, err
	}
	return engine.DeriveAll(ctx, documents)
}

// Ordered writes the service of a seed with the keys of every map in order.
func Ordered(seed uint64) []byte { return encoded(Service(seed)) }

// Shuffled writes the service of a seed with the keys of every map in an order that only the seed
// decides.
func Shuffled(seed uint64) []byte {
	return shuffled(nil, rand.New(rand.NewPCG(seed, 8)), Service(seed))
}

func shuffled(text []byte, r *rand.Rand, value any) []byte {
	switch v := value.(type) {
	case Object:
		keys := slices.Sorted(maps.Keys(v))
		r.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		text = append(text, '{')
		for i, key := range keys {
			if i > 0 {
				text = append(text, ',')
			}
			text = append(fmt.Appendf(text, "%s:", encoded(key)), shuffled(nil, r, v[key])...)
		}
		return append(text, '}')
	case []Object:
		text = append(text, '[')
		for i, item := range v {
			if i > 0 {
				text = append(text, ',')
			}
			text = shuffled(text, r, item)
		}
		return append(text, ']')
	}
	return append(text, encoded(value)...)
}

// encoded is the JSON of what the generator makes, which always has one.
func encoded(value any) []byte {
	data, _ := json.Marshal(value)
	return data
}
