package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/engine"
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
		_, o, end, err := a.derive(ctx, in)
		if err != nil {
			return err
		}
		end()
		if err := o.Err(); err != nil {
			return err
		}
		if len(args) == 0 {
			return a.explainAll(o.Results)
		}
		field := ""
		if len(args) == 2 {
			field = args[1]
		}
		e, err := o.Explain(args[0], field)
		if err != nil {
			return err
		}
		return a.explainField(e)
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

func (a *app) explainAll(results []engine.Derived) error {
	list := make([]explainedBundle, len(results))
	for i, r := range results {
		list[i] = explainedBundle{Resource: r.Bundle.Resource, Bundle: r.Bundle.Digest(), Objects: []explainedObject{}, HostCalls: r.Bundle.HostCalls}
		for _, o := range r.Bundle.Outputs {
			steps, err := pipeline.Owners(r.Bundle, o.Ref, "")
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
			fmt.Fprintf(w, "%s  bundle %s\n", printable(results[i].Document.Object()), e.Bundle)
			rows := [][]string{{"STAGE", "OBJECT", "STEPS", "PLUGINS"}}
			for _, o := range e.Objects {
				steps, plugins := make([]string, len(o.Steps)), make([]string, len(o.Steps))
				for j, s := range o.Steps {
					steps[j], plugins[j] = layout.StepName(results[i].Bundle, s.Pipeline, s.Name), pluginName(s)
				}
				rows = append(rows, []string{strconv.Itoa(o.Stage), o.Ref.String(), strings.Join(steps, ", "), strings.Join(plugins, ", ")})
			}
			table(w, rows)
			writeHostCalls(w, results[i].Bundle)
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

// explainField tells where an object or a field comes from.
func (a *app) explainField(e *engine.Explanation) error {
	var text []byte
	if e.Field != "" {
		var err error
		if text, err = layout.FromJSON(e.Value); err != nil {
			return err
		}
	}
	return a.emit(e, func(w io.Writer) {
		fmt.Fprintln(w, printable(e.Object.String()))
		if e.Field != "" {
			fmt.Fprint(w, fieldText(e.Field, string(text)))
		}
		rows := make([][]string, len(e.Steps))
		for i, s := range e.Steps {
			rows[i] = []string{"set by step " + layout.StepName(e.Of, s.Pipeline, s.Name), pluginName(s), s.Digest}
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
