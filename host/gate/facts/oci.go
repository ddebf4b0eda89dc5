package facts

import (
	"path"
	"slices"
	"strings"
)

// isRuntimeSpec reports whether an object looks like an OCI runtime spec, wherever it is. Runtimes
// take its keys in any case.
func isRuntimeSpec(n node) bool {
	m, _ := n.value.(map[string]any)
	process, root := false, false
	for key, value := range m {
		_, object := value.(map[string]any)
		switch {
		case strings.EqualFold(key, "ociVersion"):
			return true
		case strings.EqualFold(key, "process"):
			process = process || object
		case strings.EqualFold(key, "root"):
			root = root || object
		}
	}
	return process && root
}

// specFields asks about fields of a runtime spec that are not known, each by its name: a kind that
// wraps such a spec may be permitted as a whole, and that must not permit whatever else a runtime
// can do.
func (r *reader) specFields(of string, n node, known ...string) {
	for _, member := range n.members() {
		if key := member.key; !member.missing() && !slices.Contains(known, key) {
			r.override("field", "field:"+of+key, member)
		}
	}
}

// runtimeSpec asks about a runtime spec. Here, too, what is not written is what the runtime does
// without it.
func (r *reader) runtimeSpec(n node) {
	r.isObject(n)
	r.specFields("", n, "ociVersion", "process", "root", "hostname", "domainname", "mounts", "hooks", "annotations", "linux")
	r.annotations(n.at("annotations"))
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
	r.specFields("linux.", linux, "uidMappings", "gidMappings", "sysctl", "resources", "cgroupsPath", "namespaces", "devices",
		"seccomp", "rootfsPropagation", "maskedPaths", "readonlyPaths", "mountLabel", "personality")
	r.specFields("linux.resources.", linux.at("resources"), "devices", "memory", "cpu", "pids", "blockIO", "hugepageLimits")
	r.namespaces(linux.at("namespaces"))
	r.controlGroup(linux.at("cgroupsPath"))
	if label := r.text(linux.at("mountLabel")); label != "" && !strings.Contains(label, ":container_file_t:") {
		r.override("profile", "seLinux:"+label, linux.at("mountLabel"))
	}
	r.kernelViews(linux)
	r.deviceNodes(linux)
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
	r.specFields("process.", n, "terminal", "consoleSize", "user", "args", "env", "cwd", "capabilities", "rlimits",
		"noNewPrivileges", "apparmorProfile", "oomScoreAdj", "selinuxLabel")
	r.specFields("process.user.", n.at("user"), "uid", "gid", "umask", "additionalGids")
	if score, _ := r.integer(n.at("oomScoreAdj")); score < 0 {
		r.override("container", "oomScoreAdj:"+itoa(score), n.at("oomScoreAdj"))
	}
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
	r.specFields("root.", n, "path", "readonly")
	if on, _ := r.flag(n.at("readonly")); !on {
		r.override("container", "readWriteRootFilesystem", n.at("readonly"))
	}
	if dir := r.text(n.at("path")); path.IsAbs(dir) || strings.HasPrefix(path.Clean(dir), "..") {
		r.override("volume", "hostPath:"+path.Clean(dir), n.at("path"))
	}
}

// cleanPath returns the shortest path that leads to the same place, so that a pattern of a policy
// cannot be left with "..".
func cleanPath(s string) string {
	if s == "" {
		return ""
	}
	return path.Clean(s)
}

// mount asks about folders of the machine, and about file systems through which the kernel is set.
func (r *reader) mount(n node) {
	kind, source := r.text(r.get(n, "type")), cleanPath(r.text(n.at("source")))
	r.specFields("mounts.", n, "destination", "type", "source", "options")
	var options []string
	for _, o := range r.texts(n.at("options")) {
		options = append(options, o.text())
	}
	readOnly := slices.Contains(options, "ro") && !slices.Contains(options, "rw")
	switch {
	case kind == "bind", slices.Contains(options, "bind"), slices.Contains(options, "rbind"):
		r.override("volume", "hostPath:"+source, n.at("source"))
	case kind == "proc" && r.text(n.at("destination")) != "/proc", kind == "sysfs" && r.text(n.at("destination")) != "/sys":
		// What runtimes hide of the kernel they hide at its usual place only.
		r.override("container", "procMount:Unmasked", n.at("destination"))
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

// namespaces asks about those of the host that a container stays in, and about those of others that
// it joins.
func (r *reader) namespaces(n node) {
	missing := map[string]string{
		"pid": "hostPID", "network": "hostNetwork", "ipc": "hostIPC", "uts": "hostUTS", "mount": "hostMount",
		"cgroup": "hostCgroup",
	}
	for _, item := range r.list(n) {
		kind := r.text(r.get(item, "type"))
		r.specFields("linux.namespaces.", item, "type", "path")
		delete(missing, kind)
		if path := cleanPath(r.text(item.at("path"))); path != "" {
			r.override("pod", "namespace:"+kind+":"+path, item.at("path"))
		}
	}
	for _, id := range missing {
		r.override("pod", id, n)
	}
}

// controlGroup asks about a control group that is not the resource's own: there its limits are
// those of others.
func (r *reader) controlGroup(n node) {
	dir := r.text(n)
	segments := strings.FieldsFunc(dir, func(c rune) bool { return strings.ContainsRune("/:._-", c) })
	switch own := r.in.Resource.Ref.Name; {
	case dir == "":
	case slices.Contains(strings.Split(dir, "/"), ".."), !slices.Contains(strings.Split(dir, "/"), own) && !slices.Contains(segments, own):
		r.override("container", "cgroup:"+cleanPath(dir), n)
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

func (r *reader) deviceNodes(linux node) {
	for _, d := range r.list(linux.at("devices")) {
		r.override("container", "device:"+cleanPath(r.text(r.get(d, "path"))), d)
	}
	for _, rule := range r.list(r.get(linux, "resources", "devices")) {
		r.specFields("linux.resources.devices.", rule, "allow", "type", "major", "minor", "access")
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
	r.specFields("linux.seccomp.", n, "defaultAction", "defaultErrnoRet", "architectures", "flags", "syscalls")
	switch action := r.text(r.get(n, "defaultAction")); {
	case n.missing(), action == "SCMP_ACT_ALLOW", action == "SCMP_ACT_LOG", action == "SCMP_ACT_TRACE":
		r.override("profile", "seccomp:Unconfined", n)
	default:
		r.override("profile", "seccomp:Localhost", n)
	}
}
