"""The source archive, what the page is made of, and builds where npm's packages cannot be had."""

import base64
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import unittest.mock
import urllib.request

from harness import DNSD, NETS, ROOT, WAIT_S, Daemon, Test
from patience import PATIENCE_S

VERSION = re.search(r"(?m)^VERSION := (\S+)", (ROOT / "Makefile").read_text())[1]
CONF = """nets: nets.txt
zones:
  example.com: {ns: [ns1.example.com 192.0.2.53]}
nodes:
  hk1: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge]}
"""
NO_NETWORK = ["unshare", "-rn"]
# For make: a build that is quick, and not that of the test's own flavour.
QUICK = {"CFLAGS": "-O0", "B": "build"}


class Other(Daemon):
    """Another program than the one that is tested."""

    def __init__(self, program, *words, **options):
        self.program = program
        super().__init__(*words, **options)

    def start(self, wait=True):
        with unittest.mock.patch("harness.DNSD", self.program):
            return super().start(wait)


def without_network():
    able = subprocess.run([*NO_NETWORK, "true"], capture_output=True)
    return NO_NETWORK if not able.returncode else []


@unittest.skipUnless((ROOT / ".git").exists(), "needs a clone")
class Archive(Test):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(prefix="dnsd-dist-")
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.top = pathlib.Path(cls.temporary.name)
        cls.called = cls.top / "called"
        tools = cls.top / "bin"
        tools.mkdir()
        for name in ("npm", "npx", "node"):
            (tools / name).write_text(f"#!/bin/sh\necho $0 $* >> {cls.called}\nexit 1\n")
            (tools / name).chmod(0o755)
        cls.path = f"{tools}:{os.environ['PATH']}"
        cls.archive = cls.dist()
        subprocess.run(["tar", "xf", cls.archive, "-C", cls.top], check=True)
        cls.tree = cls.top / f"dnsd-{VERSION}"

    @classmethod
    def dist(cls):
        folder = pathlib.Path(DNSD).resolve().parent
        subprocess.run(["make", "-s", f"B={os.path.relpath(folder, ROOT)}", "dist"],
                       cwd=ROOT, check=True, capture_output=True,
                       env={k: v for k, v in os.environ.items() if "MAKE" not in k})
        return folder / f"dnsd-{VERSION}.tar.xz"

    def make(self, *words, tree=None, **variables):
        """Without npm, node and network; its status and what it printed."""
        done = subprocess.run(
            [*without_network(), "make", f"-j{os.cpu_count()}", *words,
             *(f"{k}={v}" for k, v in {**QUICK, **variables}.items())],
            cwd=tree or self.tree, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=PATIENCE_S * 30,
            env={**{k: v for k, v in os.environ.items() if "MAKE" not in k},
                 "PATH": self.path})
        return done.returncode, done.stdout

    def run_there(self, tree):
        """The program that was built there runs; what its page is, both ways."""
        program = str(tree / "build/dnsd")
        d = Other(program, CONF, files={"nets.txt": NETS})
        self.addCleanup(d.close)
        subprocess.run([program, "check", "-c", d.conf], check=True,
                       capture_output=True)
        self.assertEqual(d.address("live.example.com"), "192.0.2.1")
        url = f"http://127.0.0.1:{d.http_port}/"
        packed = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
        with urllib.request.urlopen(packed, timeout=WAIT_S) as answer:
            page = gzip.decompress(answer.read()).decode()
        self.assertEqual(d.http("/")[1], page)
        return url, page

    def test_equal_each_time(self):
        first = hashlib.sha256(self.archive.read_bytes()).digest()
        self.archive.unlink()
        self.assertEqual(hashlib.sha256(self.dist().read_bytes()).digest(), first)

    def test_builds_without_npm(self):
        """First as it is; then as from a clone, which has nothing built in it."""
        status, text = self.make()
        self.assertEqual(status, 0, text)
        page = self.run_there(self.tree)[1]
        self.assertEqual(
            page, (pathlib.Path(DNSD).parent / "page/index.html").read_text())
        root = self.top / "root"
        status, text = self.make("install", DESTDIR=root)
        self.assertEqual(status, 0, text)
        share = root / "usr/local/share/dnsd"
        self.assertTrue((share / "player/player.js").exists())
        self.assertEqual(
            (share / "sbom.json").read_text(),
            (pathlib.Path(DNSD).parent / "page/sbom.json").read_text())
        self.assertFalse(self.called.exists())
        self.as_clone()

    def as_clone(self):
        clone = self.top / "clone"
        shutil.copytree(self.tree, clone, symlinks=True)
        shutil.rmtree(clone / "dnsd/page/built")
        status, text = self.make(tree=clone)
        self.assertNotEqual(status, 0)
        self.assertIn("make PAGE=plain does without them", text)
        self.assertIn("npm ci", self.called.read_text())
        self.called.unlink()

        status, text = self.make(tree=clone, PAGE="plain")
        self.assertEqual(status, 0, text)
        self.assertIn("no player for websites", text)
        url, page = self.run_there(clone)
        self.assertIn("This is the plain page.", page)
        self.assertIn("make PAGE=full", page)
        self.shows_nodes(url)
        root = self.top / "plain"
        status, text = self.make("install", tree=clone, PAGE="plain", DESTDIR=root)
        self.assertEqual(status, 0, text)
        self.assertIn("without the player", text)
        self.assertFalse((root / "usr/local/share/dnsd/player").exists())
        self.assertFalse((root / "usr/local/share/dnsd/sbom.json").exists())
        self.assertFalse(self.called.exists())

    def shows_nodes(self, url):
        """Its script may run, and fills the table."""
        dom = subprocess.run(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu",
             f"--user-data-dir={self.top}/chromium", "--virtual-time-budget=2000",
             "--dump-dom", url], capture_output=True, text=True,
            timeout=PATIENCE_S * 6).stdout
        self.assertIn("<td>hk1</td><td>edge</td><td>up</td>", dom)
        self.assertIn("1 nodes at", dom)

    def test_unknown_page(self):
        status, text = self.make(PAGE="nice")
        self.assertNotEqual(status, 0)
        self.assertIn("PAGE=nice: it is full, built or plain", text)


# What lies in the builds of others, which esbuild does not see.
WITHIN = {"hls.js": {"eventemitter3", "url-toolkit", "@svta/cml-id3"},
          "mpegts.js": {"es6-promise", "events"}}
# Without minifying, esbuild names the file before what it takes of it.
NAMES = r"""
import { build } from "esbuild";
const from = /^ *(?:\/\/|\/\*) (?:.*\/)?node_modules\/((?:@[^\/\n]+\/)?[^\/\n]+)\//gm;
const names = new Set();
for (const entry of ["operator/main.ts", "operator/page.css", "player/src/player.ts",
                     "player/demo/class.ts"]) {
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true,
        write: false, outdir: "out", target: "es2020" });
    for (const { text } of outputFiles)
        for (const [, name] of text.matchAll(from))
            names.add(name);
}
console.log(JSON.stringify([...names]));
"""


@unittest.skipIf((ROOT / "dnsd/page/built").exists(), "the page is built already")
class Components(Test):
    """The list of what the page and the player are made of."""

    @classmethod
    def setUpClass(cls):
        cls.page = pathlib.Path(DNSD).resolve().parent / "page"
        cls.text = (cls.page / "sbom.json").read_text()
        cls.bom = json.loads(cls.text)
        cls.within = {cls.name(one): {cls.name(c) for c in one.get("components", [])}
                      for one in cls.bom["components"]}
        cls.all = [one for top in cls.bom["components"]
                   for one in [top, *top.get("components", [])]]

    @staticmethod
    def name(component):
        return "/".join(filter(None, [component.get("group"), component["name"]]))

    def test_all_that_is_bundled_and_no_other(self):
        done = subprocess.run(["node", "--input-type=module", "-e", NAMES],
                              cwd=ROOT / "dnsd/page", text=True, capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        names = set(json.loads(done.stdout))
        self.assertIn("hls.js", names)
        self.assertEqual(self.within, {name: WITHIN.get(name, set()) for name in names})

    def test_as_the_lock_file_has_them(self):
        lock = json.loads((ROOT / "dnsd/page/package-lock.json").read_text())["packages"]
        for one in self.all:
            name = self.name(one)
            locked = lock[f"node_modules/{name}"]
            self.assertEqual(one["version"], locked["version"])
            self.assertEqual(one["licenses"], [{"license": {"id": locked["license"]}}])
            digest = base64.b64decode(locked["integrity"].removeprefix("sha512-"))
            self.assertEqual(one["hashes"], [{"alg": "SHA-512", "content": digest.hex()}])
            self.assertEqual(one["purl"], f"pkg:npm/{name.replace('@', '%40')}"
                                          f"@{locked['version']}")
        self.assertEqual(self.bom["specVersion"], "1.5")
        self.assertEqual(self.bom["metadata"]["component"]["version"], VERSION)
        # Equal each time, and of no place.
        self.assertNotIn("timestamp", self.text)
        self.assertNotIn("://", self.text)

    def test_terms_of_each_are_said(self):
        terms = (ROOT / "conf/debian/copyright").read_text()
        files = " ".join(re.findall(r"(?m)^Files: (.*)", terms)).split()
        self.assertEqual({file.removesuffix("/*") for file in files} - {"*"},
                         {self.name(one) for one in self.all})
        player = (self.page / "player/LICENSES.txt").read_text()
        heads = set(re.findall(r"(?m)^== (.+)/[^/]+ ==$", player))
        self.assertEqual(heads, {name for parent, inner in WITHIN.items()
                                 for name in (parent, *inner)})
