#!/bin/sh
# words.sh WORDS ALLOWED: look for words in every line of the tree, of files that are not tracked yet as well. Generated files
# and this folder, which lists the words, are left out, and so are the places in ALLOWED.
set -eu
LC_ALL=C
export LC_ALL
words=$1
allowed=$2

patterns=$(sed -e '/^#/d' -e '/^$/d' -e 's/	.*//' "$words" | paste -s -d '|' -)
[ -n "$patterns" ] || { echo "$words: has no words"; exit 1; }
[ -r "$allowed" ] || { echo "$allowed: cannot be read"; exit 1; }

# git grep exits with 1 when it finds nothing.
found=$(git grep --untracked --no-color -nIiE -e "$patterns" -- . ':!*_gen.go' ':!wasm-tests/checks') || [ $? -eq 1 ]

printf '%s\n' "$found" | awk -v words="$words" -v allowed="$allowed" -F '\t' '
	BEGIN {
		while ((getline < words) > 0) {
			if ($0 ~ /^(#|$)/) continue
			pattern[++n] = "(^|[^a-z_])" $1 "($|[^a-z_])"
			instead[n] = $2
		}
		while ((getline < allowed) > 0) {
			if ($0 ~ /^(#|$)/) continue
			place[++m] = $1
			part[m] = $2
		}
	}
	{
		file = $0
		sub(/:.*/, "", file)
		text = substr($0, length(file) + 2)
		line = text
		sub(/:.*/, "", line)
		text = substr(text, length(line) + 2)
		for (i = 1; i <= m; i++) if (place[i] == file && (at = index(text, part[i]))) {
			used[i] = 1
			text = substr(text, 1, at - 1) " " substr(text, at + length(part[i]))
		}
		text = " " tolower(text) " "
		for (i = 1; i <= n; i++) if (match(text, pattern[i])) {
			word = substr(text, RSTART, RLENGTH)
			gsub(/^[^a-z%]+|[^a-z]+$/, "", word)
			printf "%s:%s: \"%s\": write %s\n", file, line, word, instead[i]
			bad = 1
		}
	}
	END {
		for (i = 1; i <= m; i++) if (!used[i]) {
			printf "%s: %s: nothing needs \"%s\" any more, remove the line\n", allowed, place[i], part[i]
			bad = 1
		}
		exit bad
	}'
