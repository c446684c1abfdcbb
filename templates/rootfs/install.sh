# Unpacks the packages below /debs with dpkg. What one of them pre-depends on
# is configured before, with all that it depends on in turn, and those with
# scripts that run before they are unpacked come last: scripts call the others.
for deb in /debs/*.deb; do
	list=/tmp/plain
	! dpkg-deb --info "$deb" preinst >/dev/null 2>&1 || list=/tmp/scripted
	dpkg-deb --show --showformat "$deb\t$list\t\${Package}\t\${Provides}\t\${Pre-Depends}\t\${Depends}\n" "$deb"
done | mawk -F '\t' '
	function names(text, list,   i, n) {
		n = split(text, list, /[,|]/)
		for (i = 1; i <= n; i++) { sub(/^ +/, "", list[i]); sub(/[ (:].*/, "", list[i]) }
		return n
	}
	function want(text,   list, i) {
		for (i = names(text, list); i > 0; i--)
			if (list[i] in by && !(by[list[i]] in wanted)) { wanted[by[list[i]]]; grew = 1 }
	}
	{
		deb[NR] = $1; file[NR] = $2; by[$3] = NR; before[NR] = $5; needs[NR] = $5 "," $6
		for (i = names($4, list); i > 0; i--) if (!(list[i] in by)) by[list[i]] = NR
	}
	END {
		for (i = 1; i <= NR; i++) want(before[i])
		do { grew = 0; for (i in wanted) want(needs[i]) } while (grew)
		for (i = 1; i <= NR; i++) print deb[i] >((i in wanted) ? "/tmp/first" : file[i])
	}'
set -f
for list in first plain scripted; do
	[ -e /tmp/$list ] || continue
	quietly unpack $(cat /tmp/$list)
	[ $list != first ] || quietly configure
done
set +f
