package resource

import (
	"math/big"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

func (v *validator) container(field string, c *lattice.Container, resources cbor.Map[lattice.Resource], needsResources bool) {
	v.image(field+".image", c.Image)
	v.command(field+".command", c.Command)
	v.optional(field+".workingDir", c.WorkingDir, func(s string) bool { return s == "/" || isAbsolute(s) }, ruleAbsolute)
	v.noTemplate(field+".workingDir", c.WorkingDir)
	names(v, field+".variables", c.Variables, isVariable, ruleVariable)
	if c.Resources != nil || needsResources {
		v.quantities(field+".resources", c.Resources)
	}
	v.contents(field, c.Files, c.Volumes, resources)
	v.probe(field+".livenessProbe", c.LivenessProbe, false)
	v.probe(field+".readinessProbe", c.ReadinessProbe, true)
	v.probe(field+".startupProbe", c.StartupProbe, false)
	v.lifecycle(field+".lifecycle", c.Lifecycle)
	v.envFrom(field+".envFrom", c.EnvFrom, resources)
	v.security(field+".security", c.Security)
}

func (v *validator) sidecar(field string, c *lattice.Sidecar, resources cbor.Map[lattice.Resource]) {
	// A sidecar is a container without envFrom that may leave out its resources, and it may be an
	// init container.
	v.container(field, &lattice.Container{
		Image: c.Image, Command: c.Command, Args: c.Args, WorkingDir: c.WorkingDir, Variables: c.Variables,
		Resources: c.Resources, Files: c.Files, Volumes: c.Volumes, LivenessProbe: c.LivenessProbe,
		ReadinessProbe: c.ReadinessProbe, StartupProbe: c.StartupProbe, Lifecycle: c.Lifecycle, Security: c.Security,
	}, resources, false)
	if !c.Init {
		v.require(len(c.After) == 0, field+".after", "orders init containers, and this sidecar runs with the others; set init: true or remove it")
		return
	}
	v.require(len(c.Command) > 0, field+".command", "is missing; an init container must say what it runs")
	const noProbe = "an init container runs to its end and has no probes; remove it"
	v.require(c.LivenessProbe == nil, field+".livenessProbe", noProbe)
	v.require(c.ReadinessProbe == nil, field+".readinessProbe", noProbe)
	v.require(c.StartupProbe == nil, field+".startupProbe", noProbe)
	v.require(c.Lifecycle == nil, field+".lifecycle", "an init container runs to its end and is not told to stop; remove it")
}

// isVariable accepts the name of a variable, which is kept as a key of a ConfigMap.
func isVariable(s string) bool {
	return s != "." && !strings.HasPrefix(s, "..") && len(s) <= maxSubdomain && variablePattern.MatchString(s)
}

// platformImage means the image that the platform's configuration names.
const platformImage = "."

// image checks a reference of the form repository[:tag]@sha256:digest.
func (v *validator) image(field, image string) {
	if image == platformImage {
		return
	}
	bad := func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("`|;&$><(){}", r)
	}
	if i := strings.IndexFunc(image, bad); i >= 0 {
		r := []rune(image[i:])[0]
		v.fail(field, "the image reference "+problem.Quote(image)+" holds "+strconv.QuoteRune(r)+"; remove it")
		return
	}
	repository, digest, pinned := strings.Cut(image, "@")
	switch {
	case image == "":
		v.fail(field, "is empty; give an image with its digest, or . for the image of the platform's configuration")
	case !repositoryPattern.MatchString(repository):
		v.fail(field, problem.Quote(image)+" is not an image reference; write registry/name in lower-case letters, then @sha256: and 64 hexadecimal digits")
	case pinned && !digestPattern.MatchString(digest):
		v.fail(field, "the digest "+problem.Quote(digest)+" must be sha256: and 64 lower-case hexadecimal digits")
	case !pinned && !v.options.AllowTags:
		v.fail(field, problem.Quote(image)+" has no digest; write "+repository+"@sha256: and the 64 hexadecimal digits of the image that was tested")
	}
}

// quantities checks that cpu and memory are requested and limited, all four, and that no request is
// above its limit.
func (v *validator) quantities(field string, r *lattice.ResourceRequirements) {
	if r == nil {
		v.fail(field, "is missing; set cpu and memory under requests and under limits")
		return
	}
	requestedCPU, requestedMemory := v.amounts(field+".requests", r.Requests, false)
	limitCPU, limitMemory := v.amounts(field+".limits", r.Limits, v.options.WaiveCPULimit)
	v.notAbove(field+".requests.cpu", requestedCPU, limitCPU)
	v.notAbove(field+".requests.memory", requestedMemory, limitMemory)
	v.ephemeralStorage(field, r)
}

// ephemeralStorage checks the amounts of space on the node, which may be left out.
func (v *validator) ephemeralStorage(field string, r *lattice.ResourceRequirements) {
	const key = "ephemeral-storage"
	var amounts [2]*big.Rat
	for i, q := range []*lattice.Quantities{r.Requests, r.Limits} {
		if q != nil && q.EphemeralStorage != "" {
			amounts[i] = v.amount(field+[...]string{".requests.", ".limits."}[i]+key, q.EphemeralStorage, Bytes, ruleMemory)
		}
	}
	v.notAbove(field+".requests."+key, amounts[0], amounts[1])
}

func (v *validator) amounts(field string, q *lattice.Quantities, waiveCPU bool) (cpu, memory *big.Rat) {
	if q == nil {
		v.fail(field, "is missing; set cpu and memory")
		return nil, nil
	}
	if limits := strings.HasSuffix(field, ".limits"); q.CPU == "" && limits && !waiveCPU {
		v.fail(field+".cpu", "is missing; it "+ruleCPU+"; the platform's settings can waive it with spec.containers.waiveCPULimit")
	} else if q.CPU != "" || !limits {
		cpu = v.amount(field+".cpu", q.CPU, Cores, ruleCPU)
	}
	return cpu, v.amount(field+".memory", q.Memory, Bytes, ruleMemory)
}

func (v *validator) amount(field, text string, parse func(string) *big.Rat, rule string) *big.Rat {
	if text == "" {
		v.fail(field, "is missing; it "+rule)
		return nil
	}
	amount := parse(text)
	v.require(amount != nil, field, rule+", not "+problem.Quote(text))
	return amount
}

func (v *validator) notAbove(field string, request, limit *big.Rat) {
	if request != nil && limit != nil && request.Cmp(limit) > 0 {
		v.fail(field, "is more than the limit; lower it or raise the limit")
	}
}

func (v *validator) envFrom(field string, from []string, resources cbor.Map[lattice.Resource]) {
	v.distinct(field, from)
	for i, name := range from {
		if r := resources.Get(name); name != "" && (r == nil || r.Type != typeSecret && r.Type != "" && !isExisting(r.Type)) {
			v.fail(field+"."+strconv.Itoa(i), "names no secret, existing-secret or existing-configmap in "+v.in.resources()+": "+problem.Quote(name))
		}
	}
}

func (v *validator) headerName(field, name string) {
	v.require(headerPattern.MatchString(name), field, "must be the name of an HTTP header such as X-Request-Id, not "+problem.Quote(name))
}

func isHostOrAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || isSubdomain(s)
}

func (v *validator) security(field string, s *lattice.Security) {
	if s == nil {
		return
	}
	const ruleCapability = "must be the name of a Linux capability in capitals and without CAP_, such as NET_ADMIN"
	v.items(field+".capabilities", s.Capabilities, isCapability, ruleCapability)
	v.items(field+".dropCapabilities", s.DropCapabilities, isCapability, ruleCapability)
	if s.RunAsUser != nil && *s.RunAsUser == 0 && isTrue(s.RunAsNonRoot) {
		v.fail(field+".runAsNonRoot", "contradicts runAsUser: 0; remove one of them")
	}
	if isTrue(s.Privileged) && s.AllowPrivilegeEscalation != nil && !*s.AllowPrivilegeEscalation {
		v.fail(field+".allowPrivilegeEscalation", "cannot be false in a privileged container; remove one of them")
	}
	v.profile(field, "seccomp", s.SeccompProfile, s.SeccompLocalhostProfile)
	// The API server takes a path below the kubelet's folder of profiles only.
	v.optional(field+".seccompLocalhostProfile", s.SeccompLocalhostProfile, isRelative,
		"must be a path relative to the node's folder of profiles, without . and .. parts")
	v.profile(field, "apparmor", s.ApparmorProfile, s.ApparmorLocalhostProfile)
	v.items(field+".allowedBinaries", s.AllowedBinaries, func(b string) bool { return b == "*" || isAbsolute(b) }, "must be the absolute path of a program, or * for every program")
}

func isTrue(b *bool) bool { return b != nil && *b }

func isCapability(s string) bool {
	return capabilityPattern.MatchString(s) && !strings.HasPrefix(s, "CAP_")
}

// profile checks that a Localhost profile has its file, and no other one has.
func (v *validator) profile(field, name, profile, file string) {
	const localhost = "Localhost"
	field += "." + name
	if profile == localhost {
		v.require(file != "", field+"LocalhostProfile", "is missing; "+name+"Profile: Localhost needs the name of the profile")
		return
	}
	v.require(file == "", field+"LocalhostProfile", "needs "+name+"Profile: Localhost; set it or remove this field")
}
