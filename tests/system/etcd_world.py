"""etcd for tests and the demonstration: members on loopback that are killed, stopped
and cut off, with TLS or without.

    etcd = Etcd(tls=True)                   # three members, with a leader
    etcd.put("/dnsd/x", "1"); etcd.get("/dnsd/x")
    etcd.kill(etcd.leader()); etcd.restart(0)
    link = etcd.link()                      # one name server's way to all of them
    conf = f"etcd: {{endpoints: {json.dumps(link.endpoints)}, {etcd.tls_keys()}}}"
    link.freeze(); link.mend()
    etcd.close()

Members are numbered from 0. etcd is below build/, or where DNSD_ETCD says.
"""

import atexit
import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import urllib.error
import urllib.request

from link import Link
from patience import PATIENCE_S, until
from ports import free_port

FOLDER = pathlib.Path(os.environ.get(
    "DNSD_ETCD", pathlib.Path(__file__).resolve().parents[2] / "build" / "etcd"))
MEMBER_S = 2.0      # for an answer of one member, when others are there to be asked
DAYS = "2"          # a certificate's


def _program(name):
    path = FOLDER / name
    if not path.exists():
        raise AssertionError(f"{path} is missing: make build/etcd/etcd")
    return str(path)


def _without(prefix):
    """The environment, of which etcd's programs take options, or refuse those that
    they have twice."""
    return {k: v for k, v in os.environ.items() if not k.startswith(prefix)}


def _text(octets):
    return base64.b64encode(octets.encode()).decode()


def after(prefix):
    """The end of the range of keys that begin with prefix."""
    octets = bytearray(prefix.encode())
    octets[-1] += 1
    return base64.b64encode(octets).decode()


class Refused(Exception):
    """What etcd answered with an error: its body."""


class Certificates:
    """An authority and what it signed, thrown away after the test."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = pathlib.Path(folder), name
        self._openssl(name, "-subj", f"/CN={name}")

    def sign(self, name, use, names="IP:127.0.0.1"):
        """A certificate for these names: (its path, that of its key)."""
        self._openssl(name, "-subj", f"/CN={name}",
                      "-CA", self.path(self.name, "crt"),
                      "-CAkey", self.path(self.name, "key"),
                      "-addext", "subjectAltName=" + names,
                      "-addext", "basicConstraints=critical,CA:FALSE",
                      "-addext", "extendedKeyUsage=" + use)
        return self.path(name, "crt"), self.path(name, "key")

    def path(self, name, kind):
        return str(self.folder / f"{name}.{kind}")

    @property
    def ca(self):
        return self.path(self.name, "crt")

    def _openssl(self, name, *words):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS,
             "-keyout", self.path(name, "key"), "-out", self.path(name, "crt"),
             *words], check=True, capture_output=True)


class Closes:
    """Completes each TLS handshake, and resets the connection then."""

    def __init__(self, cert, key):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert, key)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.socket.getsockname()[1]}"
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return              # closed
            with contextlib.suppress(OSError), \
                    self.context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1)         # the client's handshake is over
                tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


class Member:
    """One etcd: its process, ports and data."""

    def __init__(self, name, folder):
        self.name, self.folder = name, folder
        self.port, self.peer_port = free_port(), free_port()
        self.for_peers = None       # ADDRESS:PORT where they find it
        self.process = None

    @property
    def pid(self):
        return self.process.pid

    @property
    def runs(self):
        return self.process is not None and self.process.poll() is None

    def log_text(self):
        path = self.folder / f"{self.name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self, words):
        with open(self.folder / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                [_program("etcd"), *words], stdout=log, stderr=log,
                env=_without("ETCD_"))

    def send(self, sig):
        self.process.send_signal(sig)

    def kill(self):
        if self.process:
            self.process.kill()     # also when it is stopped
            self.process.wait()
            self.process = None


class WayToEtcd(Link):
    """A link with a way to each of some members, in their order."""

    def __init__(self, scheme, members, delay_s):
        super().__init__(delay_s)
        self.endpoints = [f"{scheme}://" + self.to("127.0.0.1", member.port)
                          for member in members]


class Etcd:
    """n members, started, with a leader. peers is the link between them, with that
    delay in each direction: frozen, each of them is a minority that answers."""

    def __init__(self, n=3, tls=False, heartbeat_ms=100, election_ms=700,
                 peer_delay_s=0.0):
        self._folder = tempfile.TemporaryDirectory(prefix="dnsd-etcd-")
        self.folder = pathlib.Path(self._folder.name)
        self.times = (heartbeat_ms, election_ms)
        self.tls, self.context = tls, None
        self.scheme = "https" if tls else "http"
        self.members = [Member(f"m{i}", self.folder) for i in range(n)]
        self.peers = Link(peer_delay_s)
        for member in self.members:
            member.for_peers = self.peers.to("127.0.0.1", member.peer_port)
        self.links = [self.peers]
        atexit.register(self.stop)      # an interrupted test cleans nothing up
        try:
            if tls:
                self._certify()
            self.start()
        except BaseException:
            self.close()
            raise

    def __len__(self):
        return len(self.members)

    # -- certificates ------------------------------------------------------

    def _certify(self):
        """etcd is a client of itself, with its server's certificate: its JSON
        gateway asks it over TLS."""
        self.certificates = Certificates(self.folder)
        self.server = self.certificates.sign("server", "serverAuth,clientAuth")
        self.cert, self.key = self.certificates.sign("client", "clientAuth")
        self.ca = self.certificates.ca
        self.context = ssl.create_default_context(cafile=self.ca)
        self.context.load_cert_chain(self.cert, self.key)

    def tls_keys(self):
        """The keys of `etcd` in dnsd's configuration that go with tls."""
        return f"ca: {self.ca}, cert: {self.cert}, key: {self.key}" \
            if self.tls else ""

    # -- life --------------------------------------------------------------

    def _words(self, member):
        def url(port):
            return f"{self.scheme}://127.0.0.1:{port}"

        def peer_url(member):
            return f"{self.scheme}://{member.for_peers}"

        heartbeat_ms, election_ms = self.times
        words = ["--name", member.name,
                 "--data-dir", str(self.folder / f"{member.name}.etcd"),
                 "--listen-client-urls", url(member.port),
                 "--advertise-client-urls", url(member.port),
                 "--listen-peer-urls", url(member.peer_port),
                 "--initial-advertise-peer-urls", peer_url(member),
                 "--initial-cluster", ",".join(
                     f"{m.name}={peer_url(m)}" for m in self.members),
                 "--heartbeat-interval", str(heartbeat_ms),
                 "--election-timeout", str(election_ms),
                 "--auto-compaction-mode", "periodic",
                 "--auto-compaction-retention", "1h",
                 "--logger", "zap", "--log-outputs", "stderr",
                 "--log-level", "error"]
        if self.tls:
            cert, key = self.server
            for kind in ("", "peer-"):
                words += [f"--{kind}cert-file", cert, f"--{kind}key-file", key,
                          f"--{kind}trusted-ca-file", self.ca,
                          f"--{kind}client-cert-auth"]
        return words

    def start(self, wait=True):
        """Those that do not run. wait: until each of them answers for all."""
        started = [i for i, m in enumerate(self.members) if not m.runs]
        for i in started:
            self.members[i].start(self._words(self.members[i]))
        for i in started if wait else ():
            self._wait_for(i)

    def _wait_for(self, i):
        def answers():
            if not self.members[i].runs:
                raise AssertionError("etcd ended: " + self.members[i].log_text())
            try:
                return self.get("ready", i=i, serializable=False) or True
            except (OSError, Refused):
                return False
        until(answers, f"etcd's member {i} as one of those that answer")

    def stop(self):
        for member in self.members:
            member.kill()

    def kill(self, i):
        """kill -9. What was acknowledged is on its disk."""
        self.members[i].kill()

    def restart(self, i):
        """Killed if it runs. Returns when it answers: others must be there."""
        self.members[i].kill()
        self.members[i].start(self._words(self.members[i]))
        self._wait_for(i)

    def freeze(self, i):
        """Its connections stay, it says nothing."""
        self.members[i].send(signal.SIGSTOP)

    def thaw(self, i):
        self.members[i].send(signal.SIGCONT)

    def wipe(self):
        """All data gone. It is an etcd with the same ids, whose revisions begin
        anew."""
        self.stop()
        for member in self.members:
            shutil.rmtree(self.folder / f"{member.name}.etcd")
        self.start()

    def close(self):
        for link in self.links:
            link.close()
        self.stop()
        atexit.unregister(self.stop)
        self._folder.cleanup()

    def link(self, delay_s=0.0, members=None):
        """One client's own way to all members, or to those numbered."""
        chosen = range(len(self)) if members is None else members
        link = WayToEtcd(self.scheme, [self.members[i] for i in chosen], delay_s)
        self.links.append(link)
        return link

    # -- asking ------------------------------------------------------------

    @property
    def endpoints(self):
        return [f"{self.scheme}://127.0.0.1:{m.port}" for m in self.members]

    def call(self, path, body, i=None, endpoint=None, context=None,
             timeout=MEMBER_S):
        """The decoded answer of the JSON gateway of member i, or of the first that
        answers. Raises Refused, or OSError where nobody answers."""
        urls = [endpoint] if endpoint else \
            self.endpoints if i is None else [self.endpoints[i]]
        for url in urls:
            request = urllib.request.Request(
                f"{url}/v3/{path}", data=json.dumps(body).encode())
            try:
                with urllib.request.urlopen(
                        request, timeout=timeout,
                        context=context or self.context) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                failed = Refused(error.read().decode(errors="replace"))
            except OSError as error:
                failed = error
            except http.client.HTTPException as error:
                failed = ConnectionError(f"in the middle of an answer: {error!r}")
        raise failed

    def put(self, key, value, **more):
        """The revision."""
        answer = self.call("kv/put", {"key": _text(key), "value": _text(value)},
                           **more)
        return int(answer["header"]["revision"])

    def range(self, body, serializable=False, **more):
        """{key: value}. serializable: what this member has, without the others."""
        answer = self.call("kv/range", {**body, "serializable": serializable},
                           **more)
        return {base64.b64decode(kv["key"]).decode():
                base64.b64decode(kv.get("value", "")).decode()
                for kv in answer.get("kvs", [])}

    def get(self, key, **more):
        """Its value, or None."""
        return self.range({"key": _text(key)}, **more).get(key)

    def all(self, prefix, **more):
        return self.range({"key": _text(prefix), "range_end": after(prefix)},
                          **more)

    def delete(self, key, **more):
        """Whether it was there."""
        answer = self.call("kv/deleterange", {"key": _text(key)}, **more)
        return int(answer.get("deleted", 0)) > 0

    def revision(self, **more):
        answer = self.call("kv/range", {"key": _text("x")}, **more)
        return int(answer["header"]["revision"])

    def compact(self, revision=None):
        """All history before it is gone: by default before the last change."""
        revision = revision or self.revision()
        self.call("kv/compaction", {"revision": revision, "physical": True})
        return revision

    def leader(self):
        """The number of the member that leads by the latest term, or None while
        there is none that a member which answers knows."""
        found = None
        for i, member in enumerate(self.members):
            if not member.runs:
                continue
            try:
                status = self.call("maintenance/status", {}, i=i, timeout=0.5)
            except (OSError, Refused):
                continue
            term = int(status["raftTerm"])
            if status.get("leader") == status["header"]["member_id"] and \
                    (found is None or term > found[0]):
                found = (term, i)
        return found and found[1]

    def ctl_words(self, *words, i=None):
        """An etcdctl command."""
        urls = self.endpoints if i is None else [self.endpoints[i]]
        tls = ["--cacert", self.ca, "--cert", self.cert, "--key", self.key] \
            if self.tls else []
        return [_program("etcdctl"), "--endpoints", ",".join(urls), *tls, *words]

    def ctl(self, *words, i=None):
        """What etcdctl prints."""
        done = subprocess.run(self.ctl_words(*words, i=i), capture_output=True,
                              text=True, timeout=PATIENCE_S, env=_without("ETCDCTL_"))
        if done.returncode:
            raise Refused(done.stderr)
        return done.stdout
