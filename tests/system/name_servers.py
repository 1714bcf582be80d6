"""BIND, Knot and NSD beside dnsd, each with example.com on a port of loopback: their
configurations, and their processes.

    class Real(NameServers):
        server = self.start_server("nsd", nsd(folder, port, ["zonefile: zone"]))
        server.again()          # it reads its zone once more
"""

import base64
import signal
import subprocess

import dns.tsig

from harness import ROOT, Test

FOLDER = ROOT / "build/secondaries"
# By program: its file of configuration, and how it is started.
PROGRAMS = {"named": ("named.conf", ["-g", "-n", "1"]),
            "knotd": ("knot.conf", []), "nsd": ("nsd.conf", ["-d"])}

# All of them have the key ns2.
SECRET = base64.b64encode(bytes(range(32))).decode()


def key(name="ns2", secret=SECRET, algorithm="hmac-sha256"):
    return dns.tsig.Key(name, secret, algorithm)


def bind(folder, port, options, zone):
    return f"""
key ns2 {{ algorithm hmac-sha256; secret "{SECRET}"; }};
options {{
  directory "{folder}"; pid-file none; session-keyfile none;
  listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
  recursion no; dnssec-validation no; {options}
}};
controls {{ }};
zone example.com {{ {zone} }};
"""


def indented(lines, by):
    return "\n".join(" " * by + line for line in lines)


def knot(folder, port, dnsd_port, acl, zone):
    """acl: the lines of each entry; zone: lines. dnsd is the remote."""
    entries = "\n".join(f"  - id: acl{i}\n{indented(lines, 4)}"
                        for i, lines in enumerate(acl))
    return f"""
server:
  rundir: "{folder}"
  listen: 127.0.0.1@{port}
database:
  storage: "{folder}/knot"
key:
  - id: ns2
    algorithm: hmac-sha256
    secret: "{SECRET}"
remote:
  - id: dnsd
    address: 127.0.0.1@{dnsd_port}
    key: ns2
acl:
{entries}
zone:
  - domain: example.com
    storage: "{folder}"
    acl: [{", ".join(f"acl{i}" for i in range(len(acl)))}]
{indented(zone, 4)}
log:
  - target: stderr
    any: info
"""


def nsd(folder, port, zone):
    """zone: lines."""
    return f"""
server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  database: ""
  pidfile: ""
  zonesdir: "{folder}"
  xfrdir: "{folder}"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  cookie-secret-file: "{folder}/nsd.cookies"
  logfile: "{folder}/nsd.log"
remote-control:
  control-enable: no
key:
  name: ns2
  algorithm: hmac-sha256
  secret: "{SECRET}"
zone:
  name: example.com
{indented(zone, 2)}
"""


class NameServer:
    """One that runs, with its configuration and log in a folder."""

    def __init__(self, program, folder, conf):
        file, words = PROGRAMS[program]
        (folder / file).write_text(conf)
        self.log = folder / program
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [FOLDER / program, *words, "-c", folder / file],
                stdout=log, stderr=log, cwd=folder)

    def again(self):
        self.process.send_signal(signal.SIGHUP)

    def said(self):
        return self.log.read_text(errors="replace")

    def close(self):
        self.process.terminate()
        self.process.wait()


class NameServers(Test):
    """What is tested with them; self.d is dnsd."""

    def setUp(self):
        for program in PROGRAMS:
            if not (FOLDER / program).exists():
                self.fail(f"{FOLDER} is missing: make build/secondaries/named")

    def start_server(self, program, conf):
        server = NameServer(program, self.d.folder, conf)
        self.addCleanup(server.close)
        return server

    def until(self, condition, what, server):
        """With what both say if that does not come."""
        try:
            self.eventually(condition, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{server.said()}\n{self.d.log_text()}")
