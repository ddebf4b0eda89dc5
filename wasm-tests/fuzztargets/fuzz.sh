#!/bin/sh
# fuzz.sh PACKAGE TIME TARGET…: run fuzz targets of the package in a folder, each for some time, with one test binary.
#
# The fuzzing engine of Go before 1.27 sometimes takes the end of the time for a failure of the target
# (https://go.dev/issue/75804). Such a run says nothing but "context deadline exceeded" and writes no input down, which
# every finding does, so that it counts as one that found nothing. What says FAIL is held back until that is known.
set -u
package=$1 time=$2
shift 2
tmp=$(mktemp -d) || exit
trap 'rm -rf "$tmp"' EXIT
log=$tmp/log

# What go test -fuzz does, but that it links once: the instrumentation comes with -fuzz.
go test -c -fuzz . -o "$tmp/fuzz.test" "./$package" || exit
if ! [ -x "$tmp/fuzz.test" ]; then
	echo "$package has no tests"
	exit 1
fi
corpus=$(go env GOCACHE)/fuzz/$(go list "./$package") || exit
cd "$package" || exit
"$tmp/fuzz.test" -test.list '^Fuzz' >"$tmp/targets" || exit

for target; do
	echo "== $package $target"
	# The binary says PASS when there is no such target.
	if ! grep -qx "$target" "$tmp/targets"; then
		echo "$package has no fuzz target $target"
		exit 1
	fi
	{
		"$tmp/fuzz.test" -test.run '^$' -test.fuzz "^$target\$" -test.fuzztime "$time" -test.fuzzminimizetime 10x \
			-test.fuzzcachedir "$corpus" -test.paniconexit0 2>&1
		echo "exit $?"
	} | tee "$log" | sed -e '/^--- FAIL: /,$d' -e '/^exit [0-9]*$/d'

	status=$(sed -n '$s/^exit //p' "$log")
	if [ "$status" = 1 ]; then
		said=$(sed -n '/^--- FAIL: /,/^FAIL$/p' "$log" | sed '1d;$d;s/^ *//')
		if [ "$said" = 'context deadline exceeded' ] && ! grep -qi 'failing input\|panic' "$log"; then
			echo "The time was over; $target found nothing."
			continue
		fi
	fi
	sed -n -e '/^exit [0-9]*$/d' -e '/^--- FAIL: /,$p' "$log"
	if [ "$status" != 0 ]; then
		echo "FAIL $package $target; a failing input is in $package/testdata/fuzz/$target"
		exit "$status"
	fi
done
