# Creates the service's user NAME where no package brought it.
if ! grep -q "^$NAME:" /etc/passwd; then
	id=999
	while grep -Eq "^[^:]*:[^:]*:$id:" /etc/passwd /etc/group; do id=$((id - 1)); done
	printf '%s:x:%s:\n' "$NAME" "$id" >>/etc/group
	printf '%s:x:%s:%s::/nonexistent:/usr/sbin/nologin\n' "$NAME" "$id" "$id" >>/etc/passwd
	printf '%s:!:%s::::::\n' "$NAME" "$((SOURCE_DATE_EPOCH / 86400))" >>/etc/shadow
	[ ! -e /etc/gshadow ] || printf '%s:!::\n' "$NAME" >>/etc/gshadow
fi
