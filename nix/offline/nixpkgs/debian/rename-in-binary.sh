# shellcheck shell=dash disable=SC2001
# FILE FROM TO: replace every FROM in a binary by TO, which must be as long; nothing may move. Runs on busybox alone,
# whose grep ends a line at a zero byte (its sed does not): hence tr.
set -eu
fail() { echo "rename: $*" >&2; exit 1; }
holds() { tr '\0' '\n' <"$1" | grep -F -e "$2" >/dev/null; }

[ ${#2} = ${#3} ] || fail "'$2' and '$3' are not equally long"
holds "$1" "$2" || fail "$1 does not hold '$2'"
size=$(stat -c %s "$1")
sed -i "s,$(echo "$2" | sed 's/\./\\./g'),$3,g" "$1"
chmod +x "$1"
[ "$(stat -c %s "$1")" = "$size" ] || fail "$1 changed its size"
! holds "$1" "$2" || fail "$1 still holds '$2'"
