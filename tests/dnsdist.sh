#!/bin/sh
# dnsdist.sh FOLDER - puts dnsdist into FOLDER, for tests: the one on PATH, else Debian's,
# unpacked and not installed (unpack.sh).
set -e
mkdir -p "$1"
folder=$(cd "$1" && pwd)
if command -v dnsdist >/dev/null; then
	ln -sf "$(command -v dnsdist)" "$folder"
	exit 0
fi
sh "$(dirname "$0")/unpack.sh" "$folder" dnsdist
libraries=$(dirname "$(find "$folder/tree" -name 'libh2o-evloop*.so*' | head -n 1)")
# Last: it is what make looks for.
cat >"$folder/made" <<END
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $folder/tree/usr/bin/dnsdist "\$@"
END
chmod 755 "$folder/made"
mv -f "$folder/made" "$folder/dnsdist"
