package deployment

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

const (
	// defaultIssuer is the ClusterIssuer of certificates when neither the document nor the settings
	// name one.
	defaultIssuer = "lattice-ca"
	// certificateVolume is the pod's volume of the certificate, and certificatePath where
	// containers find it.
	certificateVolume = "lattice-tls"
	certificatePath   = "/etc/lattice/tls"
)

// applyTLS mounts the service's certificate in every container, and emits the Certificate unless
// the document names the Secret of an existing one.
func (d *derivation) applyTLS() {
	ports := d.svc.Spec.Workload.Service
	if ports == nil || ports.TLS == nil {
		return
	}
	const field = "spec.workload.service.tls"
	secret := ports.TLS.SecretName
	if secret == "" {
		secret = d.name + "-tls"
		issuer := kube.IssuerRef{Name: d.req.Setting("issuer").String(), Kind: "ClusterIssuer", Group: "cert-manager.io"}
		if issuer.Name == "" {
			issuer.Name = defaultIssuer
		}
		if ref := ports.TLS.IssuerRef; ref != nil {
			issuer.Name = ref.Name
			if ref.Kind != "" {
				issuer.Kind = ref.Kind
			}
		}
		d.resp.Emit(&kube.Certificate{
			Object: kube.NewObject("cert-manager.io/v1", "Certificate", d.meta(d.name+"-tls-cert")),
			Spec:   kube.CertificateSpec{SecretName: secret, DNSNames: ports.Hostnames, IssuerRef: issuer},
		})
	}
	d.pods.AddVolume(field, kube.Volume{Name: certificateVolume, Secret: &kube.SecretVolume{SecretName: secret}})
	for _, containers := range [][]kube.Container{d.pod.Spec.InitContainers, d.pod.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			if slices.ContainsFunc(c.VolumeMounts, func(m kube.VolumeMount) bool {
				return strings.HasPrefix(m.MountPath+"/", certificatePath+"/")
			}) {
				d.resp.Error(field, "the certificate is mounted at "+certificatePath+", where the container "+c.Name+
					" has a volume or file of its own; move that to another path")
				continue
			}
			c.VolumeMounts = append(c.VolumeMounts, kube.VolumeMount{
				Name: certificateVolume, MountPath: certificatePath, ReadOnly: true,
			})
		}
	}
}
