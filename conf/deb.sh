#!/bin/sh
# deb.sh VERSION - builds Debian packages in the build folder ($B): dnsd, with what
# `make install` installs; dnsd-dbgsym, its debugging symbols; dnsd-measure, for nodes
# of any age, from `make install-measure`. dnsd makes the user dnsd; nothing is started.
# Equal sources make equal packages. DEBFULLNAME and DEBEMAIL name another maintainer.
set -eu
cd "$(dirname "$0")/.."
umask 022
export LC_ALL=C TZ=UTC
version=$1
B=${B:-build}
arch=$(dpkg --print-architecture)
maintainer="${DEBFULLNAME:-The dnsd authors} <${DEBEMAIL:-dnsd@dnsd.invalid}>"
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(dpkg-parsechangelog -l conf/debian/changelog -S Timestamp)}
export SOURCE_DATE_EPOCH

# install_to FOLDER TARGET
install_to() {
	rm -rf "$1"
	${MAKE:-make} --no-print-directory B="$B" VERSION="$version" DESTDIR="$1" PREFIX=/usr \
		SYSCONFDIR=/etc ZSH_FUNCTIONS=/usr/share/zsh/vendor-completions "$2"
	mkdir "$1/DEBIAN"
}

# documents FOLDER PACKAGE COPYRIGHT: what each package has of them.
documents() {
	install -D -m 644 "$3" "$1/usr/share/doc/$2/copyright"
	gzip -9nc conf/debian/changelog >"$1/usr/share/doc/$2/changelog.gz"
	install -D -m 644 "conf/debian/$2.lintian-overrides" "$1/usr/share/lintian/overrides/$2"
	gzip -9n "$1"/usr/share/man/man?/*
	for script in postinst prerm postrm; do
		install -m 755 "conf/debian/$2.$script" "$1/DEBIAN/$script"
	done
}

# control FOLDER PACKAGE SECTION: the fields that all packages have.
control() {
	cat >"$1/DEBIAN/control" <<END
Package: $2
Source: dnsd
Version: $version
Architecture: $arch
Maintainer: $maintainer
Section: $3
Installed-Size: $(du -sk --apparent-size --exclude=DEBIAN "$1" | cut -f1)
END
}

# package FOLDER NAME
package() {
	(cd "$1" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z |
		xargs -0 md5sum >DEBIAN/md5sums)
	chmod 644 "$1/DEBIAN/md5sums"
	find "$1" -exec touch -hd "@$SOURCE_DATE_EPOCH" {} +
	file=$B/$2_${version}_$arch.deb
	dpkg-deb --root-owner-group --threads-max=1 -Zxz --build "$1" "$file" >/dev/null
	echo "$file"
}

# stripped PROGRAM
stripped() {
	strip --strip-unneeded --remove-section=.comment --remove-section=.note "$1"
}

root=$B/deb
install_to "$root" install
program=$root/usr/sbin/dnsd
id=$(readelf -n "$program" | sed -n 's/.*Build ID: //p')

# -- the symbols, where gdb and coredumpctl look for them --

symbols=$B/deb-dbgsym
rm -rf "$symbols"
mkdir -p "$symbols/DEBIAN" "$symbols/usr/share/doc"
debug=usr/lib/debug/.build-id/${id%"${id#??}"}/${id#??}.debug
install -d "$symbols/${debug%/*}"
objcopy --only-keep-debug --compress-debug-sections "$program" "$symbols/$debug"
chmod 644 "$symbols/$debug"
ln -s dnsd "$symbols/usr/share/doc/dnsd-dbgsym"
stripped "$program"
control "$symbols" dnsd-dbgsym debug
cat >>"$symbols/DEBIAN/control" <<END
Priority: optional
Auto-Built-Package: debug-symbols
Build-Ids: $id
Depends: dnsd (= $version)
Description: debug symbols for dnsd
END
package "$symbols" dnsd-dbgsym

# -- the server --

documents "$root" dnsd conf/debian/copyright
doc=$root/usr/share/doc/dnsd
install -d "$doc/docs/zh" "$doc/docs/pictures"
install -m 644 README.md README.zh.md "$doc"
install -m 644 docs/*.md "$doc/docs"
install -m 644 docs/zh/*.md "$doc/docs/zh"
install -m 644 docs/pictures/* "$doc/docs/pictures"

# What the binary is linked with; dpkg-shlibdeps wants a source package.
install -D "$program" "$root.tmp/debian/dnsd/usr/sbin/dnsd"
mkdir "$root.tmp/debian/dnsd/DEBIAN"
printf 'Source: dnsd\n\nPackage: dnsd\nArchitecture: any\n' >"$root.tmp/debian/control"
depends=$(cd "$root.tmp" && dpkg-shlibdeps -O debian/dnsd/usr/sbin/dnsd | sed -n 's/^shlibs:Depends=//p')
rm -r "$root.tmp"

control "$root" dnsd net
cat >>"$root/DEBIAN/control" <<END
Priority: optional
Depends: $depends, adduser
Conflicts: dnsd-measure
Suggests: curl, npm, python3
Description: authoritative DNS steering server for live streaming
 Answers each viewer with a streaming server that is near and has room, from
 the load that the SRS servers themselves report and a GeoIP database. Serves
 ordinary zones beside that.
END
printf '/etc/dnsd/dnsd.yaml\n/etc/dnsd/example.com.zone\n' >"$root/DEBIAN/conffiles"
package "$root" dnsd

# -- the agent alone --

measure=$B/deb-measure
install_to "$measure" install-measure
stripped "$measure/usr/sbin/dnsd-measure"
documents "$measure" dnsd-measure conf/debian/copyright.measure
doc=$measure/usr/share/doc/dnsd-measure
install -m 644 docs/paths.md "$doc"
# What is linked into it.
within='libevent-dev libssl-dev libc6-dev'
for library in $within; do
	install -m 644 "/usr/share/doc/$library/copyright" "$doc/copyright.$library"
done
# shellcheck disable=SC2016,SC2086
within=$(dpkg-query -W -f '${source:Package} (= ${source:Version}), ' $within)
control "$measure" dnsd-measure net
cat >>"$measure/DEBIAN/control" <<END
Priority: optional
Static-Built-Using: ${within%, }
Conflicts: dnsd
Description: reports the paths of an SRS server's viewers to dnsd
 Reads what the kernel knows of the round trip and loss of TCP connections and
 posts that to the name servers. It needs no other package. What it is started
 with stands in /etc/dnsd/measure.
END
package "$measure" dnsd-measure
