"""The way of one name server to others, over TCP on loopback, which can be cut."""

import asyncio
import select
import socket
import struct

from background import background
from ports import free_port

PIECE = 65536
PIECES = 32         # that wait in one direction of a connection


def _abort(sock):
    """Closes it with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _has_hung_up(sock):
    """Whether its peer has closed it, also while something is to be read."""
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
    return bool(poll.poll(0))


class Link:
    """Ways to some addresses that work, are delayed and fail together; all methods
    may be called from any thread.

        link = Link(delay_s=0.15)
        url = "http://" + link.to("127.0.0.1", 2379)    # for the configuration
        link.freeze()                                   # the cable is out
        link.mend()

    delay_s is that of each direction, and may be changed. connections is how many
    there are, with those that got no answer yet.
    """

    def __init__(self, delay_s=0.0):
        self.delay_s = delay_s
        self._flows = asyncio.Event()
        self._flows.set()
        self._doors = {}            # (address, port) here -> what is there
        self._listeners = {}        # the same -> task
        self._connections = set()   # tasks

    # -- what tests do with it --------------------------------------------

    def to(self, host, port, at="127.0.0.1", at_port=0):
        """A way more: "ADDRESS:PORT" here."""
        door = (at, at_port or free_port())
        self._doors[door] = (host, port)
        background().call(self._open([door]))
        return f"{door[0]}:{door[1]}"

    def freeze(self):
        """As if packets were lost: connections stay and are silent, new ones are
        accepted and get no answer."""
        background().call(self._stop())

    def cut(self):
        """Connections are reset, new ones are accepted and get no answer."""
        background().call(self._stop(self._connections))

    def refuse(self):
        """Connections are reset, new ones refused."""
        self.close()

    def mend(self):
        """What was held back arrives, as TCP would send it again; connections whose
        client has gone meanwhile are not made."""
        background().call(self._open(self._doors))

    def close(self):
        background().call(self._stop(self._connections,
                                     self._listeners.values()))
        self._listeners.clear()

    @property
    def connections(self):
        return len(self._connections)

    # -- on the background's thread ---------------------------------------

    async def _open(self, doors):
        for door in doors:
            if door not in self._listeners:
                listener = socket.create_server(door, backlog=1024)
                listener.setblocking(False)
                self._listeners[door] = asyncio.ensure_future(
                    self._accept(listener, self._doors[door]))
        self._flows.set()

    async def _stop(self, *tasks):
        """Lets nothing through; of these tasks nothing is left."""
        self._flows.clear()
        tasks = [task for some in tasks for task in some]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _accept(self, listener, there):
        with listener:
            while True:
                near, _ = await asyncio.get_running_loop().sock_accept(listener)
                task = asyncio.ensure_future(self._forward(near, there))
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)

    async def _forward(self, near, there):
        far = socket.socket()
        far.setblocking(False)
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = _abort
        try:
            # The kernel has accepted already: the round trip of that comes here.
            await asyncio.sleep(2 * self.delay_s)
            await self._flows.wait()
            if not _has_hung_up(near):
                await asyncio.get_running_loop().sock_connect(far, there)
                await self._both(near, far)
                ends = socket.socket.close
        except OSError:
            pass
        finally:
            ends(near)
            ends(far)

    async def _both(self, near, far):
        """Until both directions have ended, or one has failed."""
        tasks = []
        for source, sink in ((near, far), (far, near)):
            queue = asyncio.Queue(PIECES)
            tasks += [asyncio.ensure_future(self._read(source, queue)),
                      asyncio.ensure_future(self._write(sink, queue))]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def _read(self, source, queue):
        loop = asyncio.get_running_loop()
        data = True
        while data:
            data = await loop.sock_recv(source, PIECE)
            await queue.put((loop.time() + self.delay_s, data))

    async def _write(self, sink, queue):
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            await self._flows.wait()
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            await loop.sock_sendall(sink, data)
