# Makes one read-only partition of /tree, without what EXCLUDE names, and its
# hash tree; the salt and identifiers come from the content alone.
set -f # the patterns are mksquashfs'
env -u SOURCE_DATE_EPOCH mksquashfs /tree /out/data -noappend -no-progress -quiet -comp zstd -Xcompression-level "$LEVEL" -b 256K -xattrs \
	-mkfs-time "$SOURCE_DATE_EPOCH" -root-time "$SOURCE_DATE_EPOCH" ${EXTRA:+-p "$EXTRA"} -wildcards ${EXCLUDE:+-e $EXCLUDE} >&2
salt=$(sha256sum /out/data | cut -c1-64)
veritysetup format --salt="$salt" --uuid="$(printf %s "$salt" | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/')" \
	--root-hash-file=/out/roothash /out/data /out/hash >&2
