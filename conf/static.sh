#!/bin/sh
# static.sh VERSION - makes dnsd-VERSION-ARCH.tar.xz in the build folder ($B): what
# `make install` installs, with the one-file program ($B/dnsd-static) in it, and the terms
# of what is linked into that. Equal sources make an equal archive.
set -eu
cd "$(dirname "$0")/.."
umask 022
export LC_ALL=C TZ=UTC
B=${B:-build}
arch=$(dpkg --print-architecture)
name=dnsd-$1-$arch
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog -l conf/debian/changelog -S Timestamp)}
root=$B/one/$name
rm -rf "$B/one"
${MAKE:-make} --no-print-directory B="$B" VERSION="$1" DESTDIR="$root" PREFIX=/usr/local \
	SYSCONFDIR=/etc install >/dev/null
install -m 755 "$B/dnsd-static" "$root/usr/local/sbin/dnsd"
strip --strip-unneeded --remove-section=.comment --remove-section=.note \
	"$root/usr/local/sbin/dnsd"

# What is linked into it, and of which source.
doc=$root/usr/local/share/doc/dnsd
install -D -m 644 conf/debian/copyright "$doc/copyright"
packages='libc6-dev libgcc-12-dev libldns-dev libevent-dev libssl-dev libmaxminddb-dev
	libcurl4-openssl-dev libnghttp2-dev libidn2-dev libunistring-dev libssh2-1-dev
	libpsl-dev libzstd-dev libbrotli-dev zlib1g-dev liburcu-dev libyaml-dev
	libjansson-dev libsqlite3-dev libseccomp-dev'
for package in $packages; do
	install -m 644 "/usr/share/doc/$package/copyright" "$doc/copyright.$package"
done
# shellcheck disable=SC2016,SC2086
dpkg-query -W -f '${source:Package} ${source:Version}\n' $packages | sort -u >"$doc/linked"
# In the list of components, beside what the page is made of.
python3 - "$doc/linked" "$root/usr/local/share/dnsd/sbom.json" <<'END'
import json, os, sys, urllib.parse
linked, file = sys.argv[1:]
bom = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": []}
if os.path.exists(file):  # not with PAGE=plain
    bom = json.load(open(file))
for line in open(linked):
    name, version = line.split()
    purl = f"pkg:deb/debian/{name}@{urllib.parse.quote(version, safe='')}?arch=source"
    bom["components"].append({"type": "library", "bom-ref": purl, "name": name,
                              "version": version, "purl": purl})
with open(file, "w") as to:
    json.dump(bom, to, indent=2)
    to.write("\n")
END

tar -c -C "$B/one" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner \
	--mtime="@$SOURCE_DATE_EPOCH" "$name" | xz -T1 -6 >"$B/$name.tar.xz.new"
mv "$B/$name.tar.xz.new" "$B/$name.tar.xz"
rm -rf "$B/one"
echo "$B/$name.tar.xz"
