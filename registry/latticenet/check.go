package latticenet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/registry/internal/check"
)

const (
	// maxNameBytes bounds names and titles.
	maxNameBytes = 80
	// maxContractBytes bounds what says which hosts a plugin is for.
	maxContractBytes = 128
	// maxTargetFields is how many fields of a request may hold an operator's addresses.
	maxTargetFields = 4
)

// The largest budget of one call.
const (
	maxTimeoutMS   = 30_000
	maxStdoutBytes = 8 << 20
	maxStderrBytes = 1 << 20
	maxHostCalls   = 512
)

// checker checks the parts of a manifest.
type checker struct{ check.Problems }

// Check returns everything that is wrong with the manifest, one problem a line. The signature is
// not looked at, except for its form.
func (m *Manifest) Check() error {
	var c checker
	c.OneOf("schema", m.Schema, "", SchemaV2)
	c.identity(m)
	c.capabilities(m)
	if m.IsV2() {
		c.version2(m)
	} else {
		c.version1(m)
	}
	c.interfaces(m)
	c.hostAccess(m)
	c.ui(m)
	c.dependencies(m)
	return c.Err()
}

func quote(s string) string { return strconv.Quote(s) }

func (c *checker) identity(m *Manifest) {
	c.id("id", m.ID)
	c.printable("name", m.Name, maxNameBytes)
	c.Require(m.Name == "" || strings.TrimSpace(m.Name) != "", "name", "must not be blank")
	c.OneOf("type", m.Type, TypeSystem, TypeWasm, TypeWorker)
	if m.Publisher != "" {
		c.id("publisher", m.Publisher)
	}
	if m.Version != "" || m.IsV2() {
		c.Require(validVersion(m.Version), "version", quote(m.Version)+" must match "+versionPattern.String()+
			", without two dots in a row or one at the end, and not be the name of a device of Windows")
	}
	if m.Signature != "" {
		c.Base64("signature_ed25519", m.Signature, signatureBytes)
	}
}

func (c *checker) id(field, value string) {
	c.Require(validID(value), field, quote(value)+" must match "+idPattern.String()+
		", without two dots in a row, and not be the name of a device of Windows")
}

func (c *checker) printable(field, value string, limit int) {
	c.Require(value != "" && len(value) <= limit && isPrintable(value), field, fmt.Sprintf("must be 1 to %d bytes of printable text", limit))
}

func (c *checker) digest(field, value string) {
	c.Require(digestPattern.MatchString(value), field, "must be 64 lower-case hexadecimal digits")
}

// version1 refuses what a signature of version 1 does not cover. The signature is over lines, so
// that a line break in a field would make the lines of one manifest those of another.
func (c *checker) version1(m *Manifest) {
	if m.Entrypoint != "" {
		c.printable("entrypoint", m.Entrypoint, maxPathBytes)
	}
	if m.DigestSHA256 != "" {
		c.digest("digest_sha256", m.DigestSHA256)
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"bundle", m.Bundle != nil}, {"runtime", m.Runtime != nil}, {"ui_runtime", m.UIRuntime != nil},
		{"compatibility", m.Compatibility != nil}, {"min_server", m.MinServer != ""}, {"host_access", m.HostAccess != nil},
		{"dependencies", m.Signature != "" && len(m.Dependencies) > 0},
	} {
		c.Require(!f.set, f.name, "a signature of version 1 does not cover it, use schema "+SchemaV2)
	}
}

func (c *checker) version2(m *Manifest) {
	c.Require(m.Entrypoint == "", "entrypoint", "belongs to version 1, use runtime.entrypoints")
	c.Require(m.DigestSHA256 == "", "digest_sha256", "belongs to version 1, use bundle.digest_sha256")
	if c.Require(m.Bundle != nil, "bundle", "is missing"); m.Bundle != nil {
		c.OneOf("bundle.format", m.Bundle.Format, FormatTarGzip)
		c.digest("bundle.digest_sha256", m.Bundle.DigestSHA256)
	}
	c.runtime(m.Runtime)
	if m.UIRuntime != nil {
		c.uiRuntime(m.UIRuntime)
	}
	if c.Require(m.Compatibility != nil, "compatibility", "is missing"); m.Compatibility != nil {
		c.contract("compatibility.server", m.Compatibility.Server)
		c.contract("compatibility.dashboard_host", m.Compatibility.DashboardHost)
		c.contract("compatibility.runtime_protocol", m.Compatibility.RuntimeProtocol)
	}
	if m.MinServer != "" {
		c.contract("min_server", m.MinServer)
	}
}

func (c *checker) contract(field, value string) {
	c.printable(field, value, maxContractBytes)
	c.Require(value == "" || strings.TrimSpace(value) != "", field, "must not be blank")
}

func (c *checker) runtime(r *Runtime) {
	if r == nil {
		c.Fail("runtime", "is missing")
		return
	}
	c.OneOf("runtime.protocol", r.Protocol, ProtocolStdioJSON)
	c.Require(len(r.Entrypoints) > 0, "runtime.entrypoints", "must name the program of at least one platform")
	platforms := make([]string, 0, len(r.Entrypoints))
	for platform := range r.Entrypoints {
		platforms = append(platforms, platform)
	}
	slices.Sort(platforms)
	for _, platform := range platforms {
		c.Require(platformPattern.MatchString(platform), "runtime.entrypoints", "the platform "+quote(platform)+" must match "+platformPattern.String())
		c.bundlePath("runtime.entrypoints."+platform, r.Entrypoints[platform], "bin/")
	}
}

func (c *checker) uiRuntime(u *UIRuntime) {
	c.OneOf("ui_runtime.mode", u.Mode, sandboxed)
	c.bundlePath("ui_runtime.entrypoint", u.Entrypoint, "ui/")
	c.Require(strings.HasSuffix(u.Entrypoint, ".html"), "ui_runtime.entrypoint", "must end in .html")
	c.OneOf("ui_runtime.bridge_version", u.BridgeVersion, "1")
}

func (c *checker) bundlePath(field, path, below string) {
	if problem := pathProblem(path); problem != "" {
		c.Fail(field, quote(path)+": "+problem)
		return
	}
	c.Require(strings.HasPrefix(path, below), field, quote(path)+" must begin with "+below)
}

func (c *checker) scopes(field string, scopes []string) {
	before := set{}
	for i, scope := range scopes {
		c.Require(scopePattern.MatchString(scope), element(field, i), quote(scope)+" must match "+scopePattern.String())
		c.Distinct(element(field, i), scope, before)
	}
}

func (c *checker) dependencies(m *Manifest) {
	before := set{}
	for i, d := range m.Dependencies {
		at := element("dependencies", i)
		c.id(at+".id", d.ID)
		c.Distinct(at+".id", d.ID, before)
		c.Require(d.ID != m.ID, at+".id", "a plugin cannot depend on itself")
		if err := CheckRange(d.Version); err != nil {
			c.Fail(at+".version", err.Error())
		}
	}
}
