"""The way of one name server to others, over TCP on loopback, which can be cut."""

import asyncio
import functools
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


class _Door:
    """Where a way begins: accepts connections, or is shut: the kernel then drops what
    asks for one, as on a way that loses all packets."""

    BACKLOG = 1024

    def __init__(self, here, accepted):
        self._listener = socket.create_server(here, backlog=self.BACKLOG)
        self._listener.setblocking(False)
        self._here, self._accepted = here, accepted
        self._fillers = []
        self._task = asyncio.ensure_future(self._accept())

    async def _accept(self):
        loop = asyncio.get_running_loop()
        while True:
            self._accepted((await loop.sock_accept(self._listener))[0])

    async def shut(self):
        """Its queue is full, of connections with itself."""
        if self._fillers:
            return
        await self._stop_accepting()
        self._listener.listen(1)
        poll, connected = select.poll(), True
        while connected:
            filler = socket.socket()
            self._fillers.append(filler)
            filler.setblocking(False)
            filler.connect_ex(self._here)
            poll.register(filler, select.POLLOUT)
            connected = poll.poll(0)
            poll.unregister(filler)

    def open(self):
        if self._fillers:
            for filler in self._fillers:
                filler.close()
            self._fillers.clear()
            self._listener.listen(self.BACKLOG)
            self._task = asyncio.ensure_future(self._accept())

    async def close(self):
        await self._stop_accepting()
        for sock in (self._listener, *self._fillers):
            sock.close()

    async def _stop_accepting(self):
        self._task.cancel()
        await asyncio.wait([self._task])


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
        self._ways = {}             # (address, port) here -> what is there
        self._doors = {}            # the same -> _Door
        self._connections = set()   # tasks

    # -- what tests do with it --------------------------------------------

    def to(self, host, port, at="127.0.0.1", at_port=0):
        """A way more, of a link that works: "ADDRESS:PORT" here."""
        here = (at, at_port or free_port())
        self._ways[here] = (host, port)
        background().call(self._open())
        return f"{here[0]}:{here[1]}"

    def freeze(self):
        """As if packets were lost: connections stay and are silent, nobody gets a new
        one."""
        background().call(self._shut())

    def cut(self):
        """Connections are reset, nobody gets a new one nor an answer to that."""
        background().call(self._shut(self._connections))

    def refuse(self):
        """Connections are reset, new ones refused."""
        self.close()

    def mend(self):
        """What was held back arrives, as TCP would send it again."""
        background().call(self._open())

    def close(self):
        background().call(self._close())

    @property
    def connections(self):
        return len(self._connections)

    # -- on the background's thread ---------------------------------------

    async def _open(self):
        for here, there in self._ways.items():
            if here in self._doors:
                self._doors[here].open()
            else:
                self._doors[here] = _Door(
                    here, functools.partial(self._accepted, there))
        self._flows.set()

    async def _shut(self, reset=()):
        self._flows.clear()
        for door in self._doors.values():
            await door.shut()
        await self._end(reset)

    async def _close(self):
        self._flows.clear()
        for door in self._doors.values():
            await door.close()
        self._doors.clear()
        await self._end(self._connections)

    @staticmethod
    async def _end(connections):
        for task in list(connections):
            task.cancel()
        if connections:
            await asyncio.wait(list(connections))

    def _accepted(self, there, near):
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
