# Ends a step: removes what differs from run to run, and gives the files that
# the step made one date. Files of packages keep the dates they came with.
cd "$ROOT"
rm -rf var/lib/apt/lists/* var/cache/apt/* var/cache/debconf/*-old var/lib/dpkg/*-old var/cache/ldconfig/aux-cache var/log/apt/*
rm -f var/log/dpkg.log var/log/alternatives.log var/log/bootstrap.log var/lib/systemd/catalog/database var/lib/dbus/machine-id
rm -f etc/.pwd.lock etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- etc/ssh/ssh_host_*_key*
[ ! -s etc/machine-id ] || : >etc/machine-id
if [ -e etc/shadow ]; then
	days=$((SOURCE_DATE_EPOCH / 86400))
	grep -Eqv "^[^:]*:[^:]*:$days:" etc/shadow && sed -i -E "s/^([^:]*:[^:]*):[0-9]*:/\1:$days:/" etc/shadow
fi
find . -xdev -newer "$start" ! -path './proc*' ! -path './sys*' ! -path './dev*' ! -path './run*' ! -path './tmp*' ! -path './debs*' \
	-exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
