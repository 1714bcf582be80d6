#!/bin/sh
# deb.sh VERSION - builds dnsd_VERSION_ARCH.deb in the build folder ($B) from
# `make install`. The package makes the user dnsd; it starts nothing.
set -eu
cd "$(dirname "$0")/.."
umask 022
version=$1
B=${B:-build}
arch=$(dpkg --print-architecture)
root=$B/deb
file=$B/dnsd_${version}_$arch.deb

# Equal sources make an equal package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

rm -rf "$root"
${MAKE:-make} --no-print-directory B="$B" DESTDIR="$root" PREFIX=/usr SYSCONFDIR=/etc install
strip --strip-unneeded "$root/usr/sbin/dnsd"
gzip -9n "$root"/usr/share/man/man?/*
doc=$root/usr/share/doc/dnsd
install -d "$doc/docs"
install -m 644 LICENSE "$doc/copyright"
install -m 644 README.md "$doc"
install -m 644 docs/*.md "$doc/docs"

# What the binary is linked with; dpkg-shlibdeps wants a source package.
install -D "$root/usr/sbin/dnsd" "$root.tmp/debian/dnsd/usr/sbin/dnsd"
printf 'Source: dnsd\n\nPackage: dnsd\nArchitecture: any\n' >"$root.tmp/debian/control"
depends=$(cd "$root.tmp" && dpkg-shlibdeps -O debian/dnsd/usr/sbin/dnsd | sed -n 's/^shlibs:Depends=//p')
rm -r "$root.tmp"

mkdir "$root/DEBIAN"
cat >"$root/DEBIAN/control" <<EOF
Package: dnsd
Version: $version
Architecture: $arch
Maintainer: The dnsd authors <dnsd@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Depends: $depends, adduser
Description: authoritative DNS steering server for live streaming
 Answers each viewer with a streaming server that is near and has room, from
 the load that the SRS servers themselves report and a GeoIP database. Serves
 ordinary zones beside that.
EOF
printf '/etc/dnsd/dnsd.yaml\n/etc/dnsd/example.com.zone\n' >"$root/DEBIAN/conffiles"

cat >"$root/DEBIAN/postinst" <<'EOF'
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
getent passwd dnsd >/dev/null || adduser --system --group --quiet \
	--home /var/lib/dnsd --no-create-home dnsd
# It may hold a token: the server reads it, nobody else does.
if [ "$(stat -c %U:%G /etc/dnsd/dnsd.yaml 2>/dev/null)" = root:root ]; then
	chgrp dnsd /etc/dnsd/dnsd.yaml
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
# Not started: it is not configured yet. On an upgrade the old one goes on
# until `systemctl restart dnsd`.
EOF
cat >"$root/DEBIAN/prerm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl disable --now dnsd.service || true
fi
EOF
cat >"$root/DEBIAN/postrm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = purge ]; then
	rm -rf /var/lib/dnsd
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
EOF
chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"

dpkg-deb --root-owner-group --build "$root" "$file" >/dev/null
echo "$file"
