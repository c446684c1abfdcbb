# Unpacks the packages below /debs into the empty $ROOT with the dpkg of
# outside. Scripts that run before a package is unpacked run in $ROOT, so those
# packages come last, when there is a shell and all that it calls; what the
# shell itself is made of is among them, and is put there by tar first.
for dir in bin lib lib64 sbin; do
	# Merged /usr comes before any package that still names /bin or /lib.
	mkdir -p "$ROOT/usr/$dir"
	ln -s "usr/$dir" "$ROOT/$dir"
done
late=
early=
for deb in /debs/*.deb; do
	if dpkg-deb --info "$deb" preinst >/dev/null 2>&1; then
		late="$late $deb"
		dpkg-deb --fsys-tarfile "$deb" | tar -C "$ROOT" -x --keep-directory-symlink --no-overwrite-dir
	else
		early="$early $deb"
	fi
done
find "$ROOT/usr/share/doc" "$ROOT/usr/share/man" "$ROOT/usr/share/info" "$ROOT/usr/share/locale" "$ROOT/usr/share/lintian" "$ROOT/usr/share/bug" \
	-type f ! -name copyright -delete 2>/dev/null || :
# Users and groups come before the files that they own.
cp "$ROOT/usr/share/base-passwd/passwd.master" "$ROOT/etc/passwd"
cp "$ROOT/usr/share/base-passwd/group.master" "$ROOT/etc/group"
set -f
quietly unpack --instdir="$ROOT" --admindir=/tmp/dpkg $early
keep_database
quietly unpack --root="$ROOT" $late
set +f
rm -f "$ROOT/dev/null" # a file: scripts that ran in $ROOT had no other
