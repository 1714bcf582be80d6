#!/bin/sh
# dist.sh VERSION - makes dnsd-VERSION.tar.xz in the build folder ($B): what git
# tracks, and the built page and player ($B/page) as dnsd/page/built, so that it builds
# with Debian's packages alone. Equal sources make an equal archive.
set -eu
cd "$(dirname "$0")/.."
umask 022
name=dnsd-$1
B=${B:-build}
if [ "${PAGE:-full}" != full ]; then
	echo "dist: PAGE=$PAGE: an archive has the full page" >&2
	exit 1
fi
[ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$(pwd -P)" ] || {
	echo "dist: needs a clone: git says which files belong to it" >&2
	exit 1
}
[ -z "$(git status --porcelain)" ] ||
	echo "dist: with changes that are not committed; new files are left out" >&2
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}

folder=$B/dist/$name
rm -rf "$B/dist"
mkdir -p "$folder/dnsd/page/built"
git ls-files -z | tar -c --null -T - | tar -x -C "$folder"
cp -r "$B/page/index.html" "$B/page/index.html.gz" "$B/page/player" "$B/page/sbom.json" \
	"$folder/dnsd/page/built"
# The modes of this machine's umask are no part of it.
chmod -R u=rwX,go=rX "$folder"
tar -c -C "$B/dist" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner \
	--mtime="@$SOURCE_DATE_EPOCH" "$name" | xz -T1 -6 >"$B/$name.tar.xz.new"
mv "$B/$name.tar.xz.new" "$B/$name.tar.xz"
rm -rf "$B/dist"
echo "$B/$name.tar.xz"
