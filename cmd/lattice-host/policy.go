package main

import "github.com/spf13/cobra"

func (a *app) policyCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "policy",
		Short: "Check, test, try and install the policies that gates ask",
		Long: `Policies decide what may be installed, derived and applied. Cedar policies answer who may do what; Rego rules say what is
acceptable; quotas limit what workloads ask for. Whatever no policy permits is denied.

Three sources are read together: the policies that come with the program, the bundles that were installed with policy install
and the files in the folder policies of the installation, and what --policies names. A policy that forbids wins over all that
permit, wherever it is.`,
		Example: `  lattice-host policy try -f orders.yaml
  lattice-host policy check ./policies
  lattice-host policy test ./policies`,
	},
		a.policyTryCommand(), a.policyExplainCommand(), a.policyCheckCommand(), a.policyTestCommand(),
		a.policyInstallCommand(), a.policyRemoveCommand(), a.policyListCommand())
}
