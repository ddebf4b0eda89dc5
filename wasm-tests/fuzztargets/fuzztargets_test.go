// Package fuzztargets holds no code: its test asserts that every parser of outside bytes has a fuzz
// target. A fuzz run over a target that was renamed or moved would pass without fuzzing anything.
package fuzztargets

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// targets returns the fuzz target that feeds each parser, by package.
func targets() map[string][]string {
	return map[string][]string{
		"abi":                               {"FuzzDecodeRequest", "FuzzDecodeResponse", "FuzzParseManifest"},
		"abi/bundle":                        {"FuzzParse"},
		"abi/cbor":                          {"FuzzFromJSON", "FuzzType", "FuzzValidate"},
		"abi/contract":                      {"FuzzRead"},
		"internal/kind":                     {"FuzzParseSchema"},
		"internal/problem":                  {"FuzzCompareNatural"},
		"internal/yamldoc":                  {"FuzzOpen"},
		"host/audit":                        {"FuzzVerify"},
		"host/codecache":                    {"FuzzEntry"},
		"host/gate/cedar":                   {"FuzzParseDocument", "FuzzParsePolicies"},
		"host/gate/policy":                  {"FuzzLoad"},
		"host/gate/quota":                   {"FuzzParse"},
		"host/gate/rego":                    {"FuzzParse"},
		"host/gate/facts":                   {"FuzzRead"},
		"host/hostcall":                     {"FuzzParseTape", "FuzzServe"},
		"host/memo":                         {"FuzzDecodeKept", "FuzzRead"},
		"host/pipeline":                     {"FuzzParseBundle", "FuzzParsePipelines", "FuzzParsePlatform", "FuzzParseSettings"},
		"host/resource":                     {"FuzzDecodeJSON", "FuzzDecodeYAML"},
		"host/sandbox":                      {"FuzzInspect", "FuzzJoinSegments", "FuzzLoad"},
		"host/sandbox/extism":               {"FuzzRewrite"},
		"host/sandbox/meter":                {"FuzzGenerated", "FuzzRewrite"},
		"plugins/builtin/internal/endpoint": {"FuzzParse"},
		"plugins/sdk/go/template":           {"FuzzGo", "FuzzRender"},
		"registry/index":                    {"FuzzParse"},
		"registry/index/publisher":          {"FuzzParse"},
		"registry/index/revocation":         {"FuzzParse"},
		"registry/index/tuf":                {"FuzzMetadata", "FuzzNote", "FuzzPlugins", "FuzzState", "FuzzTar", "FuzzTargetNames", "FuzzVersions"},
		"registry/kv":                       {"FuzzParse"},
		"registry/latticenet":               {"FuzzCheckRange", "FuzzImport", "FuzzParse", "FuzzParsePolicy"},
		"registry/lock":                     {"FuzzParse"},
		"registry/market":                   {"FuzzConsent", "FuzzPlatform", "FuzzReadPolicyBundle", "FuzzReceipt", "FuzzRequest", "FuzzStates", "FuzzTrust"},
		"registry/oci":                      {"FuzzManifest"},
		"registry/release":                  {"FuzzKeyFiles", "FuzzSections", "FuzzVerify"},
		"registry/store":                    {"FuzzIndex"},
		"registry/versions":                 {"FuzzRange"},
		"runtime/directory":                 {"FuzzParse"},
		"runtime/history":                   {"FuzzParseEntry"},
		"runtime/layout":                    {"FuzzYAML"},
	}
}

func TestEveryParserIsFuzzed(t *testing.T) {
	for dir, names := range targets() {
		source := testSource(t, filepath.Join("..", "..", filepath.FromSlash(dir)))
		for _, name := range names {
			if !regexp.MustCompile(`(?m)^func ` + name + `\(f \*testing\.F\)`).MatchString(source) {
				t.Errorf("%s has no fuzz target %s", dir, name)
			}
		}
	}
}

// testSource returns the test files of a folder.
func testSource(t *testing.T, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}
