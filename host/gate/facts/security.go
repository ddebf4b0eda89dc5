package facts

import (
	"slices"
	"strconv"
	"strings"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func containerContextFields() []string {
	return []string{"capabilities", "privileged", "seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup",
		"runAsNonRoot", "readOnlyRootFilesystem", "allowPrivilegeEscalation", "procMount", "seccompProfile",
		"appArmorProfile"}
}

func podContextFields() []string {
	return []string{"seLinuxOptions", "windowsOptions", "runAsUser", "runAsGroup", "runAsNonRoot", "supplementalGroups",
		"supplementalGroupsPolicy", "fsGroup", "sysctls", "fsGroupChangePolicy", "seccompProfile", "appArmorProfile",
		"seLinuxChangePolicy"}
}

// defaultCapabilities are what container runtimes leave to a container that drops nothing.
func defaultCapabilities() []string {
	return []string{"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
		"NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
}

// podSecurity asks about what only a pod can have. What containers inherit is asked about for each
// of them.
func (r *reader) podSecurity(n node) {
	r.mark(n)
	if !r.isObject(n) {
		return
	}
	r.fields(n, podContextFields()...)
	for _, s := range r.list(n.at("sysctls")) {
		r.override("pod", "sysctl:"+r.text(r.get(s, "name")), s)
	}
	groups := append(r.list(n.at("supplementalGroups")), n.at("fsGroup"))
	for _, at := range groups {
		if group, set := r.integer(at); set && group == 0 {
			r.override("container", "runAsRootGroup", at)
		}
	}
	r.options(n)
}

// inherited returns a field of the container's context, or of the pod's when the container's has
// none.
func inherited(context, pod node, field string) node {
	if own := context.at(field); !own.missing() {
		return own
	}
	if n := pod.at(field); !n.missing() {
		return n
	}
	return context.at(field)
}

// effective asks about each protection that a container lacks, also when the document does not
// mention it.
func (r *reader) effective(context, pod node) {
	r.user(inherited(context, pod, "runAsUser"), inherited(context, pod, "runAsNonRoot"))
	if at := inherited(context, pod, "runAsGroup"); !at.missing() {
		if group, set := r.integer(at); set && group == 0 {
			r.override("container", "runAsRootGroup", at)
		}
	}
	if on, _ := r.flag(context.at("readOnlyRootFilesystem")); !on {
		r.override("container", "readWriteRootFilesystem", context.at("readOnlyRootFilesystem"))
	}
	if on, set := r.flag(context.at("allowPrivilegeEscalation")); on || !set {
		r.override("container", "allowPrivilegeEscalation", context.at("allowPrivilegeEscalation"))
	}
	r.keptCapabilities(r.get(context, "capabilities"))
	profile := inherited(context, pod, "seccompProfile")
	if profile.missing() {
		r.override("profile", "seccomp:Unconfined", profile)
	} else {
		r.profile("seccomp", profile)
	}
	if profile := inherited(context, pod, "appArmorProfile"); !profile.missing() {
		r.profile("apparmor", profile)
	}
}

// user asks about a container that may run as root: as user 0, or as whom the image says, or by its
// own word.
func (r *reader) user(uid, nonRoot node) {
	id, numbered := r.integer(uid)
	never, said := r.flag(nonRoot)
	switch {
	case numbered && id == 0:
		r.override("container", "runAsRoot", uid)
	case said && !never, !said && !numbered:
		r.override("container", "runAsRoot", nonRoot)
	}
}

// keptCapabilities asks about those that a container is given without asking.
func (r *reader) keptCapabilities(n node) {
	var dropped []string
	for _, item := range r.texts(n.at("drop")) {
		// A runtime does not drop what it has no name for, so that CAP_ALL drops nothing.
		dropped = append(dropped, strings.ToUpper(item.text()))
	}
	if slices.Contains(dropped, "ALL") {
		return
	}
	for _, c := range defaultCapabilities() {
		if !slices.Contains(dropped, c) {
			r.override("capability", "capability:"+c, n.at("drop"))
		}
	}
}

// capability returns the name of a capability as Kubernetes writes it.
func capability(s string) string {
	return strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(s)), "CAP_")
}

// written asks about the privileges that a security context gives, of whatever it is the context.
func (r *reader) written(n node) {
	if on, _ := r.flag(n.at("privileged")); on {
		r.override("container", "privileged", n.at("privileged"))
	}
	if on, _ := r.flag(n.at("allowPrivilegeEscalation")); on {
		r.override("container", "allowPrivilegeEscalation", n.at("allowPrivilegeEscalation"))
	}
	for _, c := range r.texts(r.get(n, "capabilities", "add")) {
		r.override("capability", "capability:"+capability(c.text()), c)
	}
	if mount := r.text(n.at("procMount")); mount != "" && mount != "Default" {
		r.override("container", "procMount:"+mount, n.at("procMount"))
	}
	for field, id := range map[string]string{"runAsUser": "runAsRoot", "runAsGroup": "runAsRootGroup"} {
		if number, set := r.integer(n.at(field)); set && number == 0 {
			r.override("container", id, n.at(field))
		}
	}
	for field, prefix := range map[string]string{"seccompProfile": "seccomp", "appArmorProfile": "apparmor"} {
		if profile := n.at(field); !profile.missing() {
			r.profile(prefix, profile)
		}
	}
	r.options(n)
}

// options asks about what operating systems have of their own.
func (r *reader) options(n node) {
	if on, _ := r.flag(r.get(n, "windowsOptions", "hostProcess")); on {
		r.override("container", "hostProcess", n.at("windowsOptions", "hostProcess"))
	}
	windows := n.at("windowsOptions")
	r.fields(windows, "hostProcess", "runAsUserName", "gmsaCredentialSpecName", "gmsaCredentialSpec")
	if user := windows.at("runAsUserName"); !user.missing() && r.text(user) != "ContainerUser" {
		r.override("container", "runAsUserName:"+user.text(), user)
	}
	for _, field := range []string{"gmsaCredentialSpecName", "gmsaCredentialSpec"} {
		if at := windows.at(field); !at.missing() {
			// It is an identity in a directory, and that of a machine at that.
			r.override("pod", field, at)
		}
	}
	// The types of the Pod Security Standards.
	plain := []string{"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
	if label := r.text(r.get(n, "seLinuxOptions", "type")); !slices.Contains(plain, label) {
		r.override("profile", "seLinux:"+label, n.at("seLinuxOptions", "type"))
	}
	for _, field := range [...]string{"user", "role", "level"} {
		if value := r.text(r.get(n, "seLinuxOptions", field)); value != "" {
			r.override("profile", "seLinux:"+field+":"+value, n.at("seLinuxOptions", field))
		}
	}
}

// profile asks about a profile other than the runtime's.
func (r *reader) profile(prefix string, n node) {
	at := r.get(n, "type")
	if kind := r.text(at); kind != "RuntimeDefault" {
		r.override("profile", prefix+":"+kind, at)
	}
}

// profileAnnotation asks about a profile in the form that Kubernetes had before it was a field.
func (r *reader) profileAnnotation(profile string, n node) {
	switch profile {
	case "runtime/default":
	case "unconfined":
		r.override("profile", "apparmor:Unconfined", n)
	default:
		r.override("profile", "apparmor:Localhost", n)
	}
}
