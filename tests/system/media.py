"""An endless live stream out of a short clip, tests/data/media: as the tags of
HTTP-FLV, as the playlist and segments of HLS. What plays at a moment depends on
the clock alone, so all stand-ins show the same picture, as edges of one origin do.
"""

import functools
import pathlib
import struct

CLIP = pathlib.Path(__file__).resolve().parent.parent / "data" / "media"
LOOP_MS = 8000
SEGMENT_S = 2
SEGMENTS = LOOP_MS // 1000 // SEGMENT_S
WINDOW = 3          # segments in a playlist
AUDIO, VIDEO, SCRIPT = 8, 9, 18
AUDIO_FRAME_MS = 24


def tag(kind, at_ms, data):
    """An FLV tag, with the size that follows each."""
    head = struct.pack("!B3sI", kind, len(data).to_bytes(3, "big"),
                       (at_ms & 0xffffff) << 8 | at_ms >> 24 & 0xff)
    return head + bytes(3) + data + struct.pack("!I", 11 + len(data))


class Flv:
    """The clip as tags. head: what each player needs first; frames: (ms, kind,
    data, starts a picture) of one loop."""

    def __init__(self, path):
        self.head, self.frames = [], []
        raw = path.read_bytes()
        at = 13
        while at < len(raw):
            size = int.from_bytes(raw[at + 1:at + 4], "big")
            ms = int.from_bytes(raw[at + 4:at + 7], "big") | raw[at + 7] << 24
            self._take(raw[at], ms, raw[at + 11:at + 11 + size])
            at += 15 + size

    def _take(self, kind, ms, data):
        if kind == SCRIPT or data[1] == 0:          # a decoder's configuration
            self.head.append((kind, data))
        elif kind == VIDEO:
            if data[1] == 1:                        # no end of sequence
                self.frames.append((ms, kind, data, data[0] >> 4 == 1))
        elif ms + AUDIO_FRAME_MS <= LOOP_MS:        # none into the next loop
            self.frames.append((ms, kind, data, False))


@functools.cache
def clip():
    return Flv(CLIP / "class.flv")


def flv_head(at_ms):
    return b"FLV\x01\x05\0\0\0\x09\0\0\0\0" + b"".join(
        tag(kind, at_ms, data) for kind, data in clip().head)


def flv_frames(after_ms, to_ms):
    """The tags of after_ms < t <= to_ms."""
    out = []
    for loop in range(max(0, after_ms) // LOOP_MS, to_ms // LOOP_MS + 1):
        for ms, kind, data, _ in clip().frames:
            if after_ms < loop * LOOP_MS + ms <= to_ms:
                out.append(tag(kind, loop * LOOP_MS + ms, data))
    return b"".join(out)


def flv_start(now_ms):
    """Just before the last key frame: where a player that comes now begins. A loop
    does not begin with one, so it may be in the loop before."""
    loop = now_ms // LOOP_MS * LOOP_MS
    return max(at + ms for at in (loop - LOOP_MS, loop)
               for ms, _, _, key in clip().frames
               if key and at + ms <= now_ms) - 1


def playlist(name, now_ms):
    """The HLS playlist of a stream called name ("class")."""
    end = now_ms // (1000 * SEGMENT_S)
    first = max(0, end - WINDOW)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3",
             f"#EXT-X-TARGETDURATION:{SEGMENT_S}",
             f"#EXT-X-MEDIA-SEQUENCE:{first}",
             # those that have left the window before its first segment
             f"#EXT-X-DISCONTINUITY-SEQUENCE:{(first + SEGMENTS - 1) // SEGMENTS}"]
    for number in range(first, end):
        if number % SEGMENTS == 0:
            lines.append("#EXT-X-DISCONTINUITY")
        lines += [f"#EXTINF:{SEGMENT_S:.3f},", f"{name}-{number}.ts"]
    return "\n".join(lines) + "\n"


def segment(number):
    return (CLIP / f"class{number % SEGMENTS}.ts").read_bytes()
