#!/bin/sh
# The whole way once: keys, signed plugins, a signed index, an installation from it, a derivation. Everything is below
# build/: the keys are made here on the first run and have no owner.
set -eu
cd "$(dirname "$0")/.."
host=build/lattice-host
demo=build/demo
keys=$demo/keys

say() { printf '\n── %s\n' "$*" >&2; }

# Private keys are encrypted. The passphrase of this demonstration lies next to them.
mkdir -p "$keys"
[ -f "$keys/passphrase" ] || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$keys/passphrase")
LATTICE_PASSPHRASE=$(cat "$keys/passphrase")
export LATTICE_PASSPHRASE

say "the key of the publisher demo"
[ -f "$keys/demo.key" ] || "$host" key new demo --dir "$keys" >&2

say "plugins: built from source and signed"
for manifest in plugins/builtin/*/plugin.yaml; do
	plugin=$(basename "$(dirname "$manifest")")
	"$host" plugin build "plugins/builtin/$plugin" --publisher demo -O "$demo/plugins/$plugin.wasm" >&2
	"$host" plugin sign "$demo/plugins/$plugin.wasm" --key "$keys/demo.key" >&2
done

say "index: which releases there are, signed by five roles, each with a key of its own"
# The keys stay; the index is made again, and so is its author's record of it.
rm -rf "$demo/index" "$keys/index/root.json" "$keys/index/root.seen"
"$host" index init "$demo/index" --keys "$keys/index" >&2
"$host" index add "$demo/index" "$demo"/plugins/*.wasm --keys "$keys/index" --publisher-key "$keys/demo.pub" >&2

say "installation: the root of the index is pinned, what the index lists is verified, locked and activated"
# The command uses the folder of this name next to it as its installation.
rm -rf build/lattice-home
mkdir build/lattice-home
"$host" index trust "$keys/index/root.json" --location "$demo/index" >&2
"$host" install --all --activate >&2

say "derivation: examples/orders.yaml, with the other sides of its agreements"
"$host" derive -f examples/orders.yaml --with examples/orders-peers.yaml

say "who set the annotations of the pods?"
"$host" explain -f examples/orders.yaml --with examples/orders-peers.yaml \
	deployment/orders spec.template.metadata.annotations >&2
