package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/floor"
)

func (a *app) platformCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:     "platform",
		Short:   "Print what a cluster needs for what derives",
		Long:    `What derives from a document rests on objects that a cluster has once, whatever runs in it.`,
		Example: "  lattice-host platform floor",
	}, a.floorCommand())
}

func (a *app) floorCommand() *cobra.Command {
	var system []string
	c := &cobra.Command{
		Use:   "floor",
		Short: "Print the policies on which the derived ones rest",
		Long: `Floor prints the policies that a cluster needs once: pods and the mesh are closed unless a policy opens them, and probes of the
kubelet, look-ups of names and the proxies of the mesh have what they need. What derives from documents only opens. With -o json it
prints one List.

Kubectl applies them from standard input: kubectl apply --server-side -f -

Pods of the system namespaces are left alone. --system-namespace names them, once for each; without it they are those of the
platform's own controllers, such as kube-system and istio-system.`,
		Example: `  lattice-host platform floor
  lattice-host platform floor --system-namespace kube-system --system-namespace istio-system -o json`,
		Args: noArguments(),
	}
	c.Flags().StringArrayVar(&system, "system-namespace", nil, "`namespace` whose pods the floor leaves alone, instead of the platform's own")
	c.RunE = a.does(func(context.Context, []string) error {
		for _, namespace := range system {
			if !floor.IsNamespace(namespace) {
				return inputf("%q cannot name a namespace; use at most 63 lower-case letters, digits and hyphens", namespace)
			}
		}
		return a.printObjects(floor.Objects(system))
	})
	return c
}
