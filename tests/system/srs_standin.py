#!/usr/bin/python3
"""A stand-in for SRS: its HTTP API, its RTMP and HTTP-FLV ports, its heartbeat,
and every way a real one has been seen to misbehave.

As a library, for tests (all methods may be called from any thread):

    fleet = Fleet(3, scale=0.1)          # grids ten times as fast
    fleet[0].set_load(conns=120, mbps=300, cpu=0.4)
    fleet[0].die(); fleet[0].revive()
    fleet.close()

As a program, for demonstrations: srs_standin.py --nodes 6 --base-port 19850
--demo; --help says the rest.

What is imitated, and how it was measured on a real SRS 6.0.157:
  - statistics on grids: CPU 1 s, connections and bytes 3 s, host 9 s, kbps 30 s
  - "Connection: Close" on a connection that stays open for 15 s
  - 302 where the last slash is missing, 200 with the index on unknown paths
  - 401 with a chunked body where auth is on
  - the Bearer token of SRS 8 (from its own tests): for the API, of heartbeats
  - the timer that samples also posts heartbeats: a receiver that hangs freezes
    the statistics, while ok stays true
"""

import argparse
import asyncio
import base64
import collections
import json
import math
import os
import random
import socket
import struct
import sys
import threading
import time
from urllib.parse import parse_qs, urlsplit

import media
from background import background
from ports import free_port

KEEP_OPEN_S = 15    # an idle API connection, whatever its headers say
HEARTBEAT_S = 30    # how long SRS waits for who gets its heartbeat
DRAIN_S = 2.5       # from SIGQUIT until the listeners are gone
RTMP_HELLO = 1537   # C0 and C1
CORS = "Access-Control-Allow-Origin: *\r\n"     # http_server{crossdomain on}
LISTENERS = ("api", "rtmp", "flv")
FLV_STEP_S = 0.05   # between a player's pieces
MEDIA_FROM = time.monotonic() - 60      # all stand-ins show the same picture

SUMMARY = (
    '{{"ok":{ok},"now_ms":{now_ms},"self":{{"version":"{version}","pid":{pid},'
    '"ppid":1,"argv":"/usr/local/srs/objs/srs -c {name}.conf","cwd":"/srs",'
    '"mem_kbyte":{mem},"mem_percent":0.00,"cpu_percent":{cpu:.2f},'
    '"srs_uptime":{uptime}}},"system":{{"cpu_percent":{cpu_all:.2f},'
    '"disk_read_KBps":0,"disk_write_KBps":94,"disk_busy_percent":0.00,'
    '"mem_ram_kbyte":24684084,"mem_ram_percent":0.02,"mem_swap_kbyte":0,'
    '"mem_swap_percent":0.00,"cpus":2,"cpus_online":2,"uptime":936.83,'
    '"ilde_time":1654.44,"load_1m":0.19,"load_5m":0.39,"load_15m":0.23,'
    '"net_sample_time":{net_stamp},"net_recv_bytes":0,"net_send_bytes":0,'
    '"net_recvi_bytes":158696465,"net_sendi_bytes":{net_sent},'
    '"srs_sample_time":{stamp},"srs_recv_bytes":{received},'
    '"srs_send_bytes":{sent},"conn_sys":417,"conn_sys_et":40,'
    '"conn_sys_tw":346,"conn_sys_udp":0,"conn_srs":{conns}}}}}')


def _quiet(coroutine_function):
    """What ends a connection is no news: peers come and go. A fault of the stand-in
    is: asyncio prints it."""
    async def wrapped(self, reader, writer):
        self._writers.add(writer)
        try:
            await coroutine_function(self, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError,
                asyncio.LimitOverrunError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
    return wrapped


class SrtListener(asyncio.DatagramProtocol):
    """SRT's induction as SRS 6 answers it; or "silent", or "garbage"."""

    def __init__(self, node):
        self.node, self.transport = node, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        node = self.node
        node.seen["srt"] += 1
        words = struct.unpack("!16I", data) if len(data) == 64 else ()
        if node.srt_manner == "silent" or not node._awake.is_set():
            return
        if node.srt_manner == "garbage":
            self.transport.sendto(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 4, addr)
        elif (words and words[0] == 0x80000000 and
              (words[4], words[5], words[9]) == (4, 2, 1)):
            self.transport.sendto(struct.pack(
                "!16I", 0x80000000, 0, 1728270, words[10], 5, 0x4A17, words[6],
                1500, 8192, 1, words[10], 0x9F220500, *words[12:]), addr)


class StandIn:
    """One SRS. Ports of 0 are chosen when it starts, and kept.

    seen counts what came in ("api", "rtmp", "flv" connections, "polls" of
    summaries, "clients": pages of them, "segments" of HLS, "flv_probes": streams that dnsd asked for);
    last_request has the headers of the last API request; players is how many
    viewers have HTTP-FLV now.
    """

    def __init__(self, name="srs", host="127.0.0.1", api=0, rtmp=0, flv=0,
                 version="6.0.157", scale=1.0, auth=None, heartbeat=None,
                 heartbeat_s=10, device_id=None, tls=None, token=None,
                 heartbeat_token=None, srt=None, whep=True):
        self.name, self.host, self.version = name, host, version
        self.ports = {"api": api, "rtmp": rtmp, "flv": flv, "srt": srt}
        self.srt_manner, self._srt = None, None
        self.whep = whep        # WHEP is served, at the API's port
        self.scale, self.auth = scale, auth      # auth: "user:password"
        self.token = token                       # of SRS 8: Bearer, for the API
        self.heartbeat_token = heartbeat_token   # shown by its heartbeats
        self.tls = tls                           # ssl.SSLContext for the API
        self.heartbeat, self.heartbeat_s = heartbeat, heartbeat_s
        self.device_id = device_id or name
        self.seen = {key: 0 for key in LISTENERS + (
            "polls", "clients", "heartbeats", "segments", "flv_probes", "srt",
            "whep")}
        self.open_api, self.open_api_max = 0, 0
        self.last_request = {}
        # the truth, which the statistics follow on their grids
        self.conns, self.mbps, self.cpu = 0, 0.0, 0.01
        self.streams = []
        self.viewers = None     # what set_viewers() was given
        self.closed = []        # ids of clients that the API was told to close
        self.viewers_may_be_closed = True
        self.on_closed = None   # called with the stand-in for each
        self.pulls = []     # of an edge: the stand-ins whose streams it gets
        self.players = 0
        # how it misbehaves
        self._garbage = None
        self._clients_garbage = None
        self._slow_s = 0.0
        self._frozen = False
        self._stats_off = False
        self._flv_broken = False
        self._clock_ms = 0
        self._deaths = 0
        self._full = {}              # listener -> had its first excess client
        self._servers, self._writers = {}, set()
        self._new_process()

    def _new_process(self):
        self.service = "".join(random.choices(
            "abcdefghijklmnopqrstuvwxyz0123456789", k=8))
        self.pid = random.randint(1000, 4000000)
        self.started = time.monotonic()
        self._sent = self._received = 0.0
        self._counted_at = time.monotonic()
        self._stats = {"stamp": self.now_ms(), "net_stamp": self.now_ms(),
                       "conns": 0, "sent": 0, "received": 0, "cpu": 0.01,
                       "kbps": 0}
        self._kbps_sent = 0.0

    # -- what tests do with it; each from any thread ----------------------

    def start(self):
        background().call(self._start())
        return self

    def close(self):
        background().call(self._close())

    def set_load(self, conns=None, mbps=None, cpu=None):
        """The truth from now on; the API tells it on its grids."""
        def change():
            self._count()
            self.conns = self.conns if conns is None else conns
            self.mbps = self.mbps if mbps is None else mbps
            self.cpu = self.cpu if cpu is None else cpu
        self._run(change)

    def sample_now(self):
        """Makes the 3 s statistics now, for tests in a hurry."""
        self._run(lambda: self._sample(9))

    def set_streams(self, *names, clients=1):
        """Streams as "app/stream"."""
        self.streams = [(n, clients) for n in names]

    def set_viewers(self, viewers, publisher_kbps=0):
        """Who plays /live/class: (address, kbit/s of the last 30 s). With
        publisher_kbps it is published here."""
        clients = [(ip, "rtmp-play", 0, kbps) for ip, kbps in viewers]
        if publisher_kbps:
            clients.append(("192.0.2.9", "fmle-publish", publisher_kbps, 4))
        self.viewers = clients

    def clients_garbage(self, body):
        """What the API says instead of its clients; None: as it should."""
        self._clients_garbage = body

    def die(self):
        """SIGKILL: connections end, ports refuse."""
        background().call(self._die())

    def revive(self):
        """Starts again after die, drain or fill: another process."""
        background().call(self._revive())

    def restart(self, down_s=0.0, conns=0):
        """Another service and pid, counters from 0, its players gone."""
        self.die()
        time.sleep(down_s)
        self.conns = conns
        self.revive()

    def hang(self):
        """SIGSTOP: the kernel accepts, nobody answers, statistics stop."""
        self._run(self._awake.clear)

    def resume(self):
        """SIGCONT. The statistics are as old as the hang was long."""
        self._run(self._awake.set)

    def break_flv(self, broken=True):
        """Every HTTP-FLV player gets 404, as at the edges of SRS 7.0.128."""
        self._flv_broken = broken

    def freeze(self, frozen=True):
        """Answers go on with ok true, their samples stay as they are."""
        self._frozen = frozen

    def fill(self):
        """max_connections was passed: each port resets its next client and
        is silent for ever after, while heartbeats tell of 0 connections."""
        def change():
            self._count()
            self._full = {key: False for key in LISTENERS}
            self.conns, self.mbps = 0, 0.0
            self._sample(9)
        self._run(change)

    def drain(self):
        """SIGQUIT: ports close soon, players and heartbeats go on."""
        async def later():
            await asyncio.sleep(DRAIN_S * self.scale)
            await self._stop_listening(self._servers.keys())
        asyncio.run_coroutine_threadsafe(later(), background().loop)

    def close_port(self, *listeners):
        """Only these listeners ("api", "rtmp", "flv") refuse."""
        background().call(self._stop_listening(listeners))

    def open_port(self, *listeners):
        background().call(self._listen(listeners))

    def garbage(self, kind):
        """None: as it should; "json", "html", "empty", "types", "negative",
        "missing", "code", "500", "huge", "truncated": what the API says
        instead of its summaries."""
        self._garbage = kind

    def slow(self, seconds):
        """Every answer comes so much later; 0: as it should."""
        self._slow_s = seconds

    def jump_clock(self, seconds):
        """The node's own clock jumps; statistics are stamped by it."""
        self._clock_ms += int(seconds * 1000)

    def count_back(self):
        """Byte counters fall without a restart."""
        def change():
            self._sent /= 2
            self._received /= 2
        self._run(change)

    def stats(self, on):
        """stats{enabled off}: no samples, ok is false, its stamp is 0."""
        self._stats_off = not on

    # -- time and statistics ----------------------------------------------

    def _run(self, function):
        """On the loop's thread, at once."""
        async def call():
            return function()
        return background().call(call())

    def now_ms(self):
        return int(time.time() * 1000) + self._clock_ms

    def _count(self):
        """Brings the counters up to now."""
        now = time.monotonic()
        sent = self.mbps * 1e6 / 8 * (now - self._counted_at)
        self._counted_at = now
        self._sent += sent
        self._received += sent / max(1, self.conns)

    def _sample(self, second):
        """What the timer does in its n-th second."""
        self._count()
        if self._frozen or self._stats_off:
            return
        self._stats["cpu"] = self.cpu
        if second % 3 == 0:
            conns = self.conns
            if self.version.startswith("4."):   # counts our own poll too
                conns += self.open_api
            self._stats.update(stamp=self.now_ms(), conns=int(conns),
                               sent=int(self._sent),
                               received=int(self._received))
        if second % 9 == 0:
            self._stats["net_stamp"] = self.now_ms()
        if second % 30 == 0:
            self._stats["kbps"] = int(
                (self._sent - self._kbps_sent) * 8 / 1000 / 30 / self.scale)
            self._kbps_sent = self._sent

    async def _timer(self):
        """Samples and heartbeats, one after the other as in SRS. Its phase is
        the process's own, as with real nodes."""
        second = 0
        await asyncio.sleep(random.random() * self.scale)
        while True:
            await self._awake.wait()
            second += 1
            self._sample(second)
            if self.heartbeat and second % max(1, self.heartbeat_s) == 0:
                await self._beat()
            await asyncio.sleep(self.scale)

    # -- life -------------------------------------------------------------

    async def _start(self):
        self._awake = asyncio.Event()
        self._awake.set()
        await self._listen(LISTENERS)
        await self._open_srt()
        self._timer_task = asyncio.ensure_future(self._timer())

    async def _listen(self, listeners):
        handlers = {"api": self._serve_api, "rtmp": self._serve_rtmp,
                    "flv": self._serve_flv}
        for key in listeners:
            if key in self._servers or self.ports[key] is None:
                continue
            port = self.ports[key] or free_port()
            server = await asyncio.start_server(
                self._door(key, handlers[key]), self.host, port,
                backlog=1024, ssl=self.tls if key == "api" else None)
            self.ports[key] = port
            self._servers[key] = server

    async def _open_srt(self):
        if self.ports["srt"] is None or self._srt:
            return
        self.ports["srt"] = self.ports["srt"] or free_port()
        self._srt, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: SrtListener(self),
            local_addr=(self.host, self.ports["srt"]))

    def _close_srt(self):
        if self._srt:
            self._srt.close()
            self._srt = None

    def srt(self, opened=True):
        """Whether its port is there."""
        if opened:
            background().call(self._open_srt())
        else:
            self._run(self._close_srt)

    async def _stop_listening(self, listeners):
        for key in list(listeners):
            server = self._servers.pop(key, None)
            if server:
                server.close()

    async def _die(self):
        self._deaths += 1
        self._close_srt()
        await self._stop_listening(self._servers.keys())
        if self._timer_task:
            self._timer_task.cancel()
            self._timer_task = None
        for writer in list(self._writers):
            writer.transport.abort()
        self._awake.set()

    async def _revive(self):
        if self._timer_task:
            self._timer_task.cancel()
        self._full, self._garbage, self._frozen = {}, None, False
        self._awake.set()
        self._new_process()
        await self._listen(LISTENERS)
        await self._open_srt()
        self._timer_task = asyncio.ensure_future(self._timer())

    async def _close(self):
        await self._die()

    def _door(self, key, handler):
        """What every connection passes first."""
        deaths = self._deaths

        async def come_in(reader, writer):
            if deaths != self._deaths:
                writer.transport.abort()    # accepted just before the end
                return
            self.seen[key] += 1
            if key in self._full:
                if not self._full[key]:
                    self._full[key] = True
                    writer.get_extra_info("socket").setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))
                    writer.transport.abort()
                    return
                self._writers.add(writer)
                while key in self._full and not writer.is_closing():
                    await asyncio.sleep(0.2)    # nobody ever reads
                writer.close()
                return
            await handler(reader, writer)
        return come_in

    # -- RTMP and HTTP-FLV ------------------------------------------------

    @_quiet
    async def _serve_rtmp(self, reader, writer):
        hello = await reader.readexactly(RTMP_HELLO)
        await self._pause()
        if hello[0] != 3:
            return
        writer.write(b"\x03" + bytes(1536) + hello[1:])     # S0, S1, S2
        await writer.drain()
        await asyncio.wait_for(reader.read(1), KEEP_OPEN_S)

    @_quiet
    async def _serve_flv(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        await self._pause()
        path = urlsplit(head.split()[1].decode("latin-1")).path.strip("/")
        name, _, kind = path.rpartition(".")
        stream, _, number = name.rpartition("-")
        probe = b"User-Agent: dnsd\r\n" in head
        self.seen["flv_probes"] += probe and kind == "flv"
        is_here = name in dict(self.streams)
        if kind == "flv" and (is_here or self.pulls) and not self._flv_broken:
            if is_here or any(name in dict(n.streams) for n in self.pulls):
                await self._play_flv(writer, not probe)
            else:       # an edge waits for its origin to have it
                await asyncio.wait_for(reader.read(1), KEEP_OPEN_S)
        elif kind == "m3u8" and name in dict(self.streams):
            text = media.playlist(name.split("/")[-1], self._media_ms())
            self._reply(writer, "200 OK", text.encode(),
                        "application/vnd.apple.mpegurl", CORS)
        elif kind == "ts" and stream in dict(self.streams) and number.isdigit():
            self.seen["segments"] += 1
            self._reply(writer, "200 OK", media.segment(int(number)),
                        "video/MP2T", CORS)
        elif not path:      # the page that SRS brings
            self._reply(writer, "200 OK",
                        b"" if head.startswith(b"HEAD") else b"SRS", "text/html",
                        CORS)
        else:
            self._reply(writer, "404 Not Found", b"Not Found", "text/plain")
        await writer.drain()

    @staticmethod
    def _media_ms():
        return int((time.monotonic() - MEDIA_FROM) * 1000)

    async def _play_flv(self, writer, counts):
        """The picture from its last key frame on, until the player goes."""
        def piece(data):
            writer.write(b"%x\r\n%b\r\n" % (len(data), data))

        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n"
                     b"Server: SRS/" + self.version.encode() + b"\r\n" +
                     CORS.encode() + b"Transfer-Encoding: chunked\r\n\r\n")
        at = media.flv_start(self._media_ms())
        piece(media.flv_head(at))
        self.players += counts
        try:
            while not writer.is_closing():
                now = self._media_ms()
                frames = media.flv_frames(at, now)
                if frames:
                    piece(frames)
                at = now
                await writer.drain()
                await asyncio.sleep(FLV_STEP_S)
                await self._awake.wait()
        finally:
            self.players -= counts

    # -- the HTTP API -----------------------------------------------------

    async def _pause(self):
        """Where a stopped or slow process would let its client wait."""
        await self._awake.wait()
        if self._slow_s:
            await asyncio.sleep(self._slow_s)

    @_quiet
    async def _serve_api(self, reader, writer):
        self.open_api += 1
        self.open_api_max = max(self.open_api_max, self.open_api)
        try:
            while True:     # says Close, but stays
                head = await asyncio.wait_for(
                    reader.readuntil(b"\r\n\r\n"), KEEP_OPEN_S)
                await self._pause()
                await self._request(head, reader, writer)
                await writer.drain()
        finally:
            self.open_api -= 1

    async def _request(self, head, reader, writer):
        lines = head.decode("latin-1").split("\r\n")
        method, target, http = lines[0].split(" ")
        headers = {key.strip().lower(): value.strip() for key, _, value in
                   (line.partition(":") for line in lines[1:] if line)}
        if int(headers.get("content-length", 0)):
            await reader.readexactly(int(headers["content-length"]))
        self.last_request = {"method": method, "target": target, **headers}
        url = urlsplit(target)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        if "/api/" in url.path and not self._allowed(headers):
            self._deny(writer, headers)
        elif url.path in ("/api/v1/clients", "/api/v1/streams",
                          "/api/v1/vhosts"):
            more = "?" + url.query if url.query else ""
            self._reply(writer, "302 Found", b"", "text/plain",
                        f"Location: {url.path}/{more}\r\n")
        elif method == "DELETE" and url.path.startswith("/api/v1/clients/"):
            self._reply(writer, "200 OK",
                        self._close_client(url.path.rpartition("/")[2]).encode())
        elif url.path.startswith("/api/"):
            self._api(writer, url.path, query)
        elif url.path == "/rtc/v1/whep/" and method == "OPTIONS" and self.whep:
            self.seen["whep"] += 1
            self._reply(writer, "200 OK", b"", "text/plain")
        elif url.path == "/metrics" and not self.version.startswith("4."):
            self._reply(writer, "200 OK", self._metrics().encode(),
                        "text/plain; charset=utf-8")
        else:
            self._reply(writer, "404 Not Found", b"Not Found", "text/plain")
        if http == "HTTP/1.0":
            writer.close()

    def _allowed(self, headers):
        if self.token:
            return headers.get("authorization") == "Bearer " + self.token
        if not self.auth:
            return True
        want = "Basic " + base64.b64encode(self.auth.encode()).decode()
        return headers.get("authorization") == want

    def _deny(self, writer, headers):
        scheme = headers.get("authorization", "Basic").split(" ")[0]
        asks = ("WWW-Authenticate: Bearer\r\n" if self.token else
                'WWW-Authenticate: Basic realm="srs-live"\r\n'
                if scheme == "Basic" else "")
        writer.write((f"HTTP/1.1 401 Unauthorized\r\nConnection: Close\r\n"
                      f"Server: SRS/{self.version}(Hang)\r\n{asks}"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n").encode())

    def _reply(self, writer, status, body, kind="application/json", more=""):
        """Head and body in two writes, as SRS does."""
        writer.write((f"HTTP/1.1 {status}\r\nConnection: Close\r\n"
                      f"Content-Length: {len(body)}\r\n"
                      f"Content-Type: {kind}\r\n{more}"
                      f"Server: SRS/{self.version}(Hang)\r\n\r\n").encode())
        if body:
            writer.write(body)

    def _api(self, writer, path, query):
        answers = {"/api/v1/summaries": self._summaries,
                   "/api/v1/versions": self._versions,
                   "/api/v1/streams/": self._streams,
                   "/api/v1/clients/": self._clients,
                   "/api/v1/vhosts/": self._vhosts,
                   "/api/v1/clusters": self._clusters}
        make = answers.get(path, self._index)
        text = make(query)
        if path == "/api/v1/summaries":
            self.seen["polls"] += 1
            if self._garbage:
                self._reply_garbage(writer, text)
                return
        if "callback" in query:
            self._reply(writer, "200 OK",
                        f"{query['callback']}({text})".encode(),
                        "text/javascript")
        else:
            self._reply(writer, "200 OK", text.encode())

    def _reply_garbage(self, writer, text):
        kind = self._garbage
        if kind == "500":
            self._reply(writer, "500 Internal Server Error", b"")
            return
        body = {
            "json": text[:-40] + "}", "html": "<html>busy</html>",
            "empty": "", "code": '{"code":100}',
            "types": text.replace('"conn_srs":', '"conn_srs":"x","c":'),
            "negative": text.replace('"conn_srs":', '"conn_srs":-'),
            "missing": text.replace('"conn_srs":', '"conn_other":'),
            "huge": text + " " * 400000, "truncated": text,
        }[kind].encode()
        if kind == "truncated":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" +
                         body[:400])
            writer.close()
        else:
            self._reply(writer, "200 OK", body)

    # -- what the API says ------------------------------------------------

    def _top(self, rest):
        """The ids that SRS 5 and later put first."""
        server = f'"code":0,"server":"{self.name}"'
        if not self.version.startswith(("3.", "4.")):
            server += f',"service":"{self.service}","pid":"{self.pid}"'
        return f"{{{server},{rest}}}"

    def _data(self):
        stats, off = self._stats, self._stats_off
        return SUMMARY.format(
            ok="false" if off else "true", now_ms=self.now_ms(),
            version=self.version, pid=self.pid, name=self.name,
            mem=13776 + 6 * stats["conns"], cpu=stats["cpu"],
            cpu_all=min(1.0, stats["cpu"] / 2 + 0.01),
            uptime=int(time.monotonic() - self.started),
            net_stamp=0 if off else stats["net_stamp"],
            net_sent=stats["sent"], stamp=0 if off else stats["stamp"],
            received=stats["received"], sent=stats["sent"],
            conns=stats["conns"])

    def _summaries(self, query):
        return self._top('"data":' + self._data())

    def _versions(self, query):
        major, minor, revision = self.version.split(".")
        return self._top(f'"data":{{"major":{major},"minor":{minor},'
                         f'"revision":{revision},"version":"{self.version}"}}')

    def _index(self, query):
        return self._top('"urls":{"versions":"the version of SRS",'
                         '"summaries":"the summary(pid, argv, pwd, cpu, mem) '
                         'of SRS"}')

    @staticmethod
    def _page(items, query):
        start = int(query.get("start", 0))
        return items[start:start + max(10, int(query.get("count", 10)))]

    def _streams(self, query):
        items = []
        for name, clients in self.streams:
            app, _, stream = name.partition("/")
            kbps = {"recv_30s": 342, "send_30s": 342 * clients}
            items.append({
                "id": f"vid-{abs(hash(name)) % 10**7}", "name": stream,
                "vhost": "vid-0000001", "app": app,
                "tcUrl": f"rtmp://{self.host}:{self.ports['rtmp']}/{app}",
                "url": f"/{name}", "live_ms": self.now_ms(),
                "clients": clients, "frames": 901,
                "send_bytes": 7763390, "recv_bytes": 2607199, "kbps": kbps,
                "publish": {"active": True, "cid": "p7327ci0"}})
        return self._top('"streams":' + json.dumps(
            self._page(items, query), separators=(",", ":")))

    def _clients(self, query):
        self.seen["clients"] += 1
        if self._clients_garbage is not None:
            return self._clients_garbage
        count = max(10, int(query.get("count", 10)))
        start = int(query.get("start", 0))
        clients = self.viewers
        if clients is None:
            clients = [("127.0.0.1", "rtmp-play", 0, 344)] * (
                int(self.conns) + len(self.closed))
        clients = [(f"c{i:07d}", *client) for i, client in enumerate(clients)
                   if f"c{i:07d}" not in self.closed]
        items = [{
            "id": key, "vhost": "vid-0000001", "stream": "vid-1",
            "ip": ip, "pageUrl": "", "swfUrl": "", "tcUrl": "",
            "url": "/live/class", "name": "class", "type": kind,
            "publish": kind == "fmle-publish", "alive": 90.35,
            "kbps": {"recv_30s": received, "send_30s": sent}}
            for key, ip, kind, received, sent
            in clients[start:start + count]]
        return self._top('"clients":' + json.dumps(
            items, separators=(",", ":")))

    def _close_client(self, key):
        if not self.viewers_may_be_closed:
            return '{"code":1061}'
        if key in self.closed:
            return '{"code":2049}'
        self.closed.append(key)
        self._count()
        self.conns -= 1
        if self.on_closed:
            self.on_closed(self)
        return self._top('"data":null')

    def _vhosts(self, query):
        kbps = self._stats["kbps"]
        return self._top(
            '"vhosts":[{"id":"vid-0000001","name":"__defaultVhost__",'
            f'"enabled":true,"clients":{int(self.conns)},'
            f'"streams":{len(self.streams)},"send_bytes":{int(self._sent)},'
            f'"recv_bytes":{int(self._received)},'
            f'"kbps":{{"recv_30s":0,"send_30s":{kbps}}}}}]')

    def _clusters(self, query):
        origin = "null"
        name = f"{query.get('app', '')}/{query.get('stream', '')}"
        if name in dict(self.streams):
            origin = (f'{{"ip":"{self.host}","port":{self.ports["rtmp"]},'
                      f'"vhost":"{query.get("vhost", "")}"}}')
        return f'{{"code":0,"data":{{"query":{{}},"origin":{origin}}}}}'

    def _metrics(self):
        return (f"srs_cpu_percent {self._stats['cpu'] * 100:.0f}\n"
                f"srs_send_bytes_total {self._stats['sent']}\n"
                f"srs_streams {len(self.streams)}\n"
                f"srs_clients {int(self.conns)}\n")

    # -- heartbeat --------------------------------------------------------

    def _heartbeat_body(self):
        ids = f'"device_id":"{self.device_id}","ip":"192.0.2.2",'
        ports = ""
        if not self.version.startswith(("3.", "4.")):
            ids += (f'"server":"{self.name}","service":"{self.service}",'
                    f'"pid":"{self.pid}",')
            for key, port in (("rtmp", "rtmp"), ("http", "flv"),
                              ("api", "api")):
                if self.ports[port]:
                    ports += f',"{key}":["{self.host}:{self.ports[port]}"]'
        return f'{{{ids}"summaries":{{"data":{self._data()}}}{ports}}}'

    async def _beat(self):
        try:
            await asyncio.wait_for(self._post(self._heartbeat_body()),
                                   HEARTBEAT_S * self.scale)
            self.seen["heartbeats"] += 1
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass

    async def _post(self, body):
        url = urlsplit(self.heartbeat)
        reader, writer = await asyncio.open_connection(
            url.hostname, url.port or 80, local_addr=(self.host, 0))
        try:
            body = body.encode()
            bearer = (f"Authorization: Bearer {self.heartbeat_token}\r\n"
                      if self.heartbeat_token else "")
            writer.write((f"POST {url.path or '/'} HTTP/1.1\r\n"
                          f"Connection: Keep-Alive\r\n{bearer}"
                          f"Content-Length: {len(body)}\r\n"
                          "Content-Type: application/json\r\n"
                          f"Host: {url.netloc}\r\n"
                          f"User-Agent: SRS/{self.version}(Hang)\r\n\r\n"
                          ).encode() + body)
            await reader.readuntil(b"\r\n")     # any status will do
        finally:
            writer.close()

    # -- for configurations -----------------------------------------------

    @property
    def api_url(self):
        scheme = "https" if self.tls else "http"
        who = self.auth + "@" if self.auth else ""
        return f"{scheme}://{who}{self.host}:{self.ports['api']}"

    def address(self, listener):
        return f"{self.host}:{self.ports[listener]}"


class Fleet:
    """Many stand-ins, started. Node i listens on 127.0.0.(10 + i) (127.0.1.x
    and so on when there are more than 200); with base_port its ports are
    base_port (API), + 1 (RTMP), + 2 (FLV), without they are the kernel's."""

    def __init__(self, n, base_port=0, **options):
        self.nodes = []
        for i in range(n):
            port = (base_port, base_port + 1, base_port + 2)
            api, rtmp, flv = port if base_port else (0, 0, 0)
            self.nodes.append(StandIn(
                f"srs{i + 1}", f"127.0.{i // 200}.{10 + i % 200}",
                api, rtmp, flv, **options).start())

    def __getitem__(self, which):
        if isinstance(which, str):
            return next(n for n in self.nodes if n.name == which)
        return self.nodes[which]

    def __len__(self):
        return len(self.nodes)

    def __iter__(self):
        return iter(self.nodes)

    def close(self):
        for node in self.nodes:
            node.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# -- the program ----------------------------------------------------------

class Viewers:
    """Viewers in some cities who ask name servers, in turn, where to go, stay for a
    while and are the load of the nodes: what is seen is what DNS does."""

    PER_ANSWER = 5      # viewers behind one answer
    LAME_S = 10         # as resolvers do: who did not answer is asked last for so long

    def __init__(self, fleet, servers, name, clients, stay_s, per_s):
        self.by_address = {node.host: node for node in fleet}
        self.servers = collections.deque()
        for server in servers:
            host, _, port = server.rpartition(":")
            self.servers.append((host.strip("[]"), int(port)))
        self.lame_until = dict.fromkeys(self.servers, 0)
        self.name, self.clients = name, clients
        self.stay_s, self.per_s = stay_s, per_s
        self.leaving = []           # (when, node, how many)
        self.lost = 0

    def ask(self, client):
        """The first address for a client net (RFC 7871), or None."""
        net = socket.inet_aton(client)[:3]
        option = struct.pack("!HHHBB", 8, 7, 1, 24, 0) + net
        labels = b"".join(bytes([len(l)]) + l.encode()
                          for l in self.name.strip(".").split("."))
        query = (struct.pack("!6H", random.getrandbits(16), 0x100, 1, 0, 0, 1)
                 + labels + b"\0" + struct.pack("!2H", 1, 1)
                 + b"\0" + struct.pack("!HHIH", 41, 1232, 0, len(option))
                 + option)
        answer = self._exchange(query)
        if answer is None:
            return None
        at = 12 + len(labels) + 1 + 4
        for _ in range(struct.unpack("!H", answer[6:8])[0]):
            kind, _, _, size = struct.unpack("!HHIH", answer[at + 2:at + 12])
            if kind == 1:
                return socket.inet_ntoa(answer[at + 12:at + 12 + size])
            at += 12 + size
        return None

    def _exchange(self, query):
        """The answer of the first that gives one."""
        now = time.monotonic()
        self.servers.rotate(-1)
        for server in sorted(self.servers,
                             key=lambda s: self.lame_until[s] > now):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.settimeout(0.5)
                try:
                    s.connect(server)
                    s.send(query)
                    return s.recv(4096)
                except OSError:
                    self.lame_until[server] = now + self.LAME_S
        return None

    def step(self, seconds):
        now = time.monotonic()
        for when, node, n in [l for l in self.leaving if l[0] <= now]:
            node.set_load(conns=max(0, node.conns - n))
        self.leaving = [l for l in self.leaving if l[0] > now]
        share, whole = math.modf(self.per_s * seconds / self.PER_ANSWER)
        for _ in range(int(whole) + (random.random() < share)):
            node = self.by_address.get(self.ask(random.choice(self.clients)))
            if node is None or not node._servers:
                self.lost += self.PER_ANSWER
                continue
            node.set_load(conns=node.conns + self.PER_ANSWER)
            stay = random.expovariate(1 / self.stay_s)
            self.leaving.append((now + stay, node, self.PER_ANSWER))


def wander(node, phase, now):
    """A load that comes and goes by itself, in some minutes."""
    wave = 0.5 + 0.4 * math.sin(now / 47 + phase) + 0.1 * math.sin(now / 7)
    node.set_load(conns=int(900 * max(0.02, wave) * random.uniform(.97, 1.03)))


def follow(node):
    """Bandwidth and CPU of so many viewers at 2.5 Mbit/s."""
    node.set_load(mbps=node.conns * 2.5,
                  cpu=min(1.0, 0.02 + node.conns / 2500))


def demo(fleet, args):
    """Moves the load, tells what happens; with --fail one node after the other
    dies for half a minute."""
    viewers = None
    if args.dns:
        viewers = Viewers(fleet, [args.dns], args.name, args.client or
                          ["192.0.2.1"], args.stay, args.viewers)
    start, last, victim, told = time.monotonic(), 0.0, None, 0.0
    while True:
        time.sleep(0.5)
        now = time.monotonic() - start
        for i, node in enumerate(fleet):
            if not viewers:
                wander(node, i * 2.4, now)
            follow(node)
        if viewers:
            viewers.step(now - last)
        last = now
        if args.fail and victim is None and now % args.fail > args.fail - 31:
            victim = (random.choice(fleet.nodes), now)
            victim[0].die()
            victim[0].set_load(conns=0)
            print(f"{now:6.0f} s  {victim[0].name} dies", flush=True)
        if victim and now - victim[1] > 30:
            victim[0].revive()
            print(f"{now:6.0f} s  {victim[0].name} is back", flush=True)
            victim = None
        if now - told >= args.tell:
            told = now
            print(f"{now:6.0f} s  " + "  ".join(
                f"{n.name} {n.conns:4d}" for n in fleet)
                + (f"  lost {viewers.lost}" if viewers else ""), flush=True)


def print_nodes(fleet, yaml):
    if yaml:
        print("nodes:")
    for n in fleet:
        if yaml:
            print(f"  {n.name}: {{role: edge, address: [{n.host}], "
                  f"at: [0, 0], api: \"{n.api_url}\", "
                  f"rtmp: \"{n.address('rtmp')}\", "
                  f"flv: \"{n.address('flv')}\"}}")
        else:
            print(f"{n.name:8} api {n.api_url:32} rtmp {n.address('rtmp'):22}"
                  f" flv {n.address('flv')}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(
        description="Stand-ins for SRS servers, on 127.0.0.10 and up.")
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--base-port", type=int, default=0,
                        help="API; +1 RTMP, +2 FLV; 0: any")
    parser.add_argument("--version", default="6.0.157", help="of SRS")
    parser.add_argument("--scale", type=float, default=1.0,
                        help="of SRS's grids; 0.1 is ten times as fast")
    parser.add_argument("--heartbeat", help="URL that gets heartbeats")
    parser.add_argument("--yaml", action="store_true",
                        help="print the nodes as dnsd's configuration")
    parser.add_argument("--demo", action="store_true", help="load moves")
    parser.add_argument("--fail", type=float, default=0, metavar="S",
                        help="every S seconds (from 60) a node dies for 30")
    parser.add_argument("--tell", type=float, default=10, metavar="S",
                        help="seconds between lines")
    parser.add_argument("--dns", metavar="ADDRESS:PORT",
                        help="viewers ask this server where to go")
    parser.add_argument("--name", default="live.example.com")
    parser.add_argument("--client", action="append", metavar="ADDRESS",
                        help="where viewers are; may be given many times")
    parser.add_argument("--viewers", type=float, default=20, metavar="N",
                        help="that come each second")
    parser.add_argument("--stay", type=float, default=60, metavar="S")
    args = parser.parse_args()

    fleet = Fleet(args.nodes, args.base_port, version=args.version,
                  scale=args.scale, heartbeat=args.heartbeat)
    print_nodes(fleet, args.yaml)
    try:
        if args.demo:
            demo(fleet, args)
        threading.Event().wait()
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(0)


if __name__ == "__main__":
    main()
