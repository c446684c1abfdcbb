# Unpacks the packages below /debs into $ROOT; nothing is configured.
for dir in bin lib lib64 sbin; do
	# Merged /usr comes before any package that still names /bin or /lib.
	[ -e "$ROOT/$dir" ] || { mkdir -p "$ROOT/usr/$dir" && ln -s "usr/$dir" "$ROOT/$dir"; }
done
printf '%s\0' /debs/*.deb | xargs -0 -P2 -n4 sh -euc '
	for deb do dpkg-deb --fsys-tarfile "$deb" | tar -C "$ROOT" -xf - --keep-directory-symlink --no-overwrite-dir; done' unpack
# Packages disagree about the dates of folders that they share.
find "$ROOT" -xdev -type d -exec touch --date="@$SOURCE_DATE_EPOCH" {} +
