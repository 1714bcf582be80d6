#!/bin/sh
# secondaries.sh FOLDER - puts named (BIND), knotd and nsd into FOLDER, for tests: Debian's,
# unpacked and not installed (unpack.sh).
set -e
mkdir -p "$1"
folder=$(cd "$1" && pwd)
sh "$(dirname "$0")/unpack.sh" "$folder" bind9 knot nsd
libraries=$(dirname "$(find "$folder/tree" -name 'libknot.so*' | head -n 1)")
# Last named: it is what make looks for.
for program in nsd knotd named; do
	cat >"$folder/made" <<END
#!/bin/sh
LD_LIBRARY_PATH=$libraries exec $folder/tree/usr/sbin/$program "\$@"
END
	chmod 755 "$folder/made"
	mv -f "$folder/made" "$folder/$program"
done
