#!/usr/bin/python3
"""Places with networks of their own, and roads between them that take time and lose
packets.

As a library, in a process whose network namespace is its own and which has one thread:

    roads = Roads({"ns": ["203.0.113.1"], "near": ["198.51.100.1"]})
    roads.popen("near", ["dnsd", "measure", ...])
    roads.set("near", "ns", delay_ms=30)        # one way
    roads.close()

The first place is the process's own namespace. Namespaces have no names: they end with
what runs in them. As a program (`road.py FD=ADDRESS,... ...`) it is what carries packets
between the places' TUN devices; commands come on stdin, and it ends with them. `road.py probe`: whether there can be places at all.
"""

import collections
import ctypes
import fcntl
import heapq
import os
import random
import select
import socket
import struct
import subprocess
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
DEVICE = "road"
PACKET_MAX = 2048       # octets; a device's MTU is 1500
QUEUE_MAX = 10000       # packets that wait for a carrier that is late
AT_ONCE = 64            # packets of one device, before the others
SEED = 14

# Begins a program in namespaces of its own. What it starts ends with it.
OWN = ["unshare", *([] if os.geteuid() == 0 else ["--user", "--map-root-user"]),
       "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


# -- places --

def open_device():
    """A TUN device in this thread's namespace."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack(
        "16sH22x", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def set_up_device(addresses):
    def ip(*words):
        subprocess.run(["ip", *words], check=True)
    ip("link", "set", "lo", "up")
    ip("link", "set", DEVICE, "up", "txqueuelen", str(QUEUE_MAX))
    for address in addresses:
        ip("address", "add", address + "/32", "dev", DEVICE)
    ip("route", "add", "default", "dev", DEVICE, "src", addresses[0])


class Roads:
    """places: {name: [IPv4 address, ...]}."""

    def __init__(self, places):
        self.namespaces, devices = {}, {}
        for name, addresses in places.items():
            if self.namespaces:
                check(libc.unshare(CLONE_NEWNET))
            self.namespaces[name] = os.open("/proc/thread-self/ns/net",
                                            os.O_RDONLY | os.O_CLOEXEC)
            devices[name] = open_device()
            set_up_device(addresses)
        self.own = next(iter(places))
        check(libc.setns(self.namespaces[self.own], CLONE_NEWNET))
        self.number = {name: str(fd) for name, fd in devices.items()}
        self.carrier = subprocess.Popen(
            [sys.executable, __file__,
             *(f"{fd}={','.join(places[name])}" for name, fd in devices.items())],
            stdin=subprocess.PIPE, text=True, pass_fds=devices.values())
        for fd in devices.values():
            os.close(fd)

    def set(self, a, b, delay_ms=0, loss=0.0):
        """From a to b, for packets that come from now on."""
        print(self.number[a], self.number[b], delay_ms / 1000, loss,
              file=self.carrier.stdin, flush=True)

    def popen(self, place, words, root="/", **options):
        """A program that runs there, with this folder as its root."""
        def go():
            check(libc.setns(self.namespaces[place], CLONE_NEWNET))
            os.chroot(root)
        return subprocess.Popen(words, preexec_fn=go, **options)

    def close(self):
        self.carrier.stdin.close()
        self.carrier.wait()
        for fd in self.namespaces.values():
            os.close(fd)


# -- the carrier --

class Carrier:
    """Packets stay in their order on each road: the delay of one that gets shorter
    does not let later ones overtake."""

    def __init__(self, places):
        """places: {descriptor: [address]}"""
        self.place_of = {socket.inet_aton(a): fd for fd, addresses in
                         places.items() for a in addresses}
        self.delay_s = collections.defaultdict(float)
        self.loss = collections.defaultdict(float)
        self.last = collections.defaultdict(float)
        self.under_way, self.n = [], 0
        self.random = random.Random(SEED)
        self.poll = select.epoll()
        for fd in (*places, 0):
            self.poll.register(fd, select.EPOLLIN)

    def command(self):
        """False: there are no more."""
        text = os.read(0, 65536)
        for line in text.decode().splitlines():
            a, b, delay_s, loss = line.split()
            self.delay_s[int(a), int(b)] = float(delay_s)
            self.loss[int(a), int(b)] = float(loss)
        return bool(text)

    def take(self, a):
        for _ in range(AT_ONCE):
            try:
                packet = os.read(a, PACKET_MAX)
            except BlockingIOError:
                return
            b = self.place_of.get(packet[16:20]) if packet[0] >> 4 == 4 else None
            if b is None or self.random.random() < self.loss[a, b]:
                continue
            due = max(time.monotonic() + self.delay_s[a, b], self.last[a, b])
            self.last[a, b] = due
            self.n += 1
            heapq.heappush(self.under_way, (due, self.n, b, packet))

    def bring(self):
        """What is due; how long until the next, None: nothing is under way."""
        while self.under_way:
            wait_s = self.under_way[0][0] - time.monotonic()
            if wait_s > 0:
                return wait_s
            _, _, b, packet = heapq.heappop(self.under_way)
            os.write(b, packet)
        return None

    def run(self):
        wait_s = None
        while True:
            for fd, _ in self.poll.poll(wait_s):
                if fd:
                    self.take(fd)
                elif not self.command():
                    return
            wait_s = self.bring()


def hurry():
    """A carrier that waits for a core is a longer road."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        pass


def main():
    if sys.argv[1] == "probe":
        Roads({"a": ["198.51.100.1"], "b": ["198.51.100.2"]}).close()
        return
    hurry()
    Carrier({int(fd): addresses.split(",") for fd, _, addresses in
             (word.partition("=") for word in sys.argv[1:])}).run()


if __name__ == "__main__":
    main()
