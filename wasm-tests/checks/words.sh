#!/bin/sh
# words.sh WORDS: look for words in the lines that were added since $WORDS_BASE, or since the branch left main, or, on main
# itself, by the last commit; what is not committed counts too. Where there is no earlier commit, as in a clone of depth 1, only
# what is not committed is looked at.
set -eu
words=$1
base=${WORDS_BASE:-}
if [ -z "$base" ]; then
	base=HEAD
	for main in origin/main main; do
		if found=$(git merge-base HEAD "$main" 2>/dev/null); then
			base=$found
			break
		fi
	done
	if [ "$(git rev-parse "$base")" = "$(git rev-parse HEAD)" ]; then
		base=$(git rev-parse --verify --quiet 'HEAD^' || echo HEAD)
	fi
fi

set -- '*.go' '*.md' '*.sh' '*.mjs' '*.cedar' '*.rego' Makefile .ci/run ':!*_gen.go' ':!testdata/*' ':!*/testdata/*' ":!$words" ':!wasm-tests/checks/*_test.go'
{
	git diff --no-color --no-ext-diff --unified=0 --diff-filter=d --src-prefix=a/ --dst-prefix=b/ "$base" -- "$@"
	git ls-files --others --exclude-standard -- "$@" | while read -r file; do
		git diff --no-color --no-ext-diff --unified=0 --no-index --src-prefix=a/ --dst-prefix=b/ /dev/null "$file" || true
	done
} | awk -v words="$words" -F '\t' '
	BEGIN {
		while ((getline < words) > 0) {
			if ($0 ~ /^(#|$)/) continue
			pattern[++n] = "(^|[^a-z_])" $1 "($|[^a-z_])"
			word[n] = $1
			instead[n] = $2
		}
		if (n == 0) { print words ": has no words"; bad = 1 }
	}
	/^\+\+\+ b\// && !inside { file = substr($0, 7); next }
	/^diff --git / { inside = 0; next }
	/^@@ / {
		inside = 1
		line = $0
		sub(/^@@ -[0-9,]+ \+/, "", line)
		sub(/[ ,].*/, "", line)
		next
	}
	inside && /^\+/ {
		text = " " tolower(substr($0, 2)) " "
		for (i = 1; i <= n; i++) if (match(text, pattern[i])) {
			found = substr(text, RSTART, RLENGTH)
			gsub(/^[^a-z%]+|[^a-z]+$/, "", found)
			printf "%s:%d: \"%s\": write %s\n", file, line, found, instead[i]
			bad = 1
		}
		line++
	}
	END { exit bad }'
