"""Ports for tests and stand-ins."""

import random
import socket


_given = set()


def free_port():
    """A port that is free on every address, for UDP and TCP, and was not given
    before. Not one that the kernel hands out: a connection of another test may
    take that in between."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        above = int(f.read().split()[0])
    while True:
        port = random.randrange(10000, max(above, 20000))
        if port in _given:
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
