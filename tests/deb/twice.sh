#!/bin/sh
# twice.sh - builds the packages and the source archive of what is committed twice, in
# two clones at paths of other lengths, with another umask, time zone, language, number of
# jobs and time, and compares them octet by octet. Work in $B/twice.
set -eu
cd "$(dirname "$0")/../.."
B=${B:-build}
work=$(mkdir -p "$B" && cd "$B" && pwd)/twice
rm -rf "$work"
mkdir -p "$work"

# build FOLDER UMASK TZ LANGUAGE JOBS
build() {
	umask "$2"
	git clone -q . "$1"
	# What others export is not this build's.
	for target in deb dist static; do
		(cd "$1" && env -u MAKEFLAGS -u MAKELEVEL -u CFLAGS -u LDFLAGS TZ="$3" \
			LANG="$4" LC_ALL="$4" make -s -j"$5" B=build $target >>"$1.log" 2>&1) || {
			tail -20 "$1.log" >&2
			exit 1
		}
	done
}
build "$work/one" 022 UTC C 1
build "$work/two/further/down" 077 Asia/Shanghai C.UTF-8 2

bad=0
for file in "$work"/one/build/*.deb "$work"/one/build/*.tar.xz; do
	other=$work/two/further/down/build/${file##*/}
	if cmp "$file" "$other"; then
		echo "equal: $(sha256sum "$file" | cut -c1-16) ${file##*/}"
	else
		bad=1
	fi
done
[ $bad = 0 ] || {
	echo "deb-twice: look at them with diffoscope: $work" >&2
	exit 1
}
rm -rf "$work"
