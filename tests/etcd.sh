#!/bin/sh
# etcd.sh FOLDER - puts etcd and etcdctl into FOLDER, for tests and `make run-cluster`:
# those on PATH, else Debian's, unpacked and not installed: its package would enable
# and start a service.
set -e
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if command -v etcd >/dev/null && command -v etcdctl >/dev/null; then
	ln -sf "$(command -v etcd)" "$(command -v etcdctl)" "$folder"
	exit 0
fi
command -v apt-get >/dev/null || {
	echo "neither etcd and etcdctl on PATH, nor apt-get to fetch them" >&2
	exit 1
}
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# As the caller, for root too: apt's own user may not write here.
download() {
	apt-get download -q -o APT::Sandbox::User=root etcd-server etcd-client
}
echo "fetching etcd-server and etcd-client, to $1"
if ! download >log 2>&1; then
	# Lists of packages that are missing or old.
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	if ! { $as_root apt-get update -q && download; } >>log 2>&1; then
		cat log >&2
		exit 1
	fi
fi
for package in *.deb; do
	dpkg -x "$package" tree
done
# etcd last: it is what make looks for.
mv -f tree/usr/bin/etcdctl "$folder"
mv -f tree/usr/bin/etcd "$folder"
