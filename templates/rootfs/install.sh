# Unpacks the packages below /debs with dpkg, in one transaction.
set -f
$unpack $(find /debs -name '*.deb' | sort) >/dev/null
set +f
