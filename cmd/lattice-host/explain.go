package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/runtime/layout"
)

func (a *app) explainCommand() *cobra.Command {
	in := new(inputs)
	c := &cobra.Command{
		Use:   "explain -f FILE... [OBJECT [FIELD]]",
		Short: "Tell which plugin made an object or set a field",
		Long: `Explain derives as derive does, and tells where the result comes from.

Without OBJECT it lists the objects and the steps that made them, and what the steps asked the host for. With OBJECT it names the
steps that set anything in it; with FIELD, those that set the field, each with its plugin and the digest of the plugin's
module. Below are the policies that were asked because of the object or the field, and what they answered.

OBJECT is KIND/NAME or KIND/NAMESPACE/NAME. The case of the kind does not matter; a group may follow it, as in
deployment.apps/orders. FIELD is a path such as spec.template.spec.containers[name=main].image; items of lists are named
by their place or by their fields.`,
		Example: `  lattice-host explain -f orders.yaml
  lattice-host explain -f orders.yaml deployment/orders
  lattice-host explain -f orders.yaml Deployment.apps/shop/orders spec.replicas`,
		Args: arguments(0, 2, "OBJECT and FIELD"),
	}
	in.register(c)
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		results, _, err := a.derive(ctx, in)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return a.explainAll(results)
		}
		found, err := findObject(results, args[0])
		if err != nil {
			return err
		}
		field := ""
		if len(args) == 2 {
			field = args[1]
		}
		return a.explainField(found, field)
	})
	return c
}

// explainedBundle is what explain tells about one document.
type explainedBundle struct {
	Resource abi.Ref           `json:"resource"`
	Bundle   string            `json:"bundle"`
	Objects  []explainedObject `json:"objects"`
	// HostCalls are what the steps asked the host for.
	HostCalls []bundle.HostCall `json:"hostCalls,omitempty"`
}

type explainedObject struct {
	Ref   abi.Ref       `json:"ref"`
	Stage int           `json:"stage"`
	From  *abi.Ref      `json:"from,omitempty"`
	Steps []bundle.Step `json:"steps"`
}

func (a *app) explainAll(results []derived) error {
	list := make([]explainedBundle, len(results))
	for i, r := range results {
		list[i] = explainedBundle{Resource: r.bundle.Resource, Bundle: r.bundle.Digest(), Objects: []explainedObject{}, HostCalls: r.bundle.HostCalls}
		for _, o := range r.bundle.Outputs {
			steps, err := pipeline.Owners(r.bundle, o.Ref, "")
			if err != nil {
				return err
			}
			list[i].Objects = append(list[i].Objects, explainedObject{o.Ref, o.Stage, o.From, steps})
		}
	}
	return a.emit(map[string]any{"resources": list}, func(w io.Writer) {
		for i, e := range list {
			if i > 0 {
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s  bundle %s\n", printable(results[i].doc.Object()), e.Bundle)
			rows := [][]string{{"STAGE", "OBJECT", "STEPS", "PLUGINS"}}
			for _, o := range e.Objects {
				steps, plugins := make([]string, len(o.Steps)), make([]string, len(o.Steps))
				for j, s := range o.Steps {
					steps[j], plugins[j] = layout.StepName(results[i].bundle, s.Pipeline, s.Name), pluginName(s)
				}
				rows = append(rows, []string{strconv.Itoa(o.Stage), o.Ref.String(), strings.Join(steps, ", "), strings.Join(plugins, ", ")})
			}
			table(w, rows)
			writeHostCalls(w, results[i].bundle)
		}
	})
}

// writeHostCalls lists what the steps of a bundle asked the host for, if anything.
func writeHostCalls(w io.Writer, b *bundle.Bundle) {
	if len(b.HostCalls) == 0 {
		return
	}
	rows := [][]string{{"HOST CALL", "TARGET", "STEP", "ANSWER"}}
	for _, c := range b.HostCalls {
		rows = append(rows, []string{c.Op, c.Target, layout.StepName(b, c.Pipeline, c.Step), c.Answer})
	}
	fmt.Fprintln(w)
	table(w, rows)
}

// foundObject is one object of one bundle.
type foundObject struct {
	bundle *bundle.Bundle
	output *bundle.Output
	// decisions are what gates decided about the bundle.
	decisions []*gate.Decision
}

// explainedField is what explain tells about a field, or about a whole object.
type explainedField struct {
	Resource abi.Ref         `json:"resource"`
	Bundle   string          `json:"bundle"`
	Object   abi.Ref         `json:"object"`
	Field    string          `json:"field,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`
	Steps    []bundle.Step   `json:"steps"`
	// Policies are what policies said about it.
	Policies []gate.Reason `json:"policies,omitempty"`
}

func (a *app) explainField(found foundObject, field string) error {
	steps, err := pipeline.Owners(found.bundle, found.output.Ref, field)
	if err != nil {
		return err
	}
	e := explainedField{
		Resource: found.bundle.Resource, Bundle: found.bundle.Digest(), Object: found.output.Ref, Field: field, Steps: steps,
	}
	var text []byte
	if field != "" {
		if e.Value, err = fieldValue(found.output.Document, field); err != nil {
			return err
		}
		if text, err = layout.FromJSON(e.Value); err != nil {
			return err
		}
	}
	if e.Policies, err = reasonsAbout(found, field); err != nil {
		return err
	}
	return a.emit(e, func(w io.Writer) {
		fmt.Fprintln(w, printable(e.Object.String()))
		if field != "" {
			fmt.Fprint(w, fieldText(field, string(text)))
		}
		rows := make([][]string, len(steps))
		for i, s := range steps {
			rows[i] = []string{"set by step " + layout.StepName(found.bundle, s.Pipeline, s.Name), pluginName(s), s.Digest}
		}
		table(w, rows)
		for i := range e.Policies {
			writeReason(w, "", &e.Policies[i], verdictWords()[e.Policies[i].Verdict])
		}
	})
}

// fieldText writes a field and its value as YAML does.
func fieldText(field, value string) string {
	if strings.Count(value, "\n") == 1 {
		return printable(field) + ": " + value
	}
	return printable(field) + ":\n  " + strings.ReplaceAll(strings.TrimSuffix(value, "\n"), "\n", "\n  ") + "\n"
}

// findObject finds the one object that the user named.
func findObject(results []derived, name string) (foundObject, error) {
	kind, rest, ok := strings.Cut(name, "/")
	if !ok || kind == "" || rest == "" {
		return foundObject{}, inputf("%q must be KIND/NAME or KIND/NAMESPACE/NAME, such as deployment/orders", name)
	}
	var found []foundObject
	var all, same []string
	for _, r := range results {
		for i := range r.bundle.Outputs {
			o := &r.bundle.Outputs[i]
			all = append(all, objectName(o.Ref))
			if isNamed(o.Ref, kind, rest) {
				found = append(found, foundObject{r.bundle, o, r.judged.decisions})
				same = append(same, objectName(o.Ref))
			}
		}
	}
	switch len(found) {
	case 0:
		return foundObject{}, inputf("no object is named %s; there are: %s", name, strings.Join(all, ", "))
	case 1:
		return found[0], nil
	}
	return foundObject{}, inputf("several objects are named %s; say which one: %s", name, strings.Join(same, ", "))
}

// objectName names an object as the user may.
func objectName(r abi.Ref) string {
	if r.Namespace == "" {
		return r.GroupKind().String() + "/" + r.Name
	}
	return r.GroupKind().String() + "/" + r.Namespace + "/" + r.Name
}

// isNamed reports whether an object is one that the user may mean. The name of an object may itself hold a slash.
func isNamed(r abi.Ref, kind, rest string) bool {
	if !strings.EqualFold(kind, r.Kind) && !strings.EqualFold(kind, r.GroupKind().String()) {
		return false
	}
	return rest == r.Name || r.Namespace != "" && rest == r.Namespace+"/"+r.Name
}
