"""Two network namespaces and a pair of Ethernet interfaces (veth) between them: a server's
and a client's. Needs root. Namespaces have no names: they end with what is in them.

    wire = Wire()
    wire.ip("server", "addr add ...")
    with wire.inside("client"):
        ...                     # this thread's sockets are of the client's network
    wire.close()
"""

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
import threading

CLONE_NEWNET = 0x40000000
SIOCETHTOOL = 0x8946
GET_FLAGS, SET_FLAGS, SET_SEND_CHECKSUMS = 0x25, 0x26, 0x17
SEND_TAGS, RECEIVE_TAGS = 1 << 7, 1 << 8    # ETH_FLAG_TXVLAN, _RXVLAN
AF_XDP = 44
THIS = "/proc/thread-self/ns/net"
SERVER, CLIENT = "xs0", "xc0"               # the interfaces

libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def refused():
    """Why there can be no test of AF_XDP here; None: there can."""
    if os.geteuid():
        return "AF_XDP takes root"
    try:
        socket.socket(AF_XDP, socket.SOCK_RAW).close()
    except OSError as error:
        return f"the kernel refuses AF_XDP: {error}"
    return None


def _new_namespace():
    """A descriptor of a new one, which no thread is in."""
    made = []

    def make():
        check(libc.unshare(CLONE_NEWNET))
        made.append(os.open(THIS, os.O_RDONLY | os.O_CLOEXEC))
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


class Wire:
    def __init__(self, queues=1):
        self.of = {"server": _new_namespace(), "client": _new_namespace()}
        client = f"/proc/{os.getpid()}/fd/{self.of['client']}"
        many = f"numtxqueues {queues} numrxqueues {queues}"
        self.ip("server", f"link add {SERVER} {many} type veth "
                f"peer name {CLIENT} {many} netns {client}")
        for place, name in (("server", SERVER), ("client", CLIENT)):
            self.ip(place, "link set lo up")
            self.ip(place, f"link set {name} addrgenmode none")
            self.ip(place, f"link set {name} up")

    def enter(self, place):
        check(libc.setns(self.of[place], CLONE_NEWNET))

    @contextlib.contextmanager
    def inside(self, place):
        before = os.open(THIS, os.O_RDONLY | os.O_CLOEXEC)
        self.enter(place)
        try:
            yield
        finally:
            check(libc.setns(before, CLONE_NEWNET))
            os.close(before)

    def ip(self, place, words):
        done = subprocess.run(["ip", *words.split()], text=True, capture_output=True,
                              preexec_fn=lambda: self.enter(place))
        if done.returncode:
            raise AssertionError(f"ip {words}: {done.stderr}")
        return done.stdout

    def mac(self, place):
        name = SERVER if place == "server" else CLIENT
        words = self.ip(place, f"-o link show {name}").split()
        return bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))

    def _driver(self, place, command, value=0):
        """Asks the driver of the place's interface (ethtool)."""
        name = SERVER if place == "server" else CLIENT
        room = bytearray(struct.pack("II", command, value))
        at = (ctypes.c_char * 8).from_buffer(room)
        with self.inside(place), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            fcntl.ioctl(s, SIOCETHTOOL, struct.pack(
                "16sQ16x", name.encode(), ctypes.addressof(at)))
        del at
        return struct.unpack("II", room)[1]

    def write_checksums(self):
        """The kernel writes checksums, as for a card that can't."""
        for place in self.of:
            self._driver(place, SET_SEND_CHECKSUMS, 0)

    def tags_in_frames(self):
        """VLAN tags are in frames, not beside them."""
        for place in self.of:
            flags = self._driver(place, GET_FLAGS)
            self._driver(place, SET_FLAGS, flags & ~(SEND_TAGS | RECEIVE_TAGS))

    def close(self):
        for fd in self.of.values():
            os.close(fd)
