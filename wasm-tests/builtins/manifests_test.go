package builtins

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/pipeline"
)

// TestManifests compares the applications of docs/from-a-manifest.md: all that a Kubernetes
// manifest says of how its program runs must be in what derives from the LatticeService. Names of
// volumes and labels may differ, and more may be there.
func TestManifests(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins := pairs(t)
	settings, err := pipeline.ParseSettings("settings.yaml", readFile(t, root, "docs/settings.yaml"))
	if err == nil {
		settings, err = settings.WithPlatform("platform.yaml", readFile(t, root, "docs/platform.yaml"))
	}
	if err != nil {
		t.Fatal(err)
	}
	originals, err := filepath.Glob(filepath.Join(root, "docs/manifests/kubernetes/*.yaml"))
	if err != nil || len(originals) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, file := range originals {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			want := cluster{}
			for text := range bytes.SplitSeq(readFile(t, root, "docs/manifests/kubernetes/"+name), []byte("---\n")) {
				data, err := yaml.YAMLToJSON(text)
				if err != nil {
					t.Fatal(err)
				}
				want.add(t, data)
			}
			engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins, Settings: settings})
			if err != nil {
				t.Fatal(err)
			}
			bundles, err := engine.DeriveAll(t.Context(), read(t, root, []string{"../docs/manifests/lattice/" + name}))
			if err != nil {
				t.Fatal(err)
			}
			got := cluster{}
			for _, o := range bundles[0].Outputs {
				got.add(t, o.Document)
			}
			for key, object := range want {
				switch object["kind"] {
				case "Deployment", "StatefulSet":
					contains(t, key, want.workload(object), got.workload(got[key]))
				case "Service":
					contains(t, key, servicePorts(object), servicePorts(got[key]))
				case "PersistentVolumeClaim":
					contains(t, key, object["spec"], got[key]["spec"])
				}
			}
		})
	}
}

func readFile(t *testing.T, root, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

type tree = map[string]any

// cluster are objects by KIND/NAME.
type cluster map[string]tree

func (c cluster) add(t *testing.T, document []byte) {
	t.Helper()
	var v tree
	if err := json.Unmarshal(document, &v); err != nil {
		t.Fatal(err)
	}
	c[fmt.Sprintf("%v/%v", v["kind"], follow(v, "metadata.name"))] = v
}

// contains reports what is in want and not in got.
func contains(t *testing.T, path string, want, got any) {
	t.Helper()
	inner, ok := want.(tree)
	if !ok {
		if !reflect.DeepEqual(want, got) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
		return
	}
	values, _ := got.(tree)
	for _, key := range slices.Sorted(maps.Keys(inner)) {
		contains(t, path+" "+key, inner[key], values[key])
	}
}

// workload returns how an object runs its program, in a form that is the same however it is
// written.
func (c cluster) workload(object tree) tree {
	spec, _ := object["spec"].(tree)
	pod, _ := follow(spec, "template.spec").(tree)
	if pod == nil {
		return nil
	}
	out := tree{"replicas": spec["replicas"]}
	for _, key := range []string{"terminationGracePeriodSeconds", "nodeSelector", "tolerations"} {
		if pod[key] != nil {
			out[key] = pod[key]
		}
	}
	if group := follow(pod, "securityContext.fsGroup"); group != nil {
		out["fsGroup"] = group
	}
	if strategy := follow(spec, "strategy.type"); strategy != nil {
		out["strategy"] = strategy
	}
	if spec["serviceName"] != nil {
		out["serviceName"] = spec["serviceName"]
	}
	for _, item := range list(spec["volumeClaimTemplates"]) {
		out[fmt.Sprintf("claim %v", follow(item, "metadata.name"))] = item["spec"]
	}
	var order []any
	for _, group := range []string{"initContainers", "containers"} {
		for _, container := range list(pod[group]) {
			out[fmt.Sprintf("container %v", container["name"])] = c.container(container, pod)
			if group == "initContainers" {
				order = append(order, container["name"])
			}
		}
	}
	out["order of init containers"] = order
	return out
}

func (c cluster) container(container, pod tree) tree {
	env := c.environment(container)
	ports := tree{}
	for _, p := range list(container["ports"]) {
		ports[fmt.Sprint(p["name"])] = p["containerPort"]
	}
	// Probes run without variables, commands with them.
	out := expanded(tree{"image": container["image"], "command": container["command"], "args": container["args"]}, env).(tree)
	maps.DeleteFunc(out, func(_ string, v any) bool { return v == nil })
	for _, key := range []string{"readinessProbe", "livenessProbe", "startupProbe", "lifecycle", "resources", "securityContext"} {
		if container[key] != nil {
			out[key] = numbered(container[key], ports)
		}
	}
	out["env"] = env
	for _, p := range ports {
		out[fmt.Sprintf("port %v", p)] = true
	}
	for _, m := range list(container["volumeMounts"]) {
		out[fmt.Sprintf("mount %v", m["mountPath"])] = c.mounted(m, pod)
	}
	return out
}

// environment returns the variables of a container: their values, or where they come from.
func (c cluster) environment(container tree) tree {
	env := tree{}
	for _, from := range list(container["envFrom"]) {
		own := c[fmt.Sprintf("ConfigMap/%v", follow(from, "configMapRef.name"))]
		if own == nil {
			env[fmt.Sprint(from)] = true
		}
		data, _ := own["data"].(tree)
		maps.Copy(env, data)
	}
	for _, v := range list(container["env"]) {
		if v["valueFrom"] != nil {
			env[v["name"].(string)] = fmt.Sprint(v["valueFrom"])
		} else {
			env[v["name"].(string)] = expanded(v["value"], env)
		}
	}
	return env
}

// mounted says what a container finds at a path.
func (c cluster) mounted(mount, pod tree) string {
	for _, v := range list(pod["volumes"]) {
		if v["name"] != mount["name"] {
			continue
		}
		own := c[fmt.Sprintf("ConfigMap/%v", follow(v, "configMap.name"))]
		if data, _ := own["data"].(tree); data != nil && mount["subPath"] != nil {
			return fmt.Sprintf("the file %q", data[mount["subPath"].(string)])
		}
		source := maps.Clone(v)
		delete(source, "name")
		if secret, ok := source["secret"].(tree); ok {
			// The key of the mount says the same as the list of keys.
			source["secret"] = tree{"secretName": secret["secretName"]}
		}
		return fmt.Sprintf("%v at %v", source, mount["subPath"])
	}
	return fmt.Sprintf("the claim template %v at %v", mount["name"], mount["subPath"])
}

// servicePorts returns a Service with the numbers of ports of pods.
func servicePorts(service tree) tree {
	spec, _ := service["spec"].(tree)
	out := tree{"clusterIP": spec["clusterIP"], "type": spec["type"]}
	for _, p := range list(spec["ports"]) {
		out[fmt.Sprintf("port %v", p["name"])] = p["port"]
		if target, ok := p["targetPort"].(float64); ok {
			out[fmt.Sprintf("target %v", p["name"])] = target
		}
	}
	return out
}

func list(v any) []tree {
	items, _ := v.([]any)
	var out []tree
	for _, item := range items {
		out = append(out, item.(tree))
	}
	return out
}

// expanded replaces $(NAME) as the kubelet does.
func expanded(v any, env tree) any {
	return each(v, "", func(_, text string) any {
		for name, value := range env {
			text = strings.ReplaceAll(text, "$("+name+")", fmt.Sprint(value))
		}
		return text
	})
}

// numbered replaces the names of ports by their numbers.
func numbered(v any, ports tree) any {
	return each(v, "", func(key, text string) any {
		if key == "port" && ports[text] != nil {
			return ports[text]
		}
		return text
	})
}

// each calls replace with every text and its key.
func each(v any, key string, replace func(key, text string) any) any {
	switch x := v.(type) {
	case string:
		return replace(key, x)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = each(x[i], key, replace)
		}
		return out
	case tree:
		out := tree{}
		for k, inner := range x {
			out[k] = each(inner, k, replace)
		}
		return out
	}
	return v
}
