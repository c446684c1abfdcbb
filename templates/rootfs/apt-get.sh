#!/bin/sh
# What a Dockerfile's build has in place of apt-get. All packages come from the
# lock: those that the Dockerfile asks for are installed before its first step,
# so that "install" looks whether they are there, and nothing is fetched.
set -eu
mistake() {
	echo "app file: base.dockerfile: $1; next: $2" >&2
	exit 100
}
operands=
skip=
for word; do
	if [ -n "$skip" ]; then
		skip=
		continue
	fi
	case $word in
	-o | -t | -c | --option | --target-release | --default-release) skip=1 ;;
	-*) ;;
	*) operands="$operands $word" ;;
	esac
done
set -f
set -- $operands
[ $# -gt 0 ] || exit 0
command=$1
shift
case $command in
install | reinstall) ;;
update | upgrade | dist-upgrade | full-upgrade | clean | autoclean | distclean | autoremove | autopurge | purge | remove | check) exit 0 ;;
*) mistake "apt-get $command cannot run without the archive" "copy what it would fetch, or name packages under packages" ;;
esac
for word; do
	case $word in
	./* | /* | ../*)
		dpkg --install "$word"
		continue
		;;
	esac
	name=${word%%[=:/]*}
	version=
	case $word in *=*) version=${word#*=} ;; esac
	# A package is also there by what another one provides.
	there=$(dpkg-query --show --showformat '${db:Status-Status} ${Version} ${Package}, ${Provides}\n' 2>/dev/null |
		sed -n "s/^installed \([^ ]*\) \($name\(:[^ ,]*\)\{0,1\}, .*\|.*, *$name\([ ,].*\)\{0,1\}\)\$/\1/p" | head -n 1)
	[ -n "$there" ] || mistake "$name is not in the lock" "name $name under packages: its name cannot be read from the Dockerfile before it runs"
	if [ -n "$version" ]; then
		case $there in
		$version) ;;
		*) mistake "the lock has $name $there, not $version" "leave the version out: the lock pins it, and bakelite lock takes newer ones" ;;
		esac
	fi
	echo "$name $there is installed from the lock"
done
