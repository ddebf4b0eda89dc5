#!/bin/sh
# turn.sh N: choose N of the fuzz targets of standard input, whose lines are a package and a target. Two thirds are of packages
# that changed since the last tag, or since the branch left main, or in the last 20 commits; the others are of the rest. Of each
# kind the first one depends on the commit, so that all have their turn and a commit always has the same ones.
set -eu
head=$(git rev-parse --verify --quiet HEAD || echo none)
base=$(git describe --tags --abbrev=0 2>/dev/null || true)
for main in origin/main main; do
	if [ -z "$base" ] && fork=$(git merge-base HEAD "$main" 2>/dev/null) && [ "$fork" != "$head" ]; then
		base=$fork
	fi
done
if [ -z "$base" ] && [ "$head" != none ]; then
	# All there are, in a clone without so many.
	base=$(git rev-list --first-parent --max-count=21 HEAD | tail -n 1)
fi
changed=$(git diff --name-only --diff-filter=d ${base:+"$base"} 2>/dev/null | sed -E 's#(/testdata)?/[^/]*$##;s#/testdata/.*##' | sort -u | tr '\n' ' ')

awk -v n="$1" -v changed=" $changed" -v number="$(printf %s "$head" | cksum | cut -d' ' -f1)" '
	{ if (index(changed, " " $1 " ")) new[++news] = $0; else old[++olds] = $0 }
	# Take up to k lines, from the one of the number on.
	function take(list, size, k,    i) {
		for (i = 0; i < k && i < size; i++) print list[(number + i) % size + 1]
	}
	END {
		few = n - int(n / 3)
		if (olds < n - few) few = n - olds
		if (news < few) few = news
		take(new, news, few)
		take(old, olds, n - few)
	}' | sort
