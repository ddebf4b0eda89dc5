package facts

import (
	"path"
	"slices"
	"strings"
)

// isRuntimeSpec reports whether an object looks like an OCI runtime spec, wherever it is.
func isRuntimeSpec(n node) bool {
	if !n.at("ociVersion").missing() {
		return true
	}
	_, process := n.at("process").value.(map[string]any)
	_, root := n.at("root").value.(map[string]any)
	return process && root
}

// runtimeSpec asks about a runtime spec. Here, too, what is not written is what the runtime does without it.
func (r *reader) runtimeSpec(n node) {
	r.fields(n, "ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "annotations", "linux")
	r.process(r.get(n, "process"))
	r.rootFilesystem(r.get(n, "root"))
	for _, m := range r.list(n.at("mounts")) {
		r.mount(m)
	}
	for _, hooks := range r.get(n, "hooks").members() {
		for _, hook := range r.list(hooks) {
			r.override("container", "hook:"+r.text(r.get(hook, "path")), hook)
		}
	}
	linux := n.at("linux")
	r.isObject(linux)
	r.namespaces(linux.at("namespaces"))
	r.kernelViews(linux)
	r.devices(linux)
	r.filter(linux.at("seccomp"))
	r.isObject(linux.at("sysctl"))
	for _, s := range linux.at("sysctl").members() {
		r.override("pod", "sysctl:"+s.key, s)
	}
	if mode := r.text(linux.at("rootfsPropagation")); strings.HasSuffix(mode, "shared") {
		r.override("container", "mountPropagation:"+mode, linux.at("rootfsPropagation"))
	}
}

func (r *reader) process(n node) {
	r.isObject(n)
	for field, id := range map[string]string{"uid": "runAsRoot", "gid": "runAsRootGroup"} {
		if number, _ := r.integer(r.get(n, "user", field)); number == 0 {
			r.override("container", id, n.at("user", field))
		}
	}
	for _, at := range r.list(r.get(n, "user", "additionalGids")) {
		if group, set := r.integer(at); set && group == 0 {
			r.override("container", "runAsRootGroup", at)
		}
	}
	if on, _ := r.flag(n.at("noNewPrivileges")); !on {
		r.override("container", "allowPrivilegeEscalation", n.at("noNewPrivileges"))
	}
	capabilities := n.at("capabilities")
	r.isObject(capabilities)
	for _, set := range capabilities.members() {
		for _, c := range r.texts(set) {
			r.override("capability", "capability:"+capability(c.text()), c)
		}
	}
	switch profile := r.text(n.at("apparmorProfile")); profile {
	case "", "cri-containerd.apparmor.d", "containerd-default", "docker-default":
	case "unconfined":
		r.override("profile", "apparmor:Unconfined", n.at("apparmorProfile"))
	default:
		r.override("profile", "apparmor:Localhost", n.at("apparmorProfile"))
	}
	if label := r.text(n.at("selinuxLabel")); label != "" && !strings.Contains(label, ":container_t:") {
		r.override("profile", "seLinux:"+label, n.at("selinuxLabel"))
	}
}

func (r *reader) rootFilesystem(n node) {
	r.isObject(n)
	if on, _ := r.flag(n.at("readonly")); !on {
		r.override("container", "readWriteRootFilesystem", n.at("readonly"))
	}
	if dir := r.text(n.at("path")); path.IsAbs(dir) || strings.HasPrefix(path.Clean(dir), "..") {
		r.override("volume", "hostPath:"+path.Clean(dir), n.at("path"))
	}
}

// mount asks about folders of the machine, and about file systems through which the kernel is set.
func (r *reader) mount(n node) {
	kind, source := r.text(r.get(n, "type")), r.text(n.at("source"))
	var options []string
	for _, o := range r.texts(n.at("options")) {
		options = append(options, o.text())
	}
	readOnly := slices.Contains(options, "ro") && !slices.Contains(options, "rw")
	switch {
	case kind == "bind", slices.Contains(options, "bind"), slices.Contains(options, "rbind"):
		r.override("volume", "hostPath:"+source, n.at("source"))
	case kind == "proc", kind == "tmpfs", kind == "devpts", kind == "mqueue":
	case kind == "sysfs" || kind == "cgroup" || kind == "cgroup2":
		if !readOnly {
			r.override("volume", "writable:"+kind, n)
		}
	default:
		r.override("volume", "volume:"+kind, n)
	}
	for _, o := range options {
		if o == "shared" || o == "rshared" {
			r.override("container", "mountPropagation:"+o, n.at("options"))
		}
	}
}

// namespaces asks about those of the host that a container stays in, and about those of others that it joins.
func (r *reader) namespaces(n node) {
	missing := map[string]string{
		"pid": "hostPID", "network": "hostNetwork", "ipc": "hostIPC", "uts": "hostUTS", "mount": "hostMount",
		"cgroup": "hostCgroup",
	}
	for _, item := range r.list(n) {
		kind := r.text(r.get(item, "type"))
		delete(missing, kind)
		if path := r.text(item.at("path")); path != "" {
			r.override("pod", "namespace:"+kind+":"+path, item.at("path"))
		}
	}
	for _, id := range missing {
		r.override("pod", id, n)
	}
}

// kernelViews asks about what a container sees of the kernel although runtimes hide it.
func (r *reader) kernelViews(linux node) {
	hidden := []string{"/proc/kcore", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"}
	fixed := []string{"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}
	for field, want := range map[string][]string{"maskedPaths": hidden, "readonlyPaths": fixed} {
		var have []string
		for _, p := range r.texts(linux.at(field)) {
			have = append(have, p.text())
		}
		if slices.ContainsFunc(want, func(p string) bool { return !slices.Contains(have, p) }) {
			r.override("container", "procMount:Unmasked", linux.at(field))
		}
	}
}

func (r *reader) devices(linux node) {
	for _, d := range r.list(linux.at("devices")) {
		r.override("container", "device:"+r.text(r.get(d, "path")), d)
	}
	for _, rule := range r.list(r.get(linux, "resources", "devices")) {
		if allow, _ := r.flag(r.get(rule, "allow")); !allow {
			continue
		}
		major, all := r.integer(rule.at("major"))
		minor, each := r.integer(rule.at("minor"))
		id := "device:*"
		if all && each {
			id = "device:" + itoa(major) + ":" + itoa(minor)
		}
		r.override("container", id, rule)
	}
}

// filter asks about system calls: a filter that is written out is not the runtime's own.
func (r *reader) filter(n node) {
	switch action := r.text(r.get(n, "defaultAction")); {
	case n.missing(), action == "SCMP_ACT_ALLOW", action == "SCMP_ACT_LOG", action == "SCMP_ACT_TRACE":
		r.override("profile", "seccomp:Unconfined", n)
	default:
		r.override("profile", "seccomp:Localhost", n)
	}
}
