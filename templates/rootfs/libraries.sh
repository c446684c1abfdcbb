# Takes out of REMOVE what a package which stays cannot run without: libraries
# that it depends on, and Perl.
REMOVE=$(mawk -v remove="$REMOVE" '
	BEGIN { RS = ""; FS = "\n"; count = split(remove, names, " "); for (i = 1; i <= count; i++) gone[names[i]] }
	{
		for (i = 1; i <= NF; i++) {
			if (sub(/^Package: /, "", $i)) name = $i
			if (sub(/^(Pre-)?Depends: /, "", $i)) needs[name] = needs[name] "," $i
		}
	}
	END {
		do {
			kept = 0
			for (name in needs) {
				if (name in gone) continue
				n = split(needs[name], depends, /[,|]/)
				for (i = 1; i <= n; i++) {
					library = depends[i]
					sub(/^ +/, "", library)
					sub(/[ (:].*/, "", library)
					if (library ~ /^(lib|perl-base$)/ && library in gone) { delete gone[library]; kept = 1 }
				}
			}
		} while (kept)
		for (i = 1; i <= count; i++) if (names[i] in gone) print names[i]
	}' "$ROOT/var/lib/dpkg/status")
