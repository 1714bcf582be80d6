#!/bin/sh
# unpack.sh FOLDER PACKAGE... - unpacks Debian's packages into FOLDER/tree, with the libraries
# that are missing. They are not installed: their packages would enable and start services on
# port 53.
set -e
folder=$1
shift
command -v apt-get >/dev/null || {
	echo "no apt-get to fetch $*" >&2
	exit 1
}
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# As the caller, for root too: apt's own user may not write here. Where the packages are
# installed all the same, there is nothing to install: they are fetched nevertheless.
download() {
	apt-get install -s -q --no-install-recommends "$@" >plan &&
		apt-get download -q -o APT::Sandbox::User=root $(
			{
				printf '%s\n' "$@"
				sed -n 's/^Inst \([^ ]*\) .*/\1/p' plan
			} | sort -u
		)
}
echo "fetching $* with libraries, to $folder"
if ! download "$@" >log 2>&1; then
	# Lists of packages that are missing or old.
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	if ! { $as_root apt-get update -q && download "$@"; } >>log 2>&1; then
		cat log >&2
		exit 1
	fi
fi
rm -rf "$folder/tree"
for package in *.deb; do
	dpkg -x "$package" "$folder/tree"
done
