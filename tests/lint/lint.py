#!/usr/bin/python3
"""Proves the house's rules over the sources: layers, packages, pure rooms.

Reads layers.txt and packages.txt beside it. Prints every violation with file
and line and exits 1 if there is one. A grant that nothing uses is a violation.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
INCLUDE = re.compile(r'\s*#\s*include\s+(["<])([^">]+)[">]')
COMMENT = re.compile(r"/\*.*?(\*/|$)|//.*")
# These rooms return errors and take `now` as an argument.
PURE = ("dnsd/wire", "dnsd/tsig", "zones", "geo", "dnsd/state", "dnsd/ledger", "dnsd/steer",
        "dnsd/fleet", "dnsd/answer")
IMPURE = re.compile(r"\b(log_(error|warn|info|debug|lines)|clock_(ms|ns|wall_ms)"
                    r"|clock_gettime|gettimeofday|time)\s*\(")
# On the query path nothing is allocated or locked.
NO_MALLOC = ("dnsd/wire", "dnsd/answer", "dnsd/steer")
MALLOC = re.compile(r"\b(malloc|calloc|realloc|mem_alloc|mem_zero|mem_grow"
                    r"|strdup|pthread_mutex_lock)\s*\(")


def table(name):
    rules = {}
    for line in (HERE / name).read_text().splitlines():
        line = line.split("#")[0].strip()
        if line:
            key, _, values = line.partition(":")
            rules[key.strip()] = values.split()
    return rules


def sources():
    for top in ("dnsd", "zones", "geo", "conf"):
        for path in sorted((ROOT / top).rglob("*.[ch]")):
            yield path, path.relative_to(ROOT).as_posix()


def room_of(name):
    return name.rsplit("/", 1)[0]


def header_path(included):
    """The file that an include of ours means; None: not ours."""
    for base in ("dnsd/", ""):
        if (ROOT / (base + included)).is_file():
            return base + included
    return None


def granting(name, places):
    """The first place that a file is in; None: it is in none."""
    return next((p for p in places if name == p or name.startswith(p + "/")),
                None)


def within(name, places):
    return granting(name, places) is not None


def check(name, text, layers, packages, used):
    """Yields violations; notes in used which grants there is a use for."""
    room = room_of(name)
    if room not in layers:
        yield 1, f"{room} is no room of layers.txt"
        return
    for number, line in enumerate(text.splitlines(), 1):
        include = INCLUDE.match(line)
        if include:
            ours = header_path(include[2]) if include[1] == '"' else None
            if include[1] == '"' and not ours:
                yield number, f"no such header: {include[2]}"
            if ours and room_of(ours) != room:
                grant = granting(ours, layers[room])
                used.add((room, grant))
                if not grant:
                    yield number, f"{room} may not include {ours}"
            if not ours:
                for prefix, places in packages.items():
                    if not include[2].startswith(prefix):
                        continue
                    grant = granting(name, places)
                    used.add((prefix, grant))
                    if not grant:
                        yield number, f"only {' '.join(places)} may include {include[2]}"
        code = COMMENT.sub("", line)
        if code.lstrip().startswith(("*", "/*")):
            continue
        if within(name, PURE) and IMPURE.search(code):
            yield number, "this room reads no clock and does not log"
        if name.endswith(".c") and within(name, NO_MALLOC) and MALLOC.search(code):
            yield number, "the query path does not allocate or lock"


def unused(rules, used):
    return [f"{key}: nothing uses the grant of {grant}"
            for key, grants in rules.items() for grant in grants
            if (key, grant) not in used]


def main():
    layers, packages = table("layers.txt"), table("packages.txt")
    bad = files = 0
    used = set()
    for path, name in sources():
        files += 1
        for number, what in check(name, path.read_text(), layers, packages,
                                  used):
            print(f"{name}:{number}: {what}")
            bad += 1
    for rules, where in (layers, "layers.txt"), (packages, "packages.txt"):
        for what in unused(rules, used):
            print(f"tests/lint/{where}: {what}")
            bad += 1
    print(f"lint: {files} files, {bad} violations")
    return 1 if bad or not files else 0


sys.exit(main())
