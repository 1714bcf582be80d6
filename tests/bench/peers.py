"""Other name servers beside dnsd, as far as they are installed, and the floor
under all of them: `bench.py`.

Each serves the same zone on loopback with one worker; live.example.com is
steered by place where a server can do that and a city database is given, by the
continents' two nodes; else it is two addresses for everybody.
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

CONTINENTS = ("AF", "AS", "EU", "NA", "OC", "SA")


def addresses(continent):
    at = CONTINENTS.index(continent)
    return [f"198.18.{at}.{host}" for host in (1, 2)]


class Peer:
    """A server in a folder of its own. `mixes`: what it can be asked."""

    name = program = ""
    steers = False
    address = "127.0.0.1"
    environment = {}        # of its own
    before = ("taskset", "-c", "0")     # words before the program's name

    def __init__(self, zone, geoip, port):
        self.zone, self.port = zone, port
        self.geoip = os.path.abspath(geoip[0]) if geoip else ""
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix=f"bench-{self.name}-"))
        self.process = None

    @classmethod
    def installed(cls):
        return shutil.which(cls.program) is not None

    def write(self, path, text):
        target = self.dir / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def static_zone(self):
        """Two addresses for everybody, where nothing steers."""
        more = "".join(f"live 30 A {a}\n" for a in addresses("AS"))
        return self.write("example.com.zone", "$ORIGIN example.com.\n" +
                          self.zone + more)

    def launch(self, before=()):
        with open(self.dir / "log", "w") as log:
            self.process = subprocess.Popen(
                [*before, *self.command()], stdout=log, stderr=log,
                start_new_session=True, cwd=self.dir,
                env={**os.environ, **self.environment})

    def start(self):
        self.launch(self.before)
        query = (b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\7example\3com\0"
                 b"\0\1\0\1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(0.2)
            for _ in range(300):
                try:
                    s.sendto(query, (self.address, self.port))
                    if s.recv(512)[3] & 15 == 0:
                        return
                except OSError:
                    time.sleep(0.1)
        self.close()
        raise SystemExit(f"{self.name} does not start: {self.dir}/log")

    def pids(self):
        """All its processes: those of its session."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                stat = open(f"/proc/{pid}/stat").read()
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[3]) == self.process.pid:
                found.append(int(pid))
        return found

    def stop(self):
        if self.process:
            for pid in self.pids():
                os.kill(pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class Floor(Peer):
    """No name server: the same answer to everything. What is left is the
    kernel's work and the generator's own delay."""

    name = "floor"
    folder = ""     # of the benchmark's programs

    @classmethod
    def installed(cls):
        return bool(cls.folder)

    def command(self):
        return [f"{self.folder}/floor", f"127.0.0.1:{self.port}"]


class Gdnsd(Peer):
    name = program = "gdnsd"
    steers = True

    def command(self):
        live = "live 30 DYNA geoip!live\n" if self.geoip else ""
        self.write("zones/example.com", self.zone + live)
        centres = ", ".join(c.lower() for c in CONTINENTS)
        lists = "\n".join(
            f"   {c.lower()} => [ {', '.join(addresses(c))} ]"
            for c in CONTINENTS)
        orders = "\n".join(
            "    {} => [ {} ]".format(c, ", ".join(
                [c.lower()] + [o.lower() for o in CONTINENTS if o != c]))
            for c in CONTINENTS)
        plugins = f"""
plugins => {{ geoip => {{
 maps => {{ m => {{
   geoip2_db => {self.geoip}
   datacenters => [ {centres} ]
   map => {{
{orders}
   }}
 }} }}
 resources => {{ live => {{ map => m, service_types => up, dcmap => {{
{lists}
 }} }} }}
}} }}
""" if self.geoip else ""
        self.write("config", f"""
options => {{
 listen => {{ 127.0.0.1:{self.port} => {{ udp_threads = 1, tcp_threads = 1 }} }}
 run_dir = {self.dir}/run
 state_dir = {self.dir}/run
}}
{plugins}""")
        (self.dir / "run").mkdir(exist_ok=True)
        return ["gdnsd", "-c", str(self.dir), "start"]


class Knot(Peer):
    name, program = "knot", "knotd"
    steers = True
    interface = ""      # that it answers by AF_XDP as well

    def command(self):
        zone = self.static_zone()  # its default, for who matches nothing
        module = use = ""
        if self.geoip:
            self.write("geo.conf", "live.example.com:\n" + "".join(
                f'  - geo: "{c}"\n' + "".join(
                    f"    A: {a}\n" for a in addresses(c))
                for c in CONTINENTS))
            module = f"""
mod-geoip:
  - id: geo
    config-file: {self.dir}/geo.conf
    ttl: 30
    mode: geodb
    geodb-file: {self.geoip}
    geodb-key: [ "continent/code" ]
"""
            use = "    module: mod-geoip/geo\n"
        xdp = f"xdp:\n  listen: {self.interface}@{self.port}\n" if self.interface else ""
        self.write("knot.conf", f"""
server:
  rundir: {self.dir}
  listen: {self.address}@{self.port}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  edns-client-subnet: on
database:
  storage: {self.dir}
log:
  - target: stderr
    any: warning
{xdp}{module}
zone:
  - domain: example.com
    file: {zone}
    storage: {self.dir}
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
{use}""")
        return ["knotd", "-c", f"{self.dir}/knot.conf"]


class Nsd(Peer):
    name = program = "nsd"

    def command(self):
        zone = self.static_zone()
        self.write("nsd.conf", f"""
server:
  server-count: 1
  ip-address: 127.0.0.1@{self.port}
  username: ""
  chroot: ""
  database: ""
  zonesdir: "{self.dir}"
  zonelistfile: "{self.dir}/zone.list"
  xfrdfile: "{self.dir}/xfrd.state"
  xfrdir: "{self.dir}"
  pidfile: "{self.dir}/pid"
  rrl-ratelimit: 0
  minimal-responses: yes
remote-control:
  control-enable: no
zone:
  name: example.com
  zonefile: {zone}
""")
        return ["nsd", "-d", "-c", f"{self.dir}/nsd.conf"]


class PowerDns(Peer):
    """Its geoip backend has zones of its own kind: the static names that the
    benchmark asks for, and the steered one."""

    name, program = "pdns", "pdns_server"
    steers = True

    @classmethod
    def installed(cls):
        return super().installed() and any(
            pathlib.Path("/usr/lib").glob("*/pdns/libgeoipbackend.so"))

    def command(self):
        if not self.geoip:
            raise SystemExit("pdns: only with a database")
        nodes = "".join(
            f"    {c.lower()}.live.example.com:\n" + "".join(
                f"      - a: {a}\n" for a in addresses(c))
            for c in CONTINENTS)
        self.write("zones.yml", f"""
domains:
- domain: example.com
  ttl: 30
  records:
    example.com:
      - soa: ns1.example.com hostmaster.example.com 1 3600 600 86400 60
      - ns: ns1.example.com
    ns1.example.com:
      - a: 127.0.0.1
    www.example.com:
      - a: 192.0.2.80
{nodes}  services:
    live.example.com: ['%cn.live.example.com', 'as.live.example.com']
""")
        self.write("pdns.conf", f"""
daemon=no
guardian=no
local-address=127.0.0.1
local-port={self.port}
socket-dir={self.dir}
receiver-threads=1
distributor-threads=1
edns-subnet-processing=yes
loglevel=3
launch=geoip
geoip-database-files=mmdb:{self.geoip}
geoip-zones-file={self.dir}/zones.yml
security-poll-suffix=
""")
        return ["pdns_server", f"--config-dir={self.dir}"]


ALL = (Floor, Gdnsd, Knot, Nsd, PowerDns)
