package resource

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// maxLabel and maxSubdomain are the longest DNS label (RFC 1035, section 2.3.4) and the longest
// name that Kubernetes accepts.
const (
	maxLabel     = 63
	maxSubdomain = 253
)

// The grammars in the words of a message.
const (
	ruleName      = "must be a DNS label: at most 63 lower-case letters, digits and hyphens, beginning with a letter and not ending with a hyphen"
	ruleNamespace = "must be a DNS label: at most 63 lower-case letters, digits and hyphens, with a letter or digit at both ends"
	ruleSubdomain = "must be at most 253 lower-case letters, digits, hyphens and dots, with a letter or digit at both ends of every part"
	ruleHost      = "must be a host name such as app.example.com or *.example.com"
	ruleCPU       = "must be cores such as 2 or 0.5, or thousandths of a core such as 500m, and more than 0"
	ruleMemory    = "must be bytes such as 1048576, or a number with one of Ki Mi Gi Ti Pi Ei k M G T P E such as 512Mi, and more than 0"
	ruleDuration  = "must be a duration of hours, minutes and seconds such as 1h30m"
	ruleVariable  = "must be letters, digits, underscores, hyphens and dots, at most 253, not beginning with a digit or two dots"
	ruleAbsolute  = "must be an absolute path without . and .. parts, double slashes and colons, such as /etc/app/config.yaml"
	rulePort      = "must be a port from 1 to 65535"
)

func isAlphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// isLabel accepts a label of RFC 1123: letters and digits at both ends, hyphens between.
func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

// isName accepts a label of RFC 1035, which begins with a letter.
func isName(s string) bool { return isLabel(s) && s[0] >= 'a' }

// isSubdomain accepts labels joined by dots.
func isSubdomain(s string) bool {
	if len(s) > maxSubdomain {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if !isLabel(part) {
			return false
		}
	}
	return true
}

// isHost accepts a host name, with *. in front for every host below it.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return false
	}
	return isSubdomain(strings.TrimPrefix(s, "*."))
}

// isNamespacedName accepts namespace/name.
func isNamespacedName(s string) bool {
	namespace, name, ok := strings.Cut(s, "/")
	return ok && isLabel(namespace) && isName(name)
}

var (
	variablePattern    = regexp.MustCompile(`^[-._a-zA-Z][-._a-zA-Z0-9]*$`)
	dataKeyPattern     = regexp.MustCompile(`^[-._a-zA-Z0-9]+$`)
	metricPattern      = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	durationPattern    = regexp.MustCompile(`^([0-9]{1,9}[hms])+$`)
	cpuPattern         = regexp.MustCompile(`^([0-9]{1,18}m|[0-9]{1,15}(\.[0-9]{1,9})?|\.[0-9]{1,9})$`)
	memoryPattern      = regexp.MustCompile(`^([0-9]{1,19}|([0-9]{1,19}(?:\.[0-9]{1,9})?)(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E))$`)
	modePattern        = regexp.MustCompile(`^0?[0-7]{3,4}$`)
	digestPattern      = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	repositoryPattern  = regexp.MustCompile(`^([a-zA-Z0-9.-]+(:[0-9]{1,5})?/|\[[0-9a-fA-F:]+\](:[0-9]{1,5})?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$`)
	headerPattern      = regexp.MustCompile("^[-!#$%&'*+.^_`|~0-9A-Za-z]+$")
	capabilityPattern  = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	sysctlPattern      = regexp.MustCompile(`^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$`)
	labelNamePattern   = regexp.MustCompile(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)
	gpuMemoryPattern   = regexp.MustCompile(`^([0-9]{1,12})(Mi|Gi)?$`)
	typePattern        = regexp.MustCompile(`^[a-z0-9]([-a-z0-9./_]*[a-z0-9])?$`)
	volumeRefPattern   = regexp.MustCompile(`^\$\{resources\.([^.{}]+)\}$`)
	existingKeyPattern = regexp.MustCompile(`^\$\{resources\.([^.{}]+)\.([-A-Za-z0-9_.]+)\}$`)
	cronPattern        = regexp.MustCompile(`^(@(hourly|daily|midnight|weekly|monthly|yearly|annually|every [0-9hms]+)|[0-9A-Za-z*/,?L#-]+( +[0-9A-Za-z*/,?L#-]+){4})$`)
)

// isLabelKey accepts the key of a Kubernetes label or annotation: a name with an optional prefix.
func isLabelKey(s string) bool {
	prefix, name, ok := strings.Cut(s, "/")
	if !ok {
		return labelNamePattern.MatchString(s)
	}
	return isSubdomain(prefix) && labelNamePattern.MatchString(name)
}

func isLabelValue(s string) bool { return s == "" || labelNamePattern.MatchString(s) }

// isGPUMemory accepts MiB without unit, or Mi and Gi, up to 1 PiB.
func isGPUMemory(s string) bool {
	parts := gpuMemoryPattern.FindStringSubmatch(s)
	if parts == nil {
		return false
	}
	mebibytes, err := strconv.ParseInt(parts[1], 10, 64)
	if parts[2] == "Gi" {
		mebibytes *= 1024
	}
	const pebibyte = 1 << 30
	return err == nil && mebibytes > 0 && mebibytes <= pebibyte
}

// isAbsolute accepts a clean absolute path below the root.
func isAbsolute(s string) bool {
	if len(s) < 2 || s[0] != '/' || strings.Contains(s, ":") {
		return false
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(s[1:], "/"), "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return true
}

// isRelative accepts a path inside a volume.
func isRelative(s string) bool { return s != "" && s[0] != '/' && isAbsolute("/"+s) }
