"""A primary for tests: answers SOA and AXFR over TCP from what a test gives it, right or
wrong in a way of its own.

    primary = Primary(ZONE % 1)         # a master file; .close()
    primary.zone = ZONE % 2             # from now on
    primary.spoil = lambda query, messages: messages[:-1]
"""

import contextlib
import socket
import struct
import threading

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.zone

SPLIT = 20      # RRsets of a message


class Primary:
    def __init__(self, text, origin="example.com", key=None, sign_each=1):
        """key: a dns.tsig.Key that questions must be signed by. sign_each: so many
        messages of a transfer have one signature."""
        self.text, self.origin, self.key = text, origin, key
        self.sign_each = sign_each
        self.more = []          # RRsets that a zone file could not have
        self.spoil = None       # (query, wire messages) -> wire messages
        self.asked = []         # rdtypes, in order
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    @property
    def zone(self):
        return dns.zone.from_text(self.text, self.origin, relativize=False,
                                  check_origin=False)

    def rrsets(self):
        """Those of the zone, the SOA first and last."""
        sets = [dns.rrset.from_rdata_list(name, r.ttl, list(r))
                for name, r in self.zone.iterate_rdatasets()]
        soa = [s for s in sets if s.rdtype == dns.rdatatype.SOA]
        return soa + [s for s in sets if s not in soa] + self.more + soa

    # -- answers -----------------------------------------------------------

    def _replies(self, query):
        """Messages, not in wire form."""
        rdtype = query.question[0].rdtype
        sets = self.rrsets()
        if rdtype == dns.rdatatype.SOA:
            sets = sets[:1]
        replies = []
        for i in range(0, len(sets), SPLIT):
            reply = dns.message.make_response(query)
            reply.flags |= dns.flags.AA
            if i:
                reply.question = []
            reply.answer = sets[i:i + SPLIT]
            replies.append(reply)
        return replies

    def _wires(self, query):
        context, wires, replies = None, [], self._replies(query)
        for i, reply in enumerate(replies):
            last = i == len(replies) - 1
            if not self.key or i == 0 or last or i % self.sign_each == 0:
                wires.append(reply.to_wire(multi=True, tsig_ctx=context))
                context = reply.tsig_ctx
            else:
                reply.tsig = None
                wire = reply.to_wire()
                context.update(wire)
                wires.append(wire)
        return wires

    # -- connections -------------------------------------------------------

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return      # closed
            self.connections.add(connection)
            threading.Thread(target=self._serve, args=(connection,),
                             daemon=True).start()

    def _serve(self, connection):
        with contextlib.suppress(OSError, EOFError, dns.exception.DNSException), \
                connection:
            while True:
                n, = struct.unpack("!H", self._read(connection, 2))
                keyring = {self.key.name: self.key} if self.key else None
                query = dns.message.from_wire(self._read(connection, n),
                                              keyring=keyring)
                self.asked.append(dns.rdatatype.to_text(query.question[0].rdtype))
                wires = self._wires(query)
                if self.spoil:
                    wires = self.spoil(query, wires)
                for wire in wires:
                    connection.sendall(struct.pack("!H", len(wire)) + wire)
        self.connections.discard(connection)

    @staticmethod
    def _read(connection, n):
        got = b""
        while len(got) < n:
            more = connection.recv(n - len(got))
            if not more:
                raise EOFError
            got += more
        return got
