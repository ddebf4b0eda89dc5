#!/bin/sh
# The whole way once: keys, signed plugins, a signed index, an installation from it, a derivation. Everything is below
# build/: the keys are made here on the first run and belong to nobody.
set -eu
cd "$(dirname "$0")/.."
host=build/lattice-host
demo=build/demo

say() { printf '\n── %s\n' "$*" >&2; }

say "keys: one signs the index, one the plugins of the publisher demo"
for name in index demo; do
	[ -f "$demo/keys/$name.key" ] || "$host" key new "$name" --dir "$demo/keys" >&2
done

say "plugins: built from source and signed"
for plugin in deployment egress keda network-policy; do
	"$host" plugin build "plugins/builtin/$plugin" --publisher demo -O "$demo/plugins/$plugin.wasm" >&2
	"$host" plugin sign "$demo/plugins/$plugin.wasm" --key "$demo/keys/demo.key" >&2
done

say "index: a signed list of the releases"
rm -rf "$demo/index"
"$host" index init "$demo/index" --key "$demo/keys/index.key" >&2
"$host" index add "$demo/index" "$demo"/plugins/*.wasm \
	--key "$demo/keys/index.key" --publisher-key "$demo/keys/demo.pub" >&2

say "installation: the index key is pinned, everything that the index lists is verified and locked"
# The command takes the folder of this name beside it for its installation.
rm -rf build/lattice-home
mkdir build/lattice-home
"$host" index trust "$demo/keys/index.pub" >&2
"$host" install --index "$demo/index" --all >&2

say "derivation: examples/orders.yaml, with the other sides of its agreements"
"$host" derive -f examples/orders.yaml --with examples/orders-peers.yaml

say "who set the annotations of the pods?"
"$host" explain -f examples/orders.yaml --with examples/orders-peers.yaml \
	deployment/orders spec.template.metadata.annotations >&2
