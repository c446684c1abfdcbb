# Takes the kernel's modules out but those of KEEP and ASKED, and what these
# need. One of ASKED that is not there ends the step. They lie in the only
# folder of $1.
prune() (
	cd "$1"/*
	mawk -v keep="$KEEP" -v asked="$ASKED" '
		function name(path) { sub(/.*\//, "", path); sub(/\.ko.*/, "", path); gsub(/-/, "_", path); return path }
		BEGIN {
			for (i = split(keep, list, " "); i > 0; i--) wanted[name(list[i])]
			for (i = split(asked, list, " "); i > 0; i--) { wanted[name(list[i])]; missing[name(list[i])] = list[i] }
		}
		{ sub(/:.*/, "", $1); delete missing[name($1)] }
		FILENAME != "modules.dep" { next } # built in
		{
			all[$1]
			if (name($1) in wanted) for (i = 1; i <= NF; i++) kept[$i]
		}
		END {
			for (i in missing) { print "the kernel has no module " missing[i] ", which vm.modules names" >"/dev/stderr"; failed = 1 }
			if (failed) exit 1
			for (i in all) if (!(i in kept)) print i
		}' modules.builtin modules.dep >/tmp/pruned
	xargs -r rm </tmp/pruned
	rm /tmp/pruned
	find kernel -mindepth 1 -depth -type d -empty -delete
	depmod "$(basename "$PWD")"
)
