#!/bin/sh
# dnsdist.sh FOLDER - puts dnsdist into FOLDER, for tests: the one on PATH, else Debian's,
# unpacked with the libraries that are missing and not installed: its package would enable
# and start a service on port 53.
set -e
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if command -v dnsdist >/dev/null; then
	ln -sf "$(command -v dnsdist)" "$folder"
	exit 0
fi
command -v apt-get >/dev/null || {
	echo "neither dnsdist on PATH, nor apt-get to fetch it" >&2
	exit 1
}
work=$(mktemp -d "$folder/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
# As the caller, for root too: apt's own user may not write here.
download() {
	apt-get install -s -q --no-install-recommends dnsdist >plan &&
		apt-get download -q -o APT::Sandbox::User=root \
			$(sed -n 's/^Inst \([^ ]*\) .*/\1/p' plan)
}
echo "fetching dnsdist and its libraries, to $1"
if ! download >log 2>&1; then
	# Lists of packages that are missing or old.
	as_root=
	[ "$(id -u)" = 0 ] || as_root=sudo
	if ! { $as_root apt-get update -q && download; } >>log 2>&1; then
		cat log >&2
		exit 1
	fi
fi
rm -rf "$folder/tree"
for package in *.deb; do
	dpkg -x "$package" "$folder/tree"
done
libraries=$(dirname "$(find "$folder/tree" -name 'libh2o-evloop*.so*' | head -n 1)")
# Last: it is what make looks for.
cat >dnsdist <<EOF
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $folder/tree/usr/bin/dnsdist "\$@"
EOF
chmod 755 dnsdist
mv -f dnsdist "$folder"
