"""Completion in bash and zsh, against what the program itself says."""

import json
import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

from harness import DNSD, NETS, ROOT, Test
from patience import PATIENCE_S

SCRIPT = ROOT / "conf/completion/dnsd.bash"
CONF = """zones:
  example.com: {ns: [ns1.example.com 192.0.2.53]}
nodes:
  hk1: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off}
  jp1: {address: [192.0.2.2], at: [35.7, 139.7], api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge]}
"""


def said(*words):
    return subprocess.run([DNSD, *words], capture_output=True, text=True,
                          timeout=PATIENCE_S * 3).stdout


def commands():
    return re.findall(r"(?m)^  (\w+) ", said("--help"))


class Completion(Test):
    def environment(self):
        """Where `dnsd` is the one that is tested."""
        folder = os.path.dirname(DNSD)
        return {**os.environ, "PATH": folder + ":" + os.environ["PATH"]}

    def complete(self, *words):
        """What bash offers for the last of them."""
        line = subprocess.run(
            ["bash", "--norc", "-c", 'source "$1"; shift; COMP_WORDS=("$@"); '
             'COMP_CWORD=$(($# - 1)); _dnsd_complete; printf "%s\\n" "${COMPREPLY[@]}"',
             "bash", str(SCRIPT), "dnsd", *words], env=self.environment(),
            capture_output=True, text=True, timeout=PATIENCE_S * 3)
        self.assertEqual((line.returncode, line.stderr), (0, ""))
        return line.stdout.split()

    def test_commands(self):
        self.assertTrue(commands())
        self.assertEqual(self.complete(""), [*commands(), "--help", "--version"])
        self.assertEqual(self.complete("rep"), ["replay"])
        self.assertEqual(self.complete("-c", "x.yaml", "tr"), ["try"])

    def test_options(self):
        """Of each command those that its help names, no more and no less."""
        for word in commands():
            known = {o for o in re.findall(r"(?<![\w-])--[a-z][\w-]+", said(word, "--help"))}
            if word == "ctl":       # but for what stands behind its words
                known = {"--json", "--move", "--publishers"}
            offered = set(self.complete(word, "-"))
            usual = {"--help"} | ({"--config"} if "[-c FILE]" in said(word, "--help")
                                  else set())
            if word == "init":      # as -o
                usual |= {"--output"}
            self.assertEqual(offered, known | usual, word)
            for option in offered - {"--help"}:     # it takes it, if not alone
                done = subprocess.run(
                    [DNSD, word, option], stdin=subprocess.DEVNULL, text=True,
                    capture_output=True, timeout=PATIENCE_S * 3)
                self.assertNotIn("unrecognized", done.stderr)

    def test_control(self):
        text = said("ctl", "--help")
        verbs = set(re.findall(r"(?m)^  (\w+)(?:  | NODE| NAME| \w+  )", text))
        self.assertIn("drain", verbs)
        offered = self.complete("ctl", "")
        self.assertEqual({w for w in offered if w[0] != "-"}, verbs)
        self.assertEqual(self.complete("ctl", "registry", ""),
                         re.findall(r"(?m)^  registry (\w+) ", text))
        self.assertEqual(self.complete("ctl", "nodes", "-"), ["--json"])
        self.assertEqual(self.complete("ctl", "stop", ""), [])
        schema = json.loads(said("check", "--schema"))["properties"]
        node = schema["nodes"]["additionalProperties"]["properties"]
        for key in self.complete("ctl", "approve", "x", "-"):
            self.assertIn(key[2:], node)
        self.assertEqual(self.complete("ctl", "approve", "x", "--role", ""),
                         node["role"]["enum"])
        self.assertEqual(self.complete("replay", "--deal", ""), ["resolver", "id"])
        self.assertEqual(self.complete("lines", "--format", "s"), ["site_settings"])

    def test_nodes(self):
        """Of the server that runs; none without one."""
        d = self.daemon(CONF, files={"nets.txt": NETS})
        for words in (("ctl", "-c", d.conf, "drain", ""), ("ctl", "--config", d.conf,
                      "undrain", ""), ("ctl", "-c", d.conf, "remove", "")):
            self.assertEqual(self.complete(*words), ["hk1", "jp1"])
        self.assertEqual(self.complete("srs", "-c", d.conf, "h"), ["hk1"])
        self.assertEqual(self.complete("ctl", "-c", d.conf[:-2])[0], d.conf)
        d.stop()
        self.assertEqual(self.complete("ctl", "-c", d.conf, "drain", ""), [])

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh(self):
        """Typed at a terminal."""
        d = self.daemon(CONF, files={"nets.txt": NETS})
        script = (ROOT / "conf/completion/_dnsd").read_text().replace(
            "/usr/local/share/bash-completion/completions/dnsd", str(SCRIPT))
        d.write("_dnsd", script)
        master, slave = pty.openpty()
        shell = subprocess.Popen(
            ["zsh", "-f", "-i"], stdin=slave, stdout=slave, stderr=slave,
            env={**self.environment(), "TERM": "dumb", "PS1": "ready> "},
            cwd=d.folder, start_new_session=True)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        for typed, shown in (
                (f"fpath=({d.folder} $fpath); autoload -Uz compinit; "
                 "compinit -u -D; echo all''set\n", "allset"),
                ("dnsd repl\t", "dnsd replay"), ("--st\t", "--stats"),
                ("\x15dnsd ctl und\t", "ctl undrain"),
                (f"\x15dnsd ctl -c {d.conf} drain j\t", "drain jp1")):
            os.write(master, typed.encode())
            self.wait_for_text(master, shown)

    def wait_for_text(self, terminal, text):
        end, seen = time.monotonic() + PATIENCE_S, ""
        while text not in seen:
            ready, _, _ = select.select([terminal], [], [], end - time.monotonic())
            self.assertTrue(ready, f"no {text!r} in {seen!r}")
            seen += os.read(terminal, 4096).decode(errors="replace")
