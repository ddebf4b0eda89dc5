package latticenet

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"

	"github.com/latticenet/lattice-host/registry/internal/strictjson"
)

// SchemaV2 is the value of [Manifest.Schema] in version 2. Version 1 has none.
const SchemaV2 = "lattice.plugin.manifest.v2"

// MaxManifestBytes is the largest manifest.
const MaxManifestBytes = 1 << 20

// The values of [Manifest.Type].
const (
	// TypeSystem is a native program.
	TypeSystem = "system"
	// TypeWasm is a module for a sandbox.
	TypeWasm = "wasm"
	// TypeWorker is a script for an edge worker.
	TypeWorker = "worker"
)

// Manifest is the document next to an artifact. The signature of version 2 is over the JSON of this
// struct: the order of its fields, and which of them are left out when empty, are part of the
// format.
type Manifest struct {
	// Schema is [SchemaV2], or empty in version 1.
	Schema string `json:"schema,omitempty"`
	// ID is distinct among the plugins of a server.
	ID string `json:"id"`
	// Name is for people.
	Name string `json:"name"`
	// Type is one of the Type constants.
	Type string `json:"type"`
	// Capabilities are what the plugin may do, see [LookUp].
	Capabilities []string `json:"capabilities"`
	// Version is required in version 2.
	Version string `json:"version,omitempty"`
	// Entrypoint describes the artifact of version 1 to people. Nothing is opened by this name.
	Entrypoint string `json:"entrypoint,omitempty"`
	// Publisher is whose key must have signed.
	Publisher string `json:"publisher,omitempty"`
	// DigestSHA256 is that of the artifact, in version 1.
	DigestSHA256 string `json:"digest_sha256,omitempty"`
	// Signature is base64 of 64 bytes. It is the one field that is not signed.
	Signature string `json:"signature_ed25519,omitempty"`
	// Bundle, Runtime, UIRuntime, Compatibility, MinServer and HostAccess belong to version 2.
	Bundle        *Bundle        `json:"bundle,omitempty"`
	Runtime       *Runtime       `json:"runtime,omitempty"`
	UIRuntime     *UIRuntime     `json:"ui_runtime,omitempty"`
	Compatibility *Compatibility `json:"compatibility,omitempty"`
	MinServer     string         `json:"min_server,omitempty"`
	HostAccess    *HostAccess    `json:"host_access,omitempty"`
	// UI is what the plugin adds to the dashboard.
	UI *UI `json:"ui,omitempty"`
	// Interfaces are the services that the plugin offers.
	Interfaces []Interface `json:"interfaces,omitempty"`
	// Dependencies are the plugins that this one needs.
	Dependencies []Dependency `json:"dependencies,omitempty"`
}

// Bundle says what the artifact is.
type Bundle struct {
	// Format is [FormatTarGzip].
	Format string `json:"format"`
	// DigestSHA256 is that of the compressed bytes.
	DigestSHA256 string `json:"digest_sha256"`
}

// FormatTarGzip is the only format of bundles.
const FormatTarGzip = "tar+gzip"

// Runtime says which program of the bundle runs on which platform.
type Runtime struct {
	// Protocol is [ProtocolStdioJSON].
	Protocol string `json:"protocol"`
	// Entrypoints are paths below bin/ in the bundle, by platform, such as linux/amd64.
	Entrypoints map[string]string `json:"entrypoints"`
}

// ProtocolStdioJSON is the only protocol of runtimes.
const ProtocolStdioJSON = "stdio-json-v1"

// UIRuntime is the page that a dashboard shows in a frame.
type UIRuntime struct {
	// Mode is "sandbox".
	Mode string `json:"mode"`
	// Entrypoint is a page below ui/ in the bundle.
	Entrypoint string `json:"entrypoint"`
	// BridgeVersion is "1".
	BridgeVersion string `json:"bridge_version"`
}

// Compatibility says which hosts the plugin was made for.
type Compatibility struct {
	Server          string `json:"server"`
	DashboardHost   string `json:"dashboard_host"`
	RuntimeProtocol string `json:"runtime_protocol"`
}

// HostAccess lists the services of other plugins that this one calls through the host.
type HostAccess struct {
	RPC []RPC `json:"rpc,omitempty"`
}

// RPC is one such service.
type RPC struct {
	Service string   `json:"service"`
	Methods []string `json:"methods"`
}

// Interface is one service that the plugin offers.
type Interface struct {
	// Service is the plugin's id, a slash and a suffix.
	Service string `json:"service"`
	// Methods are names in version 1 and objects in version 2.
	Methods Methods `json:"methods"`
	// Scopes are those of methods that have none of their own.
	Scopes []string `json:"scopes,omitempty"`
	// Backing is one of the Backing constants, in version 2.
	Backing string `json:"backing,omitempty"`
}

// The values of [Interface.Backing].
const (
	// BackingRuntime is a service that the plugin's own program answers.
	BackingRuntime = "runtime"
	// BackingCore is a service that the server answers in the plugin's name.
	BackingCore = "core"
)

// Methods is a list of names or a list of objects, never both.
type Methods struct {
	Names []string
	Typed []Method
}

// Method is one method in version 2.
type Method struct {
	Name string `json:"name"`
	// Effect is one of the Effect constants.
	Effect string   `json:"effect"`
	Scopes []string `json:"scopes,omitempty"`
	// OperatorTargetFields name the fields of a request that hold addresses which an operator
	// chose.
	OperatorTargetFields []string `json:"operator_target_fields,omitempty"`
	Budget               *Budget  `json:"budget,omitempty"`
}

// The values of [Method.Effect].
const (
	// EffectRead changes nothing.
	EffectRead = "read"
	// EffectWrite changes the plugin's own state.
	EffectWrite = "write"
	// EffectPlan proposes a change of machines, for approval.
	EffectPlan = "plan"
)

// Budget bounds one call of a method.
type Budget struct {
	TimeoutMS   int64 `json:"timeout_ms"`
	StdoutBytes int64 `json:"stdout_bytes"`
	StderrBytes int64 `json:"stderr_bytes"`
	HostCalls   int64 `json:"host_calls"`
}

// Dependency is a plugin that another one needs.
type Dependency struct {
	ID string `json:"id"`
	// Version is a range, see [CheckRange].
	Version string `json:"version,omitempty"`
	// Optional dependencies may be missing.
	Optional bool `json:"optional,omitempty"`
}

// MarshalJSON writes names or objects, whichever the list has.
func (m Methods) MarshalJSON() ([]byte, error) {
	if m.Typed != nil {
		return json.Marshal(m.Typed)
	}
	return json.Marshal(m.Names)
}

// UnmarshalJSON reads a list of names or a list of objects.
func (m *Methods) UnmarshalJSON(data []byte) error {
	*m = Methods{}
	if json.Unmarshal(data, &m.Names) == nil {
		return nil
	}
	m.Names = nil
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&m.Typed); err != nil {
		return errors.New("methods must be all names or all objects of name, effect, scopes, operator_target_fields and budget")
	}
	return nil
}

// Parse reads a manifest strictly and checks every rule of its version. It proves nothing about the
// origin: see [Policy.Verify].
func Parse(data []byte) (*Manifest, error) {
	var m Manifest
	if err := strictjson.Decode(data, MaxManifestBytes, &m); err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	return &m, nil
}

// Encode returns the manifest as indented JSON. Equal manifests give equal bytes.
func (m *Manifest) Encode() ([]byte, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	return strictjson.MarshalIndent(m)
}

// Reference returns id@version, for messages.
func (m *Manifest) Reference() string {
	if m.Version == "" {
		return m.ID
	}
	return m.ID + "@" + m.Version
}

// Digest returns the SHA-256 that the artifact must have, in hexadecimal; empty when the manifest
// does not say.
func (m *Manifest) Digest() string {
	if m.Bundle != nil {
		return m.Bundle.DigestSHA256
	}
	return m.DigestSHA256
}

// IsV2 reports whether the manifest is of version 2.
func (m *Manifest) IsV2() bool { return m.Schema == SchemaV2 }

// has reports whether the manifest asks for a capability.
func (m *Manifest) has(capability string) bool { return slices.Contains(m.Capabilities, capability) }

// entrypoints returns the files of the bundle that are programs, sorted.
func (m *Manifest) entrypoints() []string {
	if m.Runtime == nil {
		return nil
	}
	var paths []string
	for _, path := range m.Runtime.Entrypoints {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
