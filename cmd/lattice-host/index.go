package main

import "github.com/spf13/cobra"

func (a *app) indexCommand() *cobra.Command {
	return group(&cobra.Command{
		Use:   "index",
		Short: "Run, check, copy and trust indexes of plugins",
		Long: `An index is a folder that any web server, or a disk that is carried around, can offer: metadata/ and targets/ are a TUF
repository that says which releases there are, who the publishers are and what is revoked; oci/ is an OCI image layout with
the modules. Who runs an index keeps the keys of its five roles:

  root       says which keys the others have; offline
  targets    publishers and their keys, revocations; offline
  releases   adds, yanks and deprecates releases
  snapshot, timestamp
             say what is the newest

Commands that publish take --keys, a folder with private keys, and open those that they need, no others. They verify the
folder from the pin on, which is root.json next to the keys, before they sign anything, and refuse a folder that is older
than what they have seen. --dry-run shows what would be published.`,
		Example: `  lattice-host index init ./index --keys ./keys
  lattice-host index add ./index keda.wasm --keys ./keys --publisher-key acme.pub
  lattice-host index verify ./index --root ./keys/root.json`,
	},
		a.indexInitCommand(), a.indexAddCommand(), a.indexPublisherCommand(), a.indexPolicyCommand(), a.indexYankCommand(),
		a.indexDeprecateCommand(), a.indexRevokeCommand(), a.indexRotateCommand(), a.indexRefreshCommand(), a.indexVerifyCommand(),
		a.indexCleanCommand(), a.indexMirrorCommand(), a.indexTrustCommand(), a.indexUntrustCommand(), a.indexFetchCommand(), a.indexForgetCommand())
}
