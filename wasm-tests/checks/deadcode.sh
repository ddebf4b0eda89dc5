#!/bin/sh
# deadcode.sh EXCEPTIONS: read what deadcode found, and fail for what no exception names. A line of EXCEPTIONS is the name of
# a file, that of a function or *, and the reason. An exception that nothing needs any more fails too.
awk -v exceptions="$1" '
	BEGIN {
		while ((got = (getline line < exceptions)) > 0) {
			if (line ~ /^(#|$)/) continue
			n = split(line, field, " ")
			if (n < 3) { printf "%s: %s: give a file, a function or *, and the reason\n", exceptions, line; bad = 1 }
			known[field[1] " " field[2]] = 0
		}
		if (got < 0) { printf "%s: cannot be read\n", exceptions; bad = 1 }
	}
	{
		file = $0; sub(/:.*/, "", file)
		name = $NF
		if ((file " " name) in known) known[file " " name]++
		else if ((file " *") in known) known[file " *"]++
		else { print $0 " (delete it, or give a reason in " exceptions ")"; bad = 1 }
	}
	END {
		for (k in known) if (!known[k]) unused[++n_unused] = k
		for (i = 1; i <= n_unused; i++) { printf "%s: %s: nothing needs the exception, remove it\n", exceptions, unused[i]; bad = 1 }
		exit bad
	}'
