"""What system tests share: the real daemon with a configuration of the test,
stand-ins for SRS, DNS questions, waiting for what must come true.

Everything is on loopback. A test names no port: free ones are taken.
"""

import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype

from patience import PATIENCE_S
from ports import free_port

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DNSD = os.environ.get("DNSD", str(ROOT / "build" / "dnsd"))
DNSD_MEASURE = str(pathlib.Path(DNSD).with_name("dnsd-measure"))
WAIT_S = PATIENCE_S / 2     # for one answer

NETS = """# the places of test clients
10.1.0.0/16 22.3,114.2 HK
10.2.0.0/16 35.7,139.7 JP
10.3.0.0/16 51.5,-0.1 GB
2001:db8:1::/48 22.3,114.2 HK
"""


class Daemon:
    """dnsd with a folder of its own. conf is YAML without listen, control,
    store and http; files is a dict of further files; descriptors: how many it
    may have open."""

    environment = {}        # of its own
    before = ()             # words before the program's name
    tail = "\nsandbox: strict\n"    # at the end: lines have their numbers
    own_session = False     # so that the scheduler shares cores fairly

    def __init__(self, conf, files=None, start=True, listen=None, http=True,
                 more_http="", descriptors=None):
        self._folder = tempfile.TemporaryDirectory(prefix="dnsd-test-")
        self.folder = pathlib.Path(self._folder.name)
        self.port, self.http_port = free_port(), free_port()
        self.listen = listen or [f"127.0.0.1:{self.port}"]
        self.head = (f"listen: {json.dumps(self.listen)}\nworkers: 2\n"
                     f"control: {self.folder}/dnsd.sock\n"
                     f"store: {self.folder}/dnsd.db\n")
        if http:
            self.head += (f"http: {{listen: [\"127.0.0.1:{self.http_port}\"], "
                          f"token: sesame}}\n" + more_http)
        for name, text in (files or {}).items():
            self.write(name, text)
        self.write_conf(conf)
        self.process = None
        self.descriptors = descriptors
        if start:
            self.start()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return path

    def write_conf(self, conf):
        """conf may be what was written before, without the head."""
        conf = conf.replace(self.tail, "\n").rstrip("\n")
        self.write("dnsd.yaml", self.head + conf + self.tail)

    @property
    def conf(self):
        return str(self.folder / "dnsd.yaml")

    def conf_text(self):
        return pathlib.Path(self.conf).read_text()

    def start(self, wait=True):
        """wait: until it is ready, as it tells its service manager, and the
        places of clients are loaded, or refused."""
        self.log = open(self.folder / "log", "ab")
        earlier = self.log.tell()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            path = tempfile.mktemp("", "ready-", self.folder)
            ready.bind(path)
            os.chmod(path, 0o666)
            self.process = subprocess.Popen(
                [*self.before, DNSD, "run", "-c", self.conf], stderr=self.log,
                stdout=self.log, cwd=self.folder, preexec_fn=self.limit,
                env={"NOTIFY_SOCKET": path, **os.environ, **self.environment},
                start_new_session=self.own_session)
            if wait:
                ready.settimeout(0.05)
                self.wait_for(lambda: self.is_ready(ready))
                if re.search(r"(?m)^(nets|geoip):", self.conf_text()):
                    self.wait_for(lambda: re.search(
                        "geoip: (not )?loaded", self.log_text(earlier)))
        return self

    def limit(self):
        if self.descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE,
                               (self.descriptors, self.descriptors))

    @staticmethod
    def is_ready(notifications):
        try:
            return b"READY=1" in notifications.recv(200)
        except TimeoutError:
            return False

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            if self.process.poll() is not None:
                raise AssertionError("dnsd ended: " + self.log_text())
            if time.monotonic() > end:
                raise AssertionError("dnsd is not ready: " + self.log_text())
            time.sleep(0.01)

    def stop(self, sig=signal.SIGTERM):
        """Ends it; the exit status."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("dnsd did not stop: " + self.log_text())
        return self.process.returncode if self.process else None

    def close(self):
        if not self.process:
            self._folder.cleanup()
            return
        status = self.stop()
        self.log.close()
        text = self.log_text()
        self._folder.cleanup()
        for word in ("ERROR: AddressSanitizer", "runtime error:",
                     "WARNING: ThreadSanitizer", "LeakSanitizer"):
            assert word not in text, text
        assert status in (0, -signal.SIGKILL), f"exit status {status}\n{text}"

    def log_text(self, after=0):
        text = (self.folder / "log").read_bytes()[after:]
        return text.decode(errors="replace")

    # -- asking ------------------------------------------------------------

    def query(self, name, rdtype="A", subnet=None, rdclass="IN", **more):
        options = list(more.pop("options", []))
        more.pop("use_edns", None)
        if subnet:
            address, _, length = subnet.partition("/")
            options.append(dns.edns.ECSOption(address, int(length)))
        return dns.message.make_query(
            name, rdtype, rdclass, options=options or None,
            use_edns=0 if options or more else None, **more)

    def ask(self, name, rdtype="A", subnet=None, tcp=False, timeout=WAIT_S,
            rdclass="IN", where="127.0.0.1", **more):
        query = self.query(name, rdtype, subnet, rdclass, **more)
        send = dns.query.tcp if tcp else dns.query.udp
        return send(query, where, timeout=timeout, port=self.port)

    def addresses(self, name, subnet=None, rdtype="A", **more):
        """The addresses of an answer, in its order."""
        answer = self.ask(name, rdtype, subnet, **more)
        assert answer.rcode() == dns.rcode.NOERROR, answer
        return [r.address for rrset in answer.answer for r in rrset
                if rrset.rdtype == dns.rdatatype.from_text(rdtype)]

    def address(self, name, subnet=None, **more):
        return self.addresses(name, subnet, **more)[0]

    def run(self, *words, check=True):
        """A command of the program with this configuration; its stdout."""
        done = subprocess.run(
            [DNSD, words[0], "-c", self.conf, *words[1:]],
            capture_output=True, text=True, timeout=PATIENCE_S * 3)
        if check and done.returncode:
            raise AssertionError(f"{words}: {done.stderr}")
        return done if not check else done.stdout

    def http(self, path, method="GET", token=None, body=None, headers=None):
        """(status, decoded body) of an HTTP call."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}{path}", method=method,
            data=body, headers=headers or {})
        if token:
            request.add_header("Authorization", "Bearer " + token)
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text.decode()

    def node(self, name):
        return next(n for n in self.http("/api/v1/nodes")[1]
                    if n["name"] == name)


def scope_of(answer):
    """SCOPE PREFIX-LENGTH of an answer, None without the option."""
    for option in answer.options:
        if isinstance(option, dns.edns.ECSOption):
            return option.scopelen
    return None


class Test(unittest.TestCase):
    """A test with patience: what must become true may take a moment, but no
    assertion is about how long."""

    def eventually(self, condition, what="", patience=None):
        end = time.monotonic() + (patience or PATIENCE_S)
        last = None
        while time.monotonic() < end:
            try:
                last = condition()
                if last:
                    return last
            except (AssertionError, OSError, dns.exception.Timeout) as error:
                last = error
            time.sleep(0.05)
        self.fail(f"{what or 'it'} did not come true; last: {last!r}")

    def daemon(self, conf, **options):
        daemon = Daemon(conf, **options)
        self.addCleanup(daemon.close)
        return daemon
