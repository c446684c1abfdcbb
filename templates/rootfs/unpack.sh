# Unpacks the packages below /debs into $ROOT; nothing is configured.
# Only the decompression runs in parallel: a tar that meets a folder while
# another one fills it takes the other's working mode, 0700, for the folder's.
printf '%s\0' /debs/*.deb | xargs -0 -P2 -n1 sh -euc 'dpkg-deb --fsys-tarfile "$1" >"/tmp/${1##*/}.tar"' unpack
for tar in /tmp/*.tar; do
	tar -C "$ROOT" -xf "$tar" --keep-directory-symlink --no-overwrite-dir
	rm "$tar"
done
