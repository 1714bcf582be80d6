#!/bin/sh
# Installs the Debian packages named as arguments that are missing. Never starts
# a packaged service. As root directly, else through sudo.
set -e
missing=
for p in "$@"; do
	dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
		grep -q 'install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
echo "installing:$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "missing packages, and neither root nor sudo:$missing" >&2
		exit 1
	}
	as_root=sudo
fi
# A policy that forbids starting services, for as long as this runs.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 755 $policy
	made=yes
fi
done_with() { [ -z "$made" ] || $as_root rm -f $policy; }
trap done_with EXIT
$as_root apt-get update -q >/dev/null
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
	--no-install-recommends $missing >/dev/null
