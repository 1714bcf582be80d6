#!/usr/bin/python3
"""Proves that the manual says what the program does.

Compares the configuration's schema with dnsd.yaml.5, commands and options with
dnsd.8, HTTP calls and metrics with docs/http.md, constants with docs/steering.md and
docs/operations.md, the version in all that names it, looks for the tests that documents
name, and follows every link between them. Prints every violation and exits 1 if there is one.
"""
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
# The .SS of the keys that lie in no other.
TOP = "Top level"


def read(name):
    return (ROOT / name).read_text()


def plain(line):
    """A line of roff without fonts and quotes, hyphens as typed."""
    return re.sub(r"\\f[BIRP]|\\&", "", line).replace("\\-", "-").replace('"', "")


# -- dnsd.yaml.5 --

def manual_keys():
    """{(section, key): text of the entry} of the entries `.TP` + `.B KEY`."""
    entries, section, entry, tagged = {}, None, None, False
    for line in read("docs/dnsd.yaml.5").splitlines():
        if line.startswith((".SH", ".SS")):
            section, entry = plain(line[3:]).strip(), None
        elif line == ".TP":
            tagged = True
        elif tagged:
            words = plain(line).split()
            entry = (section, words[1] if len(words) > 1 else "")
            entries[entry] = ""
            tagged = False
        elif entry:
            entries[entry] += plain(line) + "\n"
    return entries


def schema_keys(schema, section=TOP):
    """(section, key, schema of the key) of all keys."""
    for key, of in schema["properties"].items():
        yield section, key, of
        inner = of.get("additionalProperties") or of.get("items") or of
        if isinstance(inner, dict) and "properties" in inner:
            yield from schema_keys(inner, key)


def bounds(of):
    """The range that a key's schema gives, wherever it lies."""
    if "minimum" in of:
        return [of["minimum"], of["maximum"]]
    return bounds(of["oneOf"][0]) if "oneOf" in of else []


def check_keys():
    manual = manual_keys()
    known = set()
    for section, key, of in schema_keys(json.loads(read("conf/dnsd.schema.json"))):
        known.add((section, key))
        text = manual.get((section, key))
        if text is None:
            yield f"docs/dnsd.yaml.5: '{key}' of '{section}' is missing"
            continue
        numbers = {float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", text)}
        for bound in bounds(of):
            if bound not in numbers:
                yield f"docs/dnsd.yaml.5: {section}, {key}: the bound {bound:.12g} is missing"
        for name in of.get("enum", []):
            if name not in text:
                yield f"docs/dnsd.yaml.5: {section}, {key}: '{name}' is missing"
    sections = {section for section, _ in known}
    for section, key in manual:
        if section in sections and (section, key) not in known:
            yield f"docs/dnsd.yaml.5: there is no key '{key}' in '{section}'"


# -- dnsd.8 --

def check_commands():
    manual = plain(read("docs/dnsd.8"))
    commands = re.findall(r'\{"(\w+)",\s*cli_\w+,', read("dnsd/main.c"))
    if not commands:
        yield "dnsd/main.c: no commands found"
    for word in commands:
        if not re.search(rf"^\.SS dnsd {word}\b", manual, re.M):
            yield f"docs/dnsd.8: no section 'dnsd {word}'"
    for path in sorted((ROOT / "dnsd/cli").glob("*.c")):
        for option in re.findall(r'\{"([\w-]+)",\s*(?:no|required)_argument',
                                 path.read_text()):
            if f"--{option}" not in manual:
                yield f"docs/dnsd.8: --{option} of {path.name} is missing"
    for word in re.findall(r'\{"(\w+)",\s*cmd_\w+\}', read("dnsd/control/ctl.c")):
        if not re.search(rf"^\.B[IR]? {word}\b|^\.SS dnsd {word}\b", manual, re.M):
            yield f"docs/dnsd.8: 'ctl {word}' is missing"


# -- http.md --

def check_http():
    text = read("docs/http.md")
    paths = re.findall(r'\{"(/[\w/]+)",\s*(?:GET|POST)', read("dnsd/http/routes.c"))
    if not paths:
        yield "dnsd/http/routes.c: no calls found"
    for path in paths:
        if path not in text:
            yield f"docs/http.md: {path} is missing"
    metrics = read("dnsd/http/metrics.c")
    names = re.findall(r'(?:simple|head)\(out, "(\w+)"', metrics)
    names += re.findall(r'\{"(node_\w+)"', metrics)
    for name in names:
        if not re.search(rf"\bdnsd_{name}(_total)?\b", text):
            yield f"docs/http.md: the metric dnsd_{name} is missing"
    for name in set(re.findall(r"\bdnsd_\w+", text)):
        if re.sub(r"_total$", "", name)[5:] not in names:
            yield f"docs/http.md: there is no metric {name}"


# -- constants --

def sources(where):
    """Files by a glob with one {list, of} folders at most."""
    before, _, rest = where.partition("{")
    names, _, after = rest.partition("}")
    for name in names.split(","):
        yield from sorted(ROOT.glob(before + name + after))


def constants(where):
    """{name: its values} of what the sources there define as a number, or as one
    that is shifted."""
    defined = {}
    for path in sources(where):
        for name, value, shift in re.findall(
                r"^#define (\w+) \(?(?:\(size_t\))?(-?[\d.]+(?:e\d+)?)f?"
                r"(?: << (\d+))?\)?(?:\s|$)", path.read_text(), re.M):
            defined.setdefault(name, set()).add(
                float(value) * 2 ** int(shift or 0))
    return defined


def check_constants():
    """Rows `| `NAME` | VALUE ... |` are what the sources define."""
    for document, where in (("docs/steering.md",
                             "dnsd/{state,ledger,steer,fleet}/*.[ch]"),
                            ("docs/operations.md", "dnsd/*/*.[ch]")):
        defined = constants(where)
        rows = re.findall(r"^\| `([A-Z0-9_]+)` \| (-?[\d.]+)", read(document), re.M)
        if not rows:
            yield f"{document}: no table of constants"
        for name, value in rows:
            if float(value) not in defined.get(name, ()):
                yield f"{document}: {name} is not {value} in {where}"


# -- tests --

def check_tests():
    """`FILE:NAME` is a test that there is."""
    named = [(path, file, name) for path in documents() for file, name in
             re.findall(r"`(test_\w+\.(?:py|c)):(\w+)`", path.read_text())]
    if not named:
        yield "docs: no test is named"
    for path, file, name in named:
        found = ROOT / "tests" / ("system" if file.endswith(".py") else "unit") / file
        if not found.exists() or not re.search(
                rf"^ *(?:def|static void) {name}\(", found.read_text(), re.M):
            yield f"{path.relative_to(ROOT)}: there is no test {file}:{name}"


# -- links --

def anchors(path):
    """What GitHub makes of headings."""
    for heading in re.findall(r"^#+ (.*)$", path.read_text(), re.M):
        text = re.sub(r"[^\w\- ]", "", heading.strip().lower())
        yield text.replace(" ", "-")


def documents():
    yield ROOT / "README.md"
    yield ROOT / "CONTRIBUTING.md"
    yield ROOT / "conf" / "srs" / "README.md"
    yield from sorted(DOCS.glob("*.md"))


def check_links():
    for path in documents():
        text = re.sub(r"^```.*?^```", "", path.read_text(), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"\w+:", target):
                continue
            name, _, anchor = target.partition("#")
            to = (path.parent / name).resolve() if name else path
            where = path.relative_to(ROOT)
            if not to.exists():
                yield f"{where}: a link to {target}, which is not there"
            elif anchor and anchor not in anchors(to):
                yield f"{where}: a link to {target}, without such a heading"


# -- version --

# What names it, and as what.
VERSIONS = {"conf/debian/changelog": r"\Adnsd \((.*?)\)", "README.md": r"^dnsd ([\d.]+\d)",
            "dnsd/page/player/package.json": r'"version": "(.*?)"',
            "docs/install.md": r"dnsd(?:-measure)?[-_](\d+\.\d+\.\d+)",
            "docs/paths.md": r"dnsd-measure_(\d+\.\d+\.\d+)",
            **{f"docs/{name}": r'^\.TH .* "dnsd (.*?)"' for name in (
                "dnsd.8", "dnsd.yaml.5", "dnsd-measure.8", "dnsd-geo-update.8")}}


def check_version():
    version = re.search(r"^VERSION := (\S+)", read("Makefile"), re.M)[1]
    for name, form in VERSIONS.items():
        found = set(re.findall(form, read(name), re.M))
        if found != {version}:
            yield f"{name}: {', '.join(found) or 'none'} instead of {version}"


def main():
    bad = 0
    for check in (check_keys, check_commands, check_http, check_constants,
                  check_tests, check_links, check_version):
        for what in check():
            print(what)
            bad += 1
    print(f"lint: docs, {bad} violations")
    return 1 if bad else 0


sys.exit(main())
