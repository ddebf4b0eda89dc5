// Package database derives a StatefulSet and a Service from a Database, a kind that the plugin
// brings itself.
package database

import (
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

// derive trusts what it reads: the host has checked the document against the schema and the rules
// in the manifest, and filled in its defaults.
func derive(req *sdk.Request, resp *sdk.Response) error {
	document := sdk.Value(req.Resource)
	metadata, spec := document.Get("metadata"), document.Get("spec")
	meta := kube.ObjectMeta{Name: metadata.Get("name").String(), Namespace: metadata.Get("namespace").String()}
	labels := kube.Labels{{Key: "app.kubernetes.io/name", Value: meta.Name}}
	port := spec.Get("port").Int()

	resp.Emit(&kube.Service{
		Object: kube.NewObject("v1", "Service", meta),
		Spec:   kube.ServiceSpec{Selector: labels, Ports: []kube.ServicePort{{Name: "sql", Port: port}}},
	})
	resp.Emit(&kube.StatefulSet{
		Object: kube.NewObject("apps/v1", "StatefulSet", meta),
		Spec: kube.StatefulSetSpec{
			ServiceName: meta.Name,
			Replicas:    new(spec.Get("replicas").Int()),
			Selector:    kube.LabelSelector{MatchLabels: labels},
			Template:    kube.PodTemplate{Metadata: kube.ObjectMeta{Labels: labels}, Spec: pod(spec, port)},
			VolumeClaimTemplates: []kube.PersistentVolumeClaim{{
				Object: kube.NewObject("v1", "PersistentVolumeClaim", kube.ObjectMeta{Name: "data"}),
				Spec: kube.PersistentVolumeClaimSpec{
					AccessModes: []string{"ReadWriteOnce"},
					Resources:   kube.VolumeResources{Requests: cbor.Map[string]{{Key: "storage", Value: spec.Get("size").String()}}},
				},
			}},
		},
	})
	return nil
}

func pod(spec sdk.Value, port int64) kube.PodSpec {
	const user = 999
	path := "/var/lib/postgresql"
	if spec.Get("engine").String() == "mariadb" {
		path = "/var/lib/mysql"
	}
	return kube.PodSpec{
		AutomountServiceAccountToken: new(false),
		SecurityContext: &kube.PodSecurityContext{
			RunAsNonRoot: new(true), FSGroup: new(int64(user)), SeccompProfile: &kube.ProfileSetting{Type: "RuntimeDefault"},
		},
		Containers: []kube.Container{{
			Name:         "database",
			Image:        spec.Get("image").String(),
			Ports:        []kube.ContainerPort{{Name: "sql", ContainerPort: port}},
			VolumeMounts: []kube.VolumeMount{{Name: "data", MountPath: path}},
			SecurityContext: &kube.SecurityContext{
				Capabilities: &kube.Capabilities{Drop: []string{"ALL"}}, ReadOnlyRootFilesystem: new(true), RunAsUser: new(int64(user)),
				AllowPrivilegeEscalation: new(false),
			},
		}},
	}
}
