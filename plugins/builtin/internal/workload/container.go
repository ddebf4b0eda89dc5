package workload

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

const runtimeDefault = "RuntimeDefault"

func (b *Builder) container(c *container) kube.Container {
	image := b.image(c)
	out := kube.Container{
		Name: c.name, Image: image, ImagePullPolicy: pullPolicy(image), Command: b.commandLine(c, c.field+".command", c.Command, started),
		Args:       b.commandLine(c, c.field+".args", c.Args, started),
		WorkingDir: c.WorkingDir, Resources: resources(c.Resources), SecurityContext: b.security(c.Security),
	}
	if !c.init {
		out.LivenessProbe = b.probe(c, "livenessProbe", c.LivenessProbe)
		out.ReadinessProbe = b.probe(c, "readinessProbe", c.ReadinessProbe)
		out.StartupProbe = b.probe(c, "startupProbe", c.StartupProbe)
		out.Lifecycle = b.lifecycle(c)
	}
	out.Ports = b.containerPorts(c)
	b.existingEnv(c, &out)
	b.environment(c, &out)
	out.Env = c.ownEnv()
	b.files(c, &out)
	b.mounts(c, &out)
	return out
}

// image returns the container's image; "." means the one in the step's settings.
func (b *Builder) image(c *container) string {
	if c.Image != "." {
		return c.Image
	}
	images := b.req.Setting("config").Get("image")
	if image := images.Get(c.name).String(); image != "" {
		return image
	}
	if image := images.String(); image != "" {
		return image
	}
	b.resp.Error(c.field+".image", `the image "." needs config.image.`+c.name+
		" or config.image in the step's settings, and neither is set; set one of them or name the image here")
	return ""
}

// pullPolicy pulls again what may have moved: an image without digest whose tag is latest or
// missing.
func pullPolicy(image string) string {
	if strings.Contains(image, "@") {
		return "IfNotPresent"
	}
	// A colon before the last slash belongs to the registry's port.
	_, tag, tagged := strings.Cut(image[strings.LastIndexByte(image, '/')+1:], ":")
	if !tagged || tag == "latest" {
		return "Always"
	}
	return "IfNotPresent"
}

func resources(r *lattice.ResourceRequirements) *kube.ResourceRequirements {
	if r == nil {
		return nil
	}
	return &kube.ResourceRequirements{Requests: quantities(r.Requests), Limits: quantities(r.Limits)}
}

func quantities(q *lattice.Quantities) kube.Labels {
	var out kube.Labels
	if q == nil {
		return out
	}
	if q.CPU != "" {
		out.Set("cpu", q.CPU)
	}
	if q.Memory != "" {
		out.Set("memory", q.Memory)
	}
	if q.EphemeralStorage != "" {
		out.Set("ephemeral-storage", q.EphemeralStorage)
	}
	return out
}

// containerPorts returns the service's ports, which the first main container lists: the API server
// warns of a port that several containers of a pod name, and a list has no effect but to name them.
func (b *Builder) containerPorts(c *container) []kube.ContainerPort {
	service := b.subject.Workload.Service
	if service == nil || !c.first {
		return nil
	}
	var out []kube.ContainerPort
	for i := range service.Ports {
		p := &service.Ports[i].Value
		port := kube.ContainerPort{Name: service.Ports[i].Key, ContainerPort: p.Port, Protocol: Protocol(p)}
		if p.TargetPort != nil {
			port.ContainerPort = *p.TargetPort
		}
		// Two service ports may lead to one container port, which is named once.
		if !slices.ContainsFunc(out, func(o kube.ContainerPort) bool {
			return o.ContainerPort == port.ContainerPort && o.Protocol == port.Protocol
		}) {
			out = append(out, port)
		}
	}
	return out
}

// Protocol returns the protocol of a port.
func Protocol(p *lattice.Port) string {
	if p.Protocol == "" {
		return "TCP"
	}
	return p.Protocol
}

// runsAsRoot reports whether a container says that it may run as user 0.
func runsAsRoot(s *lattice.Security) bool {
	return s != nil && (s.RunAsUser != nil && *s.RunAsUser == 0 || s.RunAsNonRoot != nil && !*s.RunAsNonRoot)
}

// security returns the strictest context that still lets the container do what it says it does.
func (b *Builder) security(s *lattice.Security) *kube.SecurityContext {
	if s == nil {
		s = &lattice.Security{}
	}
	drop := s.DropCapabilities
	if len(drop) == 0 {
		drop = []string{"ALL"}
	}
	privileged := s.Privileged != nil && *s.Privileged
	return &kube.SecurityContext{
		Capabilities:             &kube.Capabilities{Add: s.Capabilities, Drop: drop},
		Privileged:               s.Privileged,
		ReadOnlyRootFilesystem:   or(s.ReadOnlyRootFilesystem, true),
		RunAsNonRoot:             or(s.RunAsNonRoot, s.RunAsUser == nil || *s.RunAsUser != 0),
		RunAsUser:                s.RunAsUser,
		RunAsGroup:               s.RunAsGroup,
		AllowPrivilegeEscalation: or(s.AllowPrivilegeEscalation, privileged),
		SeccompProfile:           profile(s.SeccompProfile, s.SeccompLocalhostProfile, runtimeDefault),
		AppArmorProfile:          profile(s.ApparmorProfile, s.ApparmorLocalhostProfile, b.req.Platform.AppArmor),
	}
}

func or(v *bool, otherwise bool) *bool {
	if v != nil {
		return v
	}
	return &otherwise
}

// profile returns nil where neither the document nor the platform names a profile. For AppArmor
// that is what most platforms want: a node without it rejects pods that name one, and on a node
// with it the runtime's default applies anyway.
func profile(kind, localhost, platform string) *kube.ProfileSetting {
	if kind == "" {
		kind = platform
	}
	if kind == "" {
		return nil
	}
	return &kube.ProfileSetting{Type: kind, LocalhostProfile: localhost}
}
