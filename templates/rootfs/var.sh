# Makes the file system of /var, small; the machine grows it at its first boot.
size=$(du -sm --apparent-size /tree/var | cut -f1)
E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -m 0 -b 4096 -I 256 -L var -U "$ID" -O metadata_csum \
	-E "hash_seed=$ID,resize=16777216,lazy_itable_init=0" -d /tree/var /tmp/var "$((size + size / 4 + 24))M" >&2
zstd -q -3 --no-progress -T1 /tmp/var -o /out/var.zst
