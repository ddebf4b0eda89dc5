package deployment

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

const runtimeDefault = "RuntimeDefault"

func (d *derivation) container(c *container) kube.Container {
	image := d.image(c)
	out := kube.Container{
		Name: c.name, Image: image, ImagePullPolicy: pullPolicy(image), Command: c.Command, Args: c.Args,
		WorkingDir: c.WorkingDir, Resources: resources(c.Resources), SecurityContext: security(c.Security),
	}
	if !c.init {
		out.LivenessProbe = probe(c.LivenessProbe)
		out.ReadinessProbe = probe(c.ReadinessProbe)
		out.StartupProbe = probe(c.StartupProbe)
	}
	d.environment(c, &out)
	d.files(c, &out)
	d.mounts(c, &out)
	return out
}

// image returns the container's image; "." stands for the one in the step's settings.
func (d *derivation) image(c *container) string {
	if c.Image != "." {
		return c.Image
	}
	images := d.req.Setting("config").Get("image")
	if image := images.Get(c.name).String(); image != "" {
		return image
	}
	if image := images.String(); image != "" {
		return image
	}
	d.resp.Error(c.field+".image", `the image "." stands for config.image.`+c.name+
		" or config.image of the step's settings, and neither is set; set one of them or name the image here")
	return ""
}

// pullPolicy pulls again what may have moved: an image without digest whose tag is latest or missing.
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
	return out
}

// containerPorts returns the service's ports, which every main container names.
func (d *derivation) containerPorts(c *container) []kube.ContainerPort {
	service := d.svc.Spec.Workload.Service
	if service == nil || c.sidecar {
		return nil
	}
	var out []kube.ContainerPort
	for i := range service.Ports {
		p := &service.Ports[i].Value
		port := kube.ContainerPort{Name: service.Ports[i].Key, ContainerPort: p.Port, Protocol: protocol(p)}
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

func probe(p *lattice.Probe) *kube.Probe {
	if p == nil {
		return nil
	}
	out := &kube.Probe{
		InitialDelaySeconds: p.InitialDelaySeconds, PeriodSeconds: p.PeriodSeconds, TimeoutSeconds: p.TimeoutSeconds,
		FailureThreshold: p.FailureThreshold, SuccessThreshold: p.SuccessThreshold,
	}
	if p.Exec != nil {
		out.Exec = &kube.ExecAction{Command: p.Exec.Command}
	}
	if get := p.HTTPGet; get != nil {
		out.HTTPGet = &kube.HTTPGetAction{
			Path: get.Path, Port: kube.IntOrString{Number: get.Port}, Scheme: get.Scheme, Host: get.Host,
		}
		for _, h := range get.HTTPHeaders {
			out.HTTPGet.HTTPHeaders = append(out.HTTPGet.HTTPHeaders, kube.HTTPHeader{Name: h.Name, Value: h.Value})
		}
	}
	return out
}

// runsAsRoot reports whether a container says that it may run as user 0.
func runsAsRoot(s *lattice.Security) bool {
	return s != nil && (s.RunAsUser != nil && *s.RunAsUser == 0 || s.RunAsNonRoot != nil && !*s.RunAsNonRoot)
}

// security returns the strictest context that still lets the container do what it says it does.
func security(s *lattice.Security) *kube.SecurityContext {
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
		SeccompProfile:           profile(s.SeccompProfile, s.SeccompLocalhostProfile),
		AppArmorProfile:          profile(s.ApparmorProfile, s.ApparmorLocalhostProfile),
	}
}

func or(v *bool, otherwise bool) *bool {
	if v != nil {
		return v
	}
	return &otherwise
}

func profile(kind, localhost string) *kube.ProfileSetting {
	if kind == "" {
		kind = runtimeDefault
	}
	return &kube.ProfileSetting{Type: kind, LocalhostProfile: localhost}
}

func itoa(n int) string { return strconv.Itoa(n) }
