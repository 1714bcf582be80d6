#!/bin/sh
# deb.sh VERSION - builds dnsd_VERSION_ARCH.deb in the build folder ($B) from
# `make install`, and dnsd-measure_VERSION_ARCH.deb, for nodes of any age, from
# `make install-measure`. The first makes the user dnsd; neither starts anything.
set -eu
cd "$(dirname "$0")/.."
umask 022
version=$1
B=${B:-build}
arch=$(dpkg --print-architecture)
root=$B/deb
measure=$B/deb-measure

# Equal sources make an equal package.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# install_to FOLDER TARGET
install_to() {
	rm -rf "$1"
	${MAKE:-make} --no-print-directory B="$B" DESTDIR="$1" PREFIX=/usr \
		SYSCONFDIR=/etc ZSH_FUNCTIONS=/usr/share/zsh/vendor-completions "$2"
	mkdir "$1/DEBIAN"
}

# control FOLDER PACKAGE: the fields that all packages have.
control() {
	cat >"$1/DEBIAN/control" <<EOF
Package: $2
Version: $version
Architecture: $arch
Maintainer: The dnsd authors <dnsd@localhost>
Section: net
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$1" | cut -f1)
EOF
}

# package FOLDER NAME
package() {
	chmod 755 "$1/DEBIAN/postinst" "$1/DEBIAN/prerm" "$1/DEBIAN/postrm"
	file=$B/$2_${version}_$arch.deb
	dpkg-deb --root-owner-group -Zxz --build "$1" "$file" >/dev/null
	echo "$file"
}

install_to "$root" install
strip --strip-unneeded "$root/usr/sbin/dnsd"
gzip -9n "$root"/usr/share/man/man?/*
doc=$root/usr/share/doc/dnsd
install -d "$doc/docs"
install -m 644 LICENSE "$doc/copyright"
install -m 644 README.md README.zh.md "$doc"
install -m 644 docs/*.md "$doc/docs"
install -d "$doc/docs/zh"
install -m 644 docs/zh/*.md "$doc/docs/zh"

# What the binary is linked with; dpkg-shlibdeps wants a source package.
install -D "$root/usr/sbin/dnsd" "$root.tmp/debian/dnsd/usr/sbin/dnsd"
printf 'Source: dnsd\n\nPackage: dnsd\nArchitecture: any\n' >"$root.tmp/debian/control"
depends=$(cd "$root.tmp" && dpkg-shlibdeps -O debian/dnsd/usr/sbin/dnsd | sed -n 's/^shlibs:Depends=//p')
rm -r "$root.tmp"

control "$root" dnsd
cat >>"$root/DEBIAN/control" <<EOF
Depends: $depends, adduser
Conflicts: dnsd-measure
Suggests: curl, npm, python3
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
# Not started: it is not configured yet. On an upgrade the new program takes over
# from the one that runs; if it cannot, the old one goes on and the journal says why.
if [ -n "$2" ] && [ -d /run/systemd/system ] && systemctl -q is-active dnsd.service; then
	systemctl reload dnsd.service || true
fi
EOF
cat >"$root/DEBIAN/prerm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl disable --now dnsd.service dnsd-measure.service \
		dnsd-geo-update.timer || true
fi
EOF
cat >"$root/DEBIAN/postrm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = purge ]; then
	rm -rf /var/lib/dnsd /var/lib/dnsd-geo
fi
[ ! -d /run/systemd/system ] || systemctl daemon-reload
EOF
package "$root" dnsd

# -- the agent alone --

install_to "$measure" install-measure
strip --strip-unneeded "$measure/usr/sbin/dnsd-measure"
doc=$measure/usr/share/doc/dnsd-measure
install -d "$doc"
install -m 644 LICENSE "$doc/copyright"
install -m 644 docs/paths.md "$doc"
# What is linked into it.
for library in libevent-dev libssl-dev libc6-dev; do
	install -m 644 "/usr/share/doc/$library/copyright" "$doc/copyright.$library"
done
control "$measure" dnsd-measure
cat >>"$measure/DEBIAN/control" <<'EOF'
Conflicts: dnsd
Description: reports the paths of an SRS server's viewers to dnsd
 Reads what the kernel knows of the round trip and loss of TCP connections and
 posts that to the name servers. It needs no other package. What it is started
 with stands in /etc/dnsd/measure.
EOF
cat >"$measure/DEBIAN/prerm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
	systemctl disable --now dnsd-measure.service || true
fi
EOF
cat >"$measure/DEBIAN/postinst" <<'EOF'
#!/bin/sh
set -e
[ ! -d /run/systemd/system ] || systemctl daemon-reload
EOF
cp "$measure/DEBIAN/postinst" "$measure/DEBIAN/postrm"
package "$measure" dnsd-measure
