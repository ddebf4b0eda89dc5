#!/bin/sh
# night.sh: run everything that is slow, one after the other, also when some of it fails, and end with a line for each step. It
# exits with 1 when a step failed. NIGHT_FUZZTIME (2m) is how long each fuzz target runs.
cd "$(dirname "$0")/../.." || exit
fuzztime=${NIGHT_FUZZTIME:-2m}
summary=$(mktemp) || exit
trap 'rm -f "$summary"' EXIT
passed=0 failed=0

step() {
	printf '\n== %s\n' "$*"
	began=$(date +%s)
	if "$@"; then
		result=passed passed=$((passed + 1))
	else
		result=FAILED failed=$((failed + 1))
	fi
	printf '%-6s %6ss  %s\n' "$result" "$(($(date +%s) - began))" "$*" >>"$summary"
}

step make test
step make test-assemblyscript
step make test-cedar
step make test-trust
step make check
step make race RACED=./...
step make kills
step make bench-peers
step make bench
step make fuel
step make worst
step make property
step make offline
for folder in abi cmd host registry runtime plugins; do
	step make fuzz FUZZIN=$folder FUZZTIME="$fuzztime"
done

printf '\n'
cat "$summary"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
