#!/usr/bin/python3
"""What the steps of an answer cost: `make bench-micro`.

Nanoseconds as bench_micro measures them; user instructions as callgrind counts
them (apt-get install valgrind; without it that column is left out): of the same
binary, of what is done inside of part_run(). Then answers per second of CPU time
in one thread and in two, on a core each.

    micro.py [--geoip FILE]
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
BENCH = os.environ.get("BENCH", str(HERE.parent.parent / "build" / "bench"))
BINARY = f"{BENCH}/bench_micro"


def instructions(part, arguments):
    """Of one question, or None without valgrind."""
    if not shutil.which("valgrind"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", "--toggle-collect=part_run",
             f"--callgrind-out-file={folder}/out", BINARY, part, *arguments],
            capture_output=True, text=True)
    questions = re.search(r"^(\d+) questions", done.stdout, re.M)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not questions or not counted:
        sys.exit(f"callgrind of '{part}': {done.stderr}")
    return int(counted[1]) / int(questions[1])


def main():
    arguments = sys.argv[1:]
    out = subprocess.run([BINARY, *arguments], check=True,
                         capture_output=True, text=True).stdout
    print("| step | ns | least-most | instructions |\n|---|---|---|---|")
    for line in out.splitlines():
        part, ns, spread = re.fullmatch(
            r"(.*?) +([-\d.]+) \( *([-\d.]+- *[-\d.]+)\)", line).groups()
        count = instructions(part, arguments) if "/" not in part else None
        print(f"| {part} | {ns} | {spread.replace(' ', '')} |"
              f" {'' if count is None else f'{count:,.0f}'} |", flush=True)
    print(flush=True)
    subprocess.run([BINARY, "cores", *arguments], check=True)


if __name__ == "__main__":
    main()
