#!/usr/bin/python3
"""mutate.py [OPTION]... FILE... - small changes to source files that no unit test
notices. -h lists the options.

Each mutant has one change: a statement is deleted, a condition negated or (before a
return) always true, an operator or a constant is another. It is compiled, linked to
the unit tests that reach its line (by gcov, once), and these run until one fails. A
mutant that none notices survives, and is listed with its line. Of a header, inline
functions are mutated, and all that has the function is compiled again.

Survivors that behave as the original need a reason: a line of mutate.txt,
FILE | LINE OF CODE | MUTATION | REASON. They are listed with it and do not count;
neither do those for which the compiler makes the same code.

All is done in a copy in a temporary folder. By hand, not in CI: minutes a file.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import filecmp
import json
import os
import pathlib
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
FLAGS = "-O0 -g1 --coverage"
# What is undefined ends the program, as it does under the sanitizers of .ci/run.
TRAPS = ["-O1", "-ftrivial-auto-var-init=pattern", "-fsanitize=undefined",
         "-fsanitize-undefined-trap-on-error", "-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=2"]
MEMORY = 8 << 30
# Worlds of test_property, which tries a thousand if the environment does not say.
WORLDS = os.environ.get("DNSD_WORLDS", "150")

Mutant = collections.namedtuple("Mutant", "start end text what line")


# -- mutants ---------------------------------------------------------------

def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def code_of(text):
    """The text with comments, strings, preprocessor lines and asserts blank."""
    text = re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
                  blank, text, flags=re.S)
    text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.M)
    return re.sub(r"\b(?:static_)?assert\s*\([^;]*;", blank, text)


def closing(code, at):
    """Where the bracket at `at` is closed."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] in "([{") - (code[i] in ")]}")
        if not depth:
            return i
    return len(code)


def bodies(code):
    """The bodies of functions, from { to }."""
    at = 0
    while (at := code.find("{", at)) >= 0:
        end = closing(code, at)
        if code[:at].rstrip().endswith(")"):
            yield at, end
        at = end + 1


OPERATORS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==",
             "&&": "||", "||": "&&", "+": "-", "-": "+", "+=": "-=", "-=": "+=",
             "*": "/", "/": "*", "<<": ">>", ">>": "<<"}
OPERATOR = re.compile(r"(?<=[\w)\]])\s(<=|>=|==|!=|&&|\|\||\+=|-=|<<|>>|<|>|\+|-|"
                      r"\*|/)(?=\s)")
CONSTANT = re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|\d+\.\d*(?:[eE]-?\d+)?|\d+|"
                      r"true|false)(?=[uUlLfF]*\b|\W)(?![\w.]*[xX])")
TYPE = (r"(?:const |static |struct |enum |unsigned|int |bool |u?int\d+_t |size_t |"
        r"ssize_t |char |float |double |void |_Atomic|union |uint64_t )")
BEFORE = re.compile(r"[;{}]\s*|\b(?:else|do)\s+|\b(?:case\b[^;:{}]*|default):\s*|"
                    r"\b(?:if|for|while|TAILQ_FOREACH)\s*(?=\()")
CONTROL = re.compile(r"(?:if|else|for|while|do|switch|case|default|return|goto)\b|"
                     + TYPE)


def other_constant(text):
    swaps = {"true": "false", "false": "true", "0": "1", "1": "2"}
    if text in swaps:
        return swaps[text]
    if text[:2].lower() == "0x":
        return hex(int(text, 16) ^ 1)
    if "." in text:
        return repr(float(text) * 2) if float(text) else "1.0"
    return str(int(text) + 1)


def statements(code, start, end):
    """Statements that end in ; and may be left out."""
    for m in BEFORE.finditer(code, start, end):
        at = m.end()
        if code[at] == "(":
            at = closing(code, at) + 1
            at += len(code[at:end]) - len(code[at:end].lstrip())
        stop = at
        while stop < end and code[stop] not in ";{})":
            stop = closing(code, stop) + 1 if code[stop] in "([" else stop + 1
        body = code[at:stop]
        if stop < end and code[stop] == ";" and body.strip() and \
                not CONTROL.match(body) and \
                re.search(r"\w\s*\(|[^=!<>]=[^=]|\+\+|--|^(break|continue)$", body):
            yield at, stop


def changes(code, start, end):
    """(start, end, new text, what) within a body of a function."""
    for at, stop in statements(code, start, end):
        yield at, stop, "", "deleted"
    for m in re.finditer(r"\breturn\s*;", code[start:end]):
        yield start + m.start(), start + m.end(), ";", "return deleted"
    for m in re.finditer(r"\b(if|while)\s*\(", code[start:end]):
        at = start + m.end() - 1
        stop = closing(code, at) + 1
        condition = code[at:stop]
        yield at, stop, f"(!{condition})", "negated"
        if m[1] == "if" and re.match(r"\s*(return|continue|break|goto)\b",
                                     code[stop:]):
            yield at, stop, f"({condition} || 1)", "always"
    for m in OPERATOR.finditer(code, start, end):
        new = OPERATORS[m[1]]
        yield m.start(1), m.end(1), new, f"{m[1]} is {new}"
    for m in CONSTANT.finditer(code, start, end):
        line = code[code.rfind("\n", 0, m.start()) + 1:m.start()].lstrip()
        if code[m.start() - 1] == "[" and re.match(TYPE, line):
            continue    # the size of an array
        new = other_constant(m[1])
        yield m.start(1), m.end(1), new, f"{m[1]} is {new}"


def mutants(text):
    code = code_of(text)
    found = []
    for start, end in bodies(code):
        for at, stop, new, what in changes(code, start, end):
            # Lines keep their numbers. A negated condition keeps its strings.
            if what in ("negated", "always"):
                new = new.replace(code[at:stop], text[at:stop])
            elif not new:
                new = "\n" * text.count("\n", at, stop)
            found.append(Mutant(at, stop, new, what,
                                text.count("\n", 0, at) + 1))
    return sorted(set(found))


# -- builds ----------------------------------------------------------------

def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class Tree:
    """A copy of the working tree, built with coverage."""

    def __init__(self, folder, jobs, tests):
        self.root = pathlib.Path(folder).resolve()
        self.jobs = jobs
        names = subprocess.run(
            ["git", "ls-files", "-zco", "--exclude-standard"], cwd=ROOT,
            capture_output=True, text=True, check=True).stdout.split("\0")
        for name in filter(None, names):
            if (ROOT / name).is_file():
                to = self.root / name
                to.parent.mkdir(parents=True, exist_ok=True)
                if not to.exists() or not filecmp.cmp(ROOT / name, to):
                    shutil.copy2(ROOT / name, to)
        packages = "dnsd/page/node_modules"
        if (ROOT / packages).exists() and not (self.root / packages).exists():
            (self.root / packages).symlink_to(ROOT / packages)
        self.tests = tests or sorted(
            t.stem for t in self.root.glob("tests/unit/test_*.c"))
        self.make("build/libdnsd.a", *(f"build/tests/{t}" for t in self.tests))
        self.flags = (self.root / "build/flags").read_text().split()
        self.libs = subprocess.run(
            ["make", "-s", "-f", "-", "libs"], cwd=self.root, text=True,
            capture_output=True, check=True, input=(
                "include Makefile\nlibs:\n\t@echo $(LIBS) -lcmocka\n")
        ).stdout.split()
        # but for what is generated, which is nobody's to change
        self.objects = sorted(o for o in (self.root / "build/obj").rglob("*.o")
                              if o.with_suffix(".d").exists())
        self.took, self.reached = {}, collections.defaultdict(set)
        self.holders = collections.defaultdict(set)

    def make(self, *targets):
        subprocess.run(["make", f"-j{self.jobs}", f"CFLAGS={FLAGS}", *targets],
                       cwd=self.root, check=True, stdout=subprocess.DEVNULL)

    def run(self, binary, timeout, folder):
        """None: it passed; else why not."""
        env = {**os.environ, "DNSD_WORLDS": WORLDS, "TMPDIR": str(folder)}
        env["GCOV_PREFIX"] = str(folder)
        try:
            done = subprocess.run(
                [str(binary)], cwd=self.root, env=env, timeout=timeout,
                preexec_fn=limit, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return "timeout"
        return f"status {done.returncode}" if done.returncode else None

    def includers(self, name):
        """The objects that depend on a file, and the tests."""
        dep = re.compile(rf"(?:^|[\s/]){re.escape(name)}(?=[\s:\\]|$)", re.M)
        objects = [o for o in self.objects if dep.search(
            o.with_suffix(".d").read_text())]
        tests = [t for t in self.tests if dep.search(
            (self.root / f"build/tests/{t}.d").read_text())]
        return objects, tests

    def coverage(self, names, folder):
        """Fills took (seconds, by test), reached (tests, by file and line) and
        holders (what was compiled to code of a line)."""
        folder = pathlib.Path(folder) / "coverage"
        notes = collections.defaultdict(set)    # .gcno by file
        for name in names:
            objects, tests = self.includers(name)
            for o in objects:
                notes[o.with_suffix(".gcno")].add(name)
            for t in tests:
                notes[self.note_of_test(t)].add(name)
        for note in notes:
            for name, line, _ in self.lines(note, names):
                self.holders[name, line].add(note)
        for test in self.tests:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            start = time.monotonic()
            why = self.run(self.root / "build/tests" / test, 600, folder)
            if why:
                sys.exit(f"{test} fails without a mutation: {why}")
            self.took[test] = time.monotonic() - start
            for note in notes:
                data = pathlib.Path(f"{folder}{note.with_suffix('.gcda')}")
                if not data.exists():
                    continue
                shutil.copy2(note, data.with_suffix(".gcno"))
                for name, line, count in self.lines(data, names):
                    if count:
                        self.reached[name, line].add(test)

    def lines(self, data, names):
        """(file, line, how often it was reached) of what gcov knows."""
        done = subprocess.run(
            ["gcov", "--json-format", "--stdout", data], cwd=data.parent,
            capture_output=True, text=True)
        for document in done.stdout.splitlines():
            for file in json.loads(document)["files"]:
                name = os.path.relpath(os.path.join(self.root, file["file"]),
                                       self.root)
                if name in names:
                    for line in file["lines"]:
                        yield name, line["line_number"], line["count"]

    def tests_of(self, name, line):
        """Those that reach a line, or the one before: gcov knows the first one of
        a statement."""
        while line and (name, line) not in self.reached:
            line -= 1
        return sorted(self.reached.get((name, line), ()), key=self.took.get)

    def note_of_test(self, test):
        return self.root / f"build/tests/{test}-{test}.gcno"

    def notes_of(self, name, line):
        """Of what has code of a line."""
        while line and (name, line) not in self.holders:
            line -= 1
        return self.holders.get((name, line), ())


class Workplace:
    """Where one job builds and runs its mutants of a file."""

    def __init__(self, tree, name, folder):
        self.tree, self.name = tree, name
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        (self.folder / "run").mkdir()
        self.library = [o for o in tree.objects if o.name != "main.o"]
        self.includers = tree.includers(name)
        self.objects = self.tests = self.rest = ()

    def at_line(self, line):
        """What is compiled again for a mutant of a line."""
        notes = self.tree.notes_of(self.name, line)
        objects, tests = self.includers
        self.objects = [o for o in objects if o.name != "main.o" and
                        o.with_suffix(".gcno") in notes]
        self.tests = [t for t in tests if self.tree.note_of_test(t) in notes]
        self.rest = [o for o in self.library if o not in self.objects]

    def compile(self, source, to, *more):
        flags = [f for f in self.tree.flags if f not in FLAGS.split()]
        flags = [f.replace("'", "") for f in flags]     # as make writes them
        done = subprocess.run(
            [flags[0], f"-I{self.folder}/over/dnsd", f"-I{self.folder}/over",
             *flags[1:], *(more or TRAPS), "-w", "-g0", "-Itests",
             "-Itests/unit", "-c", "-o", to, source], cwd=self.tree.root, capture_output=True)
        return not done.returncode

    def put(self, text):
        over = self.folder / "over" / self.name
        over.parent.mkdir(parents=True, exist_ok=True)
        over.write_text(text)
        return over

    def source_of(self, obj):
        return pathlib.Path(
            str(obj.relative_to(self.tree.root / "build/obj"))).with_suffix(".c")

    def build(self, text, *more):
        """Objects of the mutant, of the library and of tests; None: it is no C."""
        over, made = self.put(text), []
        for obj in self.objects:
            source = self.source_of(obj)
            to = self.folder / str(source).replace("/", "+")
            if not self.compile(over if str(source) == self.name
                                else source, to, *more):
                return None
            made.append(to)
        return made

    def link(self, test, made):
        """The test's program with the mutant."""
        own = test in self.tests
        obj = self.folder / ("mutant.o" if own else f"{test}.o")
        if own or not obj.exists():
            self.compile(f"tests/unit/{test}.c", obj)
        to, archive = self.folder / test, self.folder / "all.a"
        archive.unlink(missing_ok=True)
        subprocess.run(["ar", "rcsT", archive, *made, *self.rest], check=True)
        done = subprocess.run(
            [self.tree.flags[0], "--coverage", "-pthread", "-o", to, obj, archive,
             *self.tree.libs], cwd=self.tree.root, capture_output=True,
            text=True, errors="replace")
        if done.returncode:
            raise RuntimeError(done.stderr[:2000])
        return to

    def same_code(self, text, mutated):
        """Whether the compiler makes the same of both."""
        def code(of):
            made = self.build(of, "-O2")
            return b"".join(o.read_bytes() for o in made)
        return code(text) == code(mutated)

    def try_mutant(self, text, mutant):
        """(how it ended, more about it)"""
        tests = self.tree.tests_of(self.name, mutant.line)
        mutated = text[:mutant.start] + mutant.text + text[mutant.end:]
        self.at_line(mutant.line)
        made = self.build(mutated)
        if made is None:
            return "not compiled", ""
        for test in tests:
            why = self.tree.run(self.link(test, made),
                                5 + 5 * self.tree.took[test],
                                self.folder / "run")
            if why:
                return "killed", f"{test}: {why}"
        if made and self.same_code(text, mutated):
            return "equivalent", "the same code"
        return "survived", "" if tests else "not reached by any test"


# -- the whole -------------------------------------------------------------

def equivalents():
    path = HERE / "mutate.txt"
    known = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.strip() and not line.startswith("#"):
            file, rest = line.split(" | ", 1)
            code, what, reason = rest.rsplit(" | ", 2)
            known[file, code, what] = reason
    return known


def stale():
    """Entries of mutate.txt that are of no mutant any more: the source has changed."""
    made = {}
    for name, code, what in equivalents():
        if name not in made:
            source = ROOT / name
            text = source.read_text() if source.exists() else ""
            lines = text.splitlines()
            made[name] = {(lines[m.line - 1].strip(), m.what)
                          for m in mutants(text)}
        if (code, what) not in made[name]:
            yield f"{name} | {code} | {what}"


def run_file(tree, name, chosen, options, folder):
    text = (tree.root / name).read_text()
    lines = text.splitlines()
    known = equivalents()
    places = threading.local()

    def one(mutant):
        if not hasattr(places, "own"):
            places.own = Workplace(tree, name, folder)
        ended, more = places.own.try_mutant(text, mutant)
        code = lines[mutant.line - 1].strip()
        if ended == "survived" and (name, code, mutant.what) in known:
            return "equivalent", known[name, code, mutant.what], code
        return ended, more, code

    counts = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for mutant, (ended, more, code) in zip(chosen, pool.map(one, chosen)):
            counts[ended] += 1
            if ended in ("survived", "equivalent") or options.verbose:
                print(f"{name}:{mutant.line}: {ended}: {mutant.what}: {code}"
                      + (f" ({more})" if more else ""), flush=True)
    return counts


def chosen_of(name, options):
    found = mutants((ROOT / name).read_text())
    if options.only:
        ranges = [tuple(map(int, (part.split("-") * 2)[:2]))
                  for part in options.only.split(",")]
        found = [m for m in found if any(a <= m.line <= b for a, b in ranges)]
    if options.sample and options.sample < len(found):
        found = sorted(random.Random(options.seed).sample(found, options.sample))
    return found


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*")
    parser.add_argument("--sample", type=int, default=0, help="so many of a file")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    parser.add_argument("--only", help="lines: 10,20-30")
    parser.add_argument("-j", type=int, default=2, help="so many side by side")
    parser.add_argument("--tree", help="a folder that keeps what is built")
    parser.add_argument("--tests", help="programs that are run, if not all of them")
    parser.add_argument("--verbose", action="store_true", help="the killed, too")
    parser.add_argument("--stale", action="store_true",
                        help="only: entries of mutate.txt without a mutant")
    parser.add_argument("--list", action="store_true", help="mutants, not tried")
    options = parser.parse_args()
    if options.stale:
        found = list(stale())
        print("\n".join(f"tests/mutate.txt: no such mutant: {one}" for one in found)
              or "lint: mutate.txt ok")
        sys.exit(bool(found))
    names = [os.path.relpath(os.path.abspath(f), ROOT) for f in options.files]
    if options.list:
        for name in names:
            for m in chosen_of(name, options):
                print(f"{name}:{m.line}: {m.what}: {m.text.strip()}")
        return
    rows = []
    with tempfile.TemporaryDirectory(prefix="dnsd-mutate-") as folder:
        tree = Tree(options.tree or pathlib.Path(folder) / "tree", options.j,
                    options.tests and options.tests.split(","))
        tree.coverage(names, folder)
        for name in names:
            rows.append((name, run_file(tree, name, chosen_of(name, options),
                                        options, folder)))
    print(f"\n{'file':32} mutants killed not-compiled equivalent survived share")
    for name, n in rows:
        real = n["killed"] + n["survived"]
        print(f"{name:32} {sum(n.values()):7} {n['killed']:6} "
              f"{n['not compiled']:12} {n['equivalent']:10} {n['survived']:8} "
              f"{100 * n['survived'] / max(real, 1):4.1f}%")


main()
