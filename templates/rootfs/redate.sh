# Gives every file of $ROOT that differs from /before one date.
list() { (cd "$1" && find . -xdev -printf '%P\t%T@\t%s\t%y\0' | sort -z); }
list /before >/tmp/before
list "$ROOT" | comm -z -13 /tmp/before - | cut -z -f1 | sed -z 's|^$|.|' >/tmp/changed
(cd "$ROOT" && xargs -0r touch --no-dereference --date="@$SOURCE_DATE_EPOCH" </tmp/changed)
