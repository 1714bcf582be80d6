#!/usr/bin/python3
"""bare.py BUILD - what becomes of the packages in a bare Debian 12 (debootstrap's minbase,
in BUILD/bare): installing them with apt, the first answer, the upgrade of one that runs,
removing, purging; and the archive with the one-file program before any of that.

For root. Everything listens on loopback. There is no systemd in a chroot: what the
maintainer scripts ask it for is not tried, and the test does by hand what the unit does.
Run by `make deb-test`.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "system"))

from ports import free_port  # noqa: E402

BUILD = pathlib.Path(sys.argv[1]).resolve()
BARE = BUILD / "bare"
VERSION = re.search(r"(?m)^VERSION := (\S+)", (ROOT / "Makefile").read_text())[1]
BEFORE = "0.0.9"
ARCH = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True,
                      check=True).stdout.strip()
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
               "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
CONF = "/etc/dnsd/dnsd.yaml"
DNS, HTTP = free_port(), free_port()
# As an operator writes it.
MINE = f"""listen: ["127.0.0.1:{DNS}"]
user: dnsd
http: {{listen: ["127.0.0.1:{HTTP}"], token: mine}}
zones: {{example.com: {{ns: ["ns1.example.com 192.0.2.53"]}}}}
nodes:
  a: {{address: [192.0.2.1], at: [22.3, 114.2], api: off, rtmp: off}}
  b: {{address: [192.0.2.2], at: [52.5, 13.4], api: off, rtmp: off}}
steer: {{live.example.com: {{pool: [edge]}}}}
"""
# Written by others' programs while anything is installed.
NOT_OURS = ("/proc", "/dev", "/sys", "/var/cache", "/var/lib/apt", "/var/lib/dpkg",
            "/var/log", "/run/adduser", "/tmp", "/root/build", "/etc/passwd-", "/etc/group-",
            "/etc/shadow-", "/etc/gshadow-", "/etc/ld.so.cache")


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}: status {done.returncode}\n"
                 + done.stdout[-4000:])
    return done.stdout


def inside(*words):
    """Its output; a command that fails ends the test."""
    return run("chroot", BARE, *words, env=ENVIRONMENT)


def apt(*words):
    return inside("apt-get", "-y", "-q", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold",
                  "-o", "Dpkg::Use-Pty=0", *words)


def expect(what, got, wanted=True):
    if got != wanted:
        sys.exit(f"{what}: {got!r:.2000} instead of {wanted!r:.2000}")
    print(f"ok: {what}", flush=True)


def bare():
    """The system, by the mirror and the settings of this machine's apt."""
    lines = sorted(set(run("apt-get", "indextargets", "--format",
                           "deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
                           "Created-By: Packages", "Origin: Debian").splitlines()))
    mirror = next(line.split()[1] for line in lines if " bookworm main" in line)
    shutil.rmtree(BARE, ignore_errors=True)
    run("debootstrap", "--variant=minbase", "bookworm", BARE, mirror)
    (BARE / "etc/apt/sources.list").write_text("\n".join(lines) + "\n")
    (BARE / "etc/apt/apt.conf.d/00outside").write_text(
        run("apt-config", "dump", "Acquire"))
    shutil.copy("/etc/resolv.conf", BARE / "etc/resolv.conf")
    # In a mount namespace of this script's own (unshare -m): they go with it.
    run("mount", "-t", "proc", "proc", BARE / "proc")
    run("mount", "--rbind", "/dev", BARE / "dev")
    (BARE / "root/build").mkdir()
    for file in [*BUILD.glob(f"dnsd*_{ARCH}.deb"), *(BUILD / "before").glob("*.deb")]:
        shutil.copy(file, BARE / "root/build")
    apt("update")
    apt("install", "bind9-dnsutils")


def package(name, version=VERSION):
    return f"/root/build/{name}_{version}_{ARCH}.deb"


def before():
    """A package of a version before, with another sample in it."""
    folder = BUILD / "before"
    run("make", "-s", f"B={os.path.relpath(folder, ROOT)}", f"VERSION={BEFORE}",
        "CFLAGS=-O0", f"-j{os.cpu_count()}", "deb", cwd=ROOT)
    deb, tree = folder / f"dnsd_{BEFORE}_{ARCH}.deb", folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    run("dpkg-deb", "-R", deb, tree)
    with open(f"{tree}{CONF}", "a") as sample:
        sample.write("# as it was then\n")
    run("dpkg-deb", "--root-owner-group", "-Zgzip", "-b", tree, deb)


def owner(path):
    return inside("stat", "-c", "%U:%G %a", path).strip()


def files():
    """All that is there and is not another program's."""
    found = set()
    for folder, folders, names in os.walk(BARE):
        at = "/" + os.path.relpath(folder, BARE) if folder != str(BARE) else ""
        folders[:] = [one for one in folders if f"{at}/{one}" not in NOT_OURS]
        found |= {f"{at}/{one}" for one in [*folders, *names]} - set(NOT_OURS)
    return found


def running():
    """Processes whose root is the bare system."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "root") == str(BARE):
                found.append(int(process.name))
        except OSError:  # it has ended
            pass
    return found


class Server:
    def __init__(self, program="/usr/sbin/dnsd", conf=CONF):
        self.program, self.conf = program, conf
        self.log = open(BUILD / "bare.log", "w+")
        self.process = subprocess.Popen(
            ["chroot", BARE, program, "run", "-c", conf], env=ENVIRONMENT,
            stdout=self.log, stderr=self.log)
        self.wait(lambda: self.dig("ns1.example.com") == "192.0.2.53", "its first answer")
        self.answered = time.monotonic()
        self.wait(lambda: "listening on" in (BUILD / "bare.log").read_text(), "readiness")

    def wait(self, condition, what):
        end = time.monotonic() + 60
        while not condition():
            if time.monotonic() > end:
                sys.exit(f"{what} did not come:\n{(BUILD / 'bare.log').read_text()}")
            time.sleep(0.02)

    @staticmethod
    def dig(*words):
        text = subprocess.run(
            ["chroot", BARE, "dig", "+short", "+tries=1", "+time=1", "@127.0.0.1", "-p",
             str(DNS), *words], env=ENVIRONMENT, text=True, capture_output=True).stdout
        return "".join(line for line in text.splitlines() if not line.startswith(";"))

    def ctl(self, *words):
        return inside(self.program, "ctl", "-c", self.conf, *words)

    def version(self):
        return re.search(r"(?m)^version +(\S+)", self.ctl("status"))[1]

    def stop(self):
        self.ctl("stop")
        # One that took over is not this one's child.
        self.wait(lambda: self.process.poll() is not None and not running(), "the end")


def one_file():
    archive = BUILD / f"dnsd-{VERSION}-{ARCH}.tar.xz"
    if not archive.exists():
        print("no archive with the one-file program: make static")
        return
    run("tar", "xf", archive, "-C", BARE / "root")
    program = f"/root/dnsd-{VERSION}-{ARCH}/usr/local/sbin/dnsd"
    (BARE / "root/mine.yaml").write_text(
        MINE.replace("user: dnsd\n", "control: /root/control\nstore: /root/store\n"))
    expect("the one-file program has its version", inside(program, "--version").strip(),
           f"dnsd {VERSION}")
    server = Server(program, "/root/mine.yaml")
    expect("it answers", server.dig("live.example.com", "+subnet=198.51.100.0/24") in
           ("192.0.2.1", "192.0.2.2"))
    server.ctl("replace")
    expect("another of it takes over", server.dig("ns1.example.com"), "192.0.2.53")
    server.stop()
    for path in (BARE / "root").glob("*"):
        if path.name != "build":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def first_time():
    clean = files()
    began = time.monotonic()
    apt("install", package("dnsd"))
    expect("the user is there", inside("id", "-nu", "dnsd").strip(), "dnsd")
    expect("its shell is none", inside("getent", "passwd", "dnsd").strip().split(":")[6],
           "/usr/sbin/nologin")
    expect("the sample is the server's to read", owner(CONF), "root:dnsd 640")
    expect("the zone is as others", owner("/etc/dnsd/example.com.zone"), "root:root 644")
    expect("nothing runs", running(), [])
    expect("its version", inside("dnsd", "--version").strip(), f"dnsd {VERSION}")
    expect("the sample is right", "ok" in inside("dnsd", "check"))
    expect("the manual is there", (BARE / "usr/share/man/man8/dnsd.8.gz").exists())
    pathlib.Path(f"{BARE}{CONF}").write_text(MINE)
    server = Server()
    print(f"   {server.answered - began:.1f} s from apt install to the first dig")
    expect("it runs as the user", [str(os.stat(f"/proc/{pid}").st_uid) for pid in running()],
           [inside("id", "-u", "dnsd").strip()])
    expect("its store is the user's", owner("/var/lib/dnsd"), "dnsd:dnsd 750")
    server.stop()
    apt("autoremove", "--purge", "dnsd")
    expect("purge leaves nothing, nor does what it needed", sorted(files() ^ clean), [])


def upgrade():
    clean = files()
    apt("install", package("dnsd", BEFORE))
    pathlib.Path(f"{BARE}{CONF}").write_text(MINE)
    server = Server()
    expect("the version before runs", server.version(), BEFORE)
    server.ctl("drain", "a")
    apt("install", package("dnsd"))
    expect("the operator's file stays", pathlib.Path(f"{BARE}{CONF}").read_text(), MINE)
    expect("as it was owned", owner(CONF), "root:dnsd 640")
    expect("the new sample lies beside it", pathlib.Path(
        f"{BARE}{CONF}.dpkg-dist").exists())
    expect("what runs goes on", server.version(), BEFORE)
    # What the unit's reload does, which an upgrade asks systemd for.
    server.ctl("replace", "--if-new")
    expect("the new program took over", server.version(), VERSION)
    expect("and answers", server.dig("ns1.example.com"), "192.0.2.53")
    drained = "192.0.2.2"
    near_a = ("live.example.com", "+subnet=198.51.100.0/24")
    expect("what was drained is", server.dig(*near_a), drained)
    server.stop()
    server = Server()
    expect("and by the store after a restart", server.dig(*near_a), drained)
    server.stop()
    return clean


def leave(clean):
    apt("remove", "dnsd")
    expect("the program is gone", (BARE / "usr/sbin/dnsd").exists(), False)
    expect("remove keeps the configuration",
           pathlib.Path(f"{BARE}{CONF}").read_text(), MINE)
    expect("and the store", any((BARE / "var/lib/dnsd").iterdir()))
    apt("purge", "dnsd")
    apt("autoremove", "--purge")
    expect("purge leaves no file", sorted(files() ^ clean), [])


def measure():
    clean = files()
    apt("install", package("dnsd-measure"))
    expect("dnsd-measure looks", inside("dnsd-measure", "--print").strip()[:1], "{")
    apt("purge", "dnsd-measure")
    expect("and leaves no file", sorted(files() ^ clean), [])


def main():
    before()
    bare()
    try:
        one_file()
        first_time()
        leave(upgrade())
        measure()
    finally:
        for pid in running():
            os.kill(pid, signal.SIGKILL)
    run("umount", "-R", "-l", BARE / "dev")
    run("umount", BARE / "proc")
    shutil.rmtree(BARE)
    shutil.rmtree(BUILD / "before")
    print("deb-test: passed")


main()
