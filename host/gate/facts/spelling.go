package facts

import (
	"strings"
	"unicode"
)

// longestWatched is the length of the longest key that is watched.
const longestWatched = len("automountServiceAccountToken")

// watched returns how a key is written that tells what an object is, or gives it a privilege, given
// the key in any case; nothing for other keys.
func watched(key string) string {
	var buffer [longestWatched]byte
	lower := buffer[:0]
	for i := range len(key) {
		switch c := key[i]; {
		case c > unicode.MaxASCII:
			return watchedLower([]byte(fold(key)))
		case len(lower) == longestWatched:
			// Letters that are not ASCII may follow, but they do not make a key shorter than this.
			return ""
		case c >= 'A' && c <= 'Z':
			lower = append(lower, c+'a'-'A')
		default:
			lower = append(lower, c)
		}
	}
	return watchedLower(lower)
}

// watchedLower is watched, for a key in lower case.
func watchedLower(lower []byte) string {
	switch string(lower) {
	case "containers":
		return "containers"
	case "image":
		return "image"
	case "privileged":
		return "privileged"
	case "capabilities":
		return "capabilities"
	case "volumes":
		return "volumes"
	case "projected":
		return "projected"
	case "csi":
		return "csi"
	case "kind":
		return "kind"
	case "namespace":
		return "namespace"
	case "subjects":
		return "subjects"
	case "process":
		return "process"
	case "mounts":
		return "mounts"
	case "hooks":
		return "hooks"
	case "linux":
		return "linux"
	case "initcontainers":
		return "initContainers"
	case "ephemeralcontainers":
		return "ephemeralContainers"
	case "securitycontext":
		return "securityContext"
	case "allowprivilegeescalation":
		return "allowPrivilegeEscalation"
	case "procmount":
		return "procMount"
	case "hostnetwork":
		return "hostNetwork"
	case "hostpid":
		return "hostPID"
	case "hostipc":
		return "hostIPC"
	case "hostusers":
		return "hostUsers"
	case "shareprocessnamespace":
		return "shareProcessNamespace"
	case "serviceaccountname":
		return "serviceAccountName"
	case "automountserviceaccounttoken":
		return "automountServiceAccountToken"
	case "nodename":
		return "nodeName"
	case "hostpath":
		return "hostPath"
	case "persistentvolumeclaim":
		return "persistentVolumeClaim"
	case "claimname":
		return "claimName"
	case "serviceaccounttoken":
		return "serviceAccountToken"
	case "envfrom":
		return "envFrom"
	case "secretref":
		return "secretRef"
	case "secretkeyref":
		return "secretKeyRef"
	case "secretname":
		return "secretName"
	case "imagepullsecrets":
		return "imagePullSecrets"
	case "hostport":
		return "hostPort"
	case "remoteref":
		return "remoteRef"
	case "datafrom":
		return "dataFrom"
	case "secretstoreref":
		return "secretStoreRef"
	case "externalsecretspec":
		return "externalSecretSpec"
	case "apiversion":
		return "apiVersion"
	case "ociversion":
		return "ociVersion"
	}
	return ""
}

// spelling asks about a member whose key is watched, except for its case. The API server does not
// know such a key. Much that reads JSON does: a decoder of Go takes it in any case, and controllers
// and container runtimes are written in Go.
func (r *reader) spelling(member node, key string) {
	if want := watched(key); want != "" && want != key && !member.missing() {
		r.override("field", "field:"+key, member)
	}
}

// fold returns a key in lower case as a decoder of Go compares it, for which the long s and the
// sign of Kelvin are an s and a k.
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return unicode.ToLower(least)
	}, key)
}
