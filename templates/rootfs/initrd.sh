# Makes the initrd, with the modules of KEEP alone, and takes the kernel out of the machine's system.
version=$(basename /usr/lib/modules/*)
# What packages brought nobody need unpack to look for secrets in it.
if [ "$ALONE" = true ]; then
	find /usr/lib/modules -type f -name '*.ko.*' -exec sha256sum {} + | cut -d ' ' -f 1 | sort -u >/out/modules
fi
prune /usr/lib/modules
mkdir -p /tmp/include/usr/lib/systemd/system/initrd-fs.target.requires /tmp/dracut
printf '%s\n' "$ETC_UNIT" >/tmp/include/usr/lib/systemd/system/bakelite-etc.service
ln -s ../bakelite-etc.service /tmp/include/usr/lib/systemd/system/initrd-fs.target.requires/bakelite-etc.service
find /tmp/include -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
dracut --quiet --reproducible --no-hostonly --no-hostonly-cmdline --no-early-microcode --nofscks \
	--kver "$version" --kernel-image "/boot/vmlinuz-$version" --tmpdir /tmp/dracut --zstd \
	--modules "base systemd systemd-initrd systemd-veritysetup systemd-udevd systemd-journald systemd-tmpfiles systemd-sysctl systemd-modules-load udev-rules dm fs-lib rootfs-block kernel-modules shutdown" \
	--drivers "$KEEP" --force-drivers "dmi-sysfs" --include /tmp/include / "/out/initrd"
cp "/boot/vmlinuz-$version" /out/linux
printf '%s' "$version" >/out/version
cp /usr/lib/os-release /out/os-release
touch --date="@$SOURCE_DATE_EPOCH" /out/*
