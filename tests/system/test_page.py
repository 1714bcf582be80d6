"""The operator's page, in a browser: tests/browser/operator.mjs says what is seen,
this side moves the fleet."""

import gzip
import json
import math
import os
import pathlib
import re
import sqlite3
import struct
import subprocess
import time
import unittest
import urllib.request

from etcd_world import Etcd
from harness import DNSD, NETS, ROOT, WAIT_S, Daemon, Test
from srs_standin import Fleet
from test_cluster import heartbeat
from test_dnssec import Clock

PLACES = {"hk1": ("22.3, 114.2", "hongkong"), "hk2": ("22.3, 114.2", "hongkong"),
          "jp1": ("35.7, 139.7", "tokyo"), "gb1": ("51.5, -0.1", "london"),
          "us1": ("34.1, -118.2", "la"), "br1": ("-23.5, -46.6", "saopaulo")}
CONF = """zones:
  example.com: {ns: ["ns1.example.com 127.0.0.1"]}
health: {interval: 0.3, timeout: 2, fall: 2, rise: 1}
nodes:
%s
steer:
  live.example.com: {pool: [edge], lines: 2, ttl: [1, 5]}
"""
SIGNED = (CONF % "  a: {address: [192.0.2.1], api: off, rtmp: off}").replace(
    "127.0.0.1\"]", "127.0.0.1\"], dnssec: {keys: keys, validity: 4h}")
PLACED = "nets: nets.txt\n" + CONF
SCRIPT = ROOT / "tests" / "browser" / "operator.mjs"


# Nets, without their first number, and places far from each other.
AREAS = [(f"{i // 250}.{i % 250}", (i % 25 * 5.2 - 60, i // 25 * 16.0 - 170))
         for i in range(500)]


def distance_ms(a, b):
    """As paths by distance are: 16 us a kilometre and 5 ms."""
    (lat, lon), (lat2, lon2) = (map(math.radians, at) for at in (a, b))
    turn = math.acos(min(1, math.sin(lat) * math.sin(lat2) + math.cos(lat) *
                         math.cos(lat2) * math.cos(lon - lon2)))
    return 5 + 0.016 * 6371 * turn


class Browser:
    """A scenario under way: what it asks for is done here."""

    def __init__(self, test, daemon, fleet):
        self.test, self.daemon, self.fleet = test, daemon, fleet

    def run(self, scenario):
        with subprocess.Popen(
                ["node", str(SCRIPT), scenario,
                 f"http://127.0.0.1:{self.daemon.http_port}/"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True) as node:
            for line in node.stdout:
                what, *args = json.loads(line)
                answer = getattr(self, "do_" + what.replace("-", "_"))(*args)
                node.stdin.write(json.dumps(answer) + "\n")
                node.stdin.flush()
            said = node.stderr.read()
        self.test.assertEqual(node.returncode, 0, said)
        if os.environ.get("DNSD_SHOTS"):
            print(said)

    def do_beat(self, name):
        self.daemon.http("/api/v1/servers", "POST", body=heartbeat(name))

    def do_streams(self, name, *streams):
        self.fleet[name].set_streams(*streams)

    def do_watched(self, name, clients, *streams):
        self.fleet[name].set_streams(*streams, clients=clients)

    def do_load(self, name, connections):
        self.fleet[name].set_load(conns=connections)

    def do_kill(self, name):
        self.fleet[name].die()

    def do_revive(self, name):
        self.fleet[name].revive()

    def do_node(self, name):
        return self.daemon.node(name)

    def do_drain(self, name):
        self.daemon.run("ctl", "drain", name)

    def do_explain(self, client):
        return self.daemon.http(
            f"/api/v1/explain?name=live.example.com&client={client}")[1]

    def do_measure(self, node, net, rtt_ms, loss):
        """Until it is believed."""
        status, _ = self.daemon.http(
            "/api/v1/paths", "POST", token="gauge", body=json.dumps(
                {"node": node, "paths": [
                    {"net": f"{net}.{i}.0/24", "rtt_ms": rtt_ms, "loss": loss}
                    for i in range(6)]}).encode())
        self.test.assertEqual(status, 200)
        self.test.eventually(lambda: self.daemon.http(
            f"/api/v1/paths?node={node}&client={net}.0.1")[1], "a path")

    def do_come_to(self, name, other):
        """Viewers that are closed on the one come back on the other."""
        def come(_):
            self.fleet[other].conns += 1
        self.fleet[name].on_closed = come

    def do_closed(self, name):
        return len(set(self.fleet[name].closed))

    def do_ask(self, net, n):
        for i in range(n):
            self.daemon.address("live.example.com", f"{net}.{i}.0/24")

    def do_bring_places(self):
        self.daemon.write("nets.txt", NETS.encode())
        self.daemon.write_conf(PLACED % "  a: {address: [192.0.2.1], api: off, rtmp: off}")
        self.daemon.run("ctl", "reload")

    def do_clock(self, ahead_s):
        self.clock.set(ahead_s)

    def do_expires(self):
        zone, = self.daemon.http("/api/v1/status")[1]["zones"]
        return zone.get("signed", {}).get("expires")

    def do_keys(self, there):
        old, new = (".gone", ".key") if there else (".key", ".gone")
        for path in (self.daemon.folder / "keys").glob("*" + old):
            path.rename(path.with_suffix(new))

    def do_reload_broken(self):
        conf = self.daemon.folder / "dnsd.yaml"
        conf.write_text(conf.read_text() + "nonsense: 1\n")
        self.daemon.run("ctl", "reload", check=False)

    def do_history(self, name, points=1199):
        """Minutes as the store writes them, instead of those that it has, an hour
        of the day missing; how many points it has."""
        now = int(time.time()) // 60 * 60
        with sqlite3.connect(self.daemon.folder / "dnsd.db", timeout=WAIT_S) as db:
            db.execute("INSERT OR IGNORE INTO history_node (name) VALUES (?)",
                       (name,))
            db.execute("DELETE FROM history WHERE node = (SELECT id FROM "
                       "history_node WHERE name = ?)", (name,))
            db.executemany(
                "INSERT OR REPLACE INTO history"
                " SELECT id, ?, ?, ?, ? FROM history_node"
                " WHERE name = ?",
                [(now - 60 * i, 200 + i % 90, (200 + i % 90) / 500, 4e8, name)
                 for i in range(1, points + 1) if not 300 < i < 360])
        return len(self.daemon.http(f"/api/v1/history?node={name}")[1]["points"])


    def do_path_history(self, node, net):
        """An evening of loss in the day of a pair; how many points it has."""
        area, = {p["area"]["id"] for p in self.daemon.http(
            f"/api/v1/paths?client={net}.0.1")[1]}
        now = int(time.time()) // 300 * 300
        with sqlite3.connect(self.daemon.folder / "dnsd.db", timeout=WAIT_S) as db:
            db.executemany(
                "INSERT OR REPLACE INTO path_history VALUES (?, ?, ?)",
                [(now - 300 * i, node, struct.pack(
                    "=Qff", int(area, 16), 60 + i % 7,
                    0.03 if i < 60 else 0)) for i in range(1, 250)])
        return len(self.daemon.http(
            f"/api/v1/paths/history?node={node}&client={net}.0.1")[1]["points"])


    def measure_areas(self, more_ms):
        """Of each of AREAS one network says it of jp1 and two of br1: so much
        more than by distance; when it is believed of all."""
        for node, firsts in (("jp1", (100,)), ("br1", (100, 101))):
            at = [float(v) for v in PLACES[node][0].split(",")]
            status, _ = self.daemon.http(
                "/api/v1/paths", "POST", token="gauge", body=json.dumps(
                    {"node": node, "paths": [
                        {"net": f"{first}.{net}.0/24",
                         "rtt_ms": distance_ms(at, place) + more_ms}
                        for net, place in AREAS for first in firsts]}).encode())
            self.test.assertEqual(status, 200)

    def do_measure_badly(self):
        self.measure_areas(1000)
        self.test.eventually(lambda: self.daemon.http(
            "/api/v1/status")[1]["paths_bad"] == 2 * len(AREAS), "bad paths")
        return 2 * len(AREAS)

    def do_measure_well(self):
        self.measure_areas(5)


    # -- another name server, as etcd has it --

    def do_view(self, state, why=""):
        """ns2 finds hk1 so; fresh for seven seconds."""
        nodes = {"hk1": [state, 3, 500, 38.2, 20] + ([why] if why else [])}
        self.etcd.put("/page/1/views/ns2", json.dumps(
            {"run": 1, "every_ms": 2500, "suspect": False, "nodes": nodes}))

    def do_registry(self, key, value):
        self.etcd.put(f"/page/1/{key}", value)

    def do_etcd(self, what):
        getattr(self.etcd, what)(0)


class Page(Test):
    def start(self, roles=(), more="", nets=NETS):
        roles = dict(roles)
        fleet = Fleet(len(PLACES), scale=0.1)
        self.addCleanup(fleet.close)
        lines = []
        for node, (name, (at, site)) in zip(fleet, PLACES.items()):
            node.name = name
            node.set_load(conns=20, mbps=50, cpu=0.1)
            lines.append(f"  {name}: {{role: {roles.get(name, 'edge')}, "
                         f"address: [{node.host}], at: [{at}], "
                         f"site: {site}, capacity: 500, "
                         f"api: \"{node.api_url}\", rtmp: off}}")
        d = self.daemon(PLACED % "\n".join(lines) + more,
                        files={"nets.txt": nets})
        return Browser(self, d, fleet)

    def test_live(self):
        self.start().run("live")

    def test_drain(self):
        self.start().run("drain")

    def test_explain(self):
        self.start().run("explain")

    def start_measured(self, nets=NETS):
        browser = self.start(nets=nets)
        conf = browser.daemon.folder / "dnsd.yaml"
        conf.write_text(conf.read_text().replace(
            "token: sesame", "token: sesame, measure_token: gauge"))
        browser.daemon.run("ctl", "reload")
        return browser

    def test_paths(self):
        self.start_measured().run("paths")

    def test_bad_paths(self):
        """Of a thousand the map shows some, and the page stays usable."""
        self.start_measured("".join(
            f"{first}.{net}.0/24 {lat:.1f},{lon:.1f}\n" for net, (lat, lon) in AREAS
            for first in (100, 101))).run("badpaths")

    def test_without_places(self):
        """Said until there are data."""
        d = self.daemon(CONF % "  a: {address: [192.0.2.1], api: off, rtmp: off}")
        Browser(self, d, None).run("places")

    def test_signing(self):
        """Zones whose signatures are late, or whose keys are gone."""
        d = Daemon(SIGNED, start=False)
        self.addCleanup(d.close)
        (d.folder / "keys").mkdir()
        d.run("keys", "generate", "example.com")
        browser = Browser(self, d, None)
        browser.clock = Clock(d.folder)
        d.environment = {**browser.clock.environment, "DNSD_LATER_NOT": "dnsd-sign"}
        d.start()
        browser.run("signing")

    def test_history(self):
        self.start().run("history")

    def test_flows(self):
        self.start().run("flows")

    def test_approve(self):
        self.start(more="heartbeat_from: [127.0.0.0/8]\n").run("approve")

    def test_roles(self):
        """What an edge has not: records, stability."""
        self.start({"us1": "relay", "br1": "recorder"},
                   "  push.example.com: {pool: [relay], policy: stable}\n"
                   ).run("roles")

    def test_servers(self):
        etcd = Etcd(n=1)
        self.addCleanup(etcd.close)
        browser = self.start(more="etcd: {endpoints: %s, prefix: /page, as: ns1}\n"
                             % json.dumps(etcd.endpoints))
        browser.etcd = etcd
        browser.run("servers")

    def test_move(self):
        self.start().run("move")

    def test_languages(self):
        self.start().run("chinese")

    def test_reasons_in_chinese(self):
        """Each why that operators are told of, and each in the code."""
        table = (ROOT / "docs" / "operations.md").read_text().split(
            "## States and their why")[1].split("\n## ")[0]
        whys = {line.split("|")[1].strip() for line in table.splitlines()
                if line.startswith("| ")} - {"why", "*(empty)*"}
        for name in ("health.c", "moving.c", "fleet.c"):
            code = re.sub(r"/\*.*?\*/", "", (ROOT / "dnsd" / "fleet" / name
                                             ).read_text(), flags=re.S)
            found = re.findall(r'"([a-z][^"\n]* [^"\n]*)"',
                               re.sub(r'"\s*\n\s*"', "", code))
            self.assertGreater(len(found), 3)
            whys.update(found)
        self.assertGreater(len(whys), 25)
        chinese = (ROOT / "dnsd" / "page" / "operator" / "zh.ts").read_text()
        self.assertEqual([why for why in whys if f'"{why}":' not in chinese], [])

    def test_languages_of_the_player(self):
        demo = pathlib.Path(DNSD).parent / "page" / "player" / "demo"
        done = subprocess.run(["node", str(SCRIPT.parent / "player_language.mjs"), str(demo)],
                              stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    ROLES = {"us1": "origin", "br1": "relay"}
    LISTED = "  watch.example.com: {pool: [edge], streams: true}\n"

    def test_streams(self):
        self.start(self.ROLES, self.LISTED).run("streams")

    def test_fleet(self):
        self.start().run("fleet")

    def test_sizes(self):
        self.start(self.ROLES, self.LISTED).run("sizes")

    def test_phone(self):
        self.start().run("phone")

    def test_a_thousand_nodes(self):
        lines = [f"  n{i}: {{address: [192.0.2.{i % 250}], "
                 f"at: [{20 + i % 20 * 1.5}, {-120 + i % 20 * 12}], "
                 f"site: s{i % 20}, api: off, rtmp: off}}" for i in range(1000)]
        d = self.daemon(PLACED % "\n".join(lines), files={"nets.txt": NETS})
        Browser(self, d, None).run("thousand")

    def test_one_file(self):
        """Compressed or not it is the same, and allows nothing from elsewhere."""
        d = self.daemon(CONF % "  a: {address: [192.0.2.1], api: off, rtmp: off}")
        texts = []
        for encoding in ("identity", "gzip"):
            request = urllib.request.Request(
                f"http://127.0.0.1:{d.http_port}/",
                headers={"Accept-Encoding": encoding})
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                body = answer.read()
                self.assertIn("default-src 'none'",
                              answer.headers["Content-Security-Policy"])
                self.assertEqual(answer.headers.get("Content-Encoding", "identity"),
                                 encoding)
            texts.append(gzip.decompress(body) if encoding == "gzip" else body)
        self.assertEqual(*texts)
        self.assertIn(b"script-src 'sha256-", texts[0])


if __name__ == "__main__":
    unittest.main()
