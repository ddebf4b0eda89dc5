package pipeline

import (
	"context"

	"github.com/latticenet/lattice-host/abi"
)

// Plugin is one plugin, ready to be called. It is safe for concurrent use.
type Plugin interface {
	// Manifest returns the plugin's manifest, which must not be changed.
	Manifest() *abi.Manifest
	// Digest returns the digest of the module, sha256:….
	Digest() string
	// Derive calls the plugin. The answer must be well-formed, see [abi.Decode], and is the
	// caller's: nothing may change it after the call. unknown are the keys of the answer that the
	// host does not know. The request must not be kept or changed. Errors are passed on to the
	// caller of the engine, so that errors.Is works.
	Derive(ctx context.Context, req *abi.Request) (resp *abi.Response, unknown []string, err error)
	// Validate lets the plugin check the settings of a step.
	Validate(ctx context.Context, req *abi.ValidateRequest) (resp *abi.ValidateResponse, unknown []string, err error)
}

// Recaller is a [Plugin] that may know an answer without being run.
type Recaller interface {
	Plugin
	// Recall returns what Derive would, if that is at hand and depends on the request alone.
	Recall(req *abi.Request) (resp *abi.Response, ok bool)
}

// Plugins finds plugins.
type Plugins interface {
	// Plugin returns the plugin for a name as it is written in a pipeline: publisher/name, or the
	// bare name.
	Plugin(ctx context.Context, name string) (Plugin, error)
}
