"""Ports for tests and stand-ins."""

import fcntl
import os
import random
import socket
import tempfile

FIRST = 10081       # browsers refuse 10080 (Fetch standard, "bad port"), and none above

_given = set()
_locks = None       # a file whose octet N is locked by the process that has port N


def _lock(port):
    """Takes the port from all other processes of this user while this one lives."""
    global _locks
    if _locks is None:
        path = os.path.join(tempfile.gettempdir(), f"dnsd-ports-{os.getuid()}")
        _locks = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
                         | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(_locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
        return True
    except OSError:
        return False


def free_port():
    """A port that is free on every address, for UDP and TCP, and was not given
    before, nor to another process that lives. Not one that the kernel hands out: a
    connection of another test may take that in between."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        above = int(f.read().split()[0])
    while True:
        port = random.randrange(FIRST, max(above, 20000))
        if port in _given or not _lock(port):
            continue
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u, \
                socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t:
            try:
                u.bind(("0.0.0.0", port))
                t.bind(("0.0.0.0", port))
                _given.add(port)
                return port
            except OSError:
                continue
