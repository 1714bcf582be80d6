"""The asyncio loop of stand-ins and links, on a thread of its own."""

import asyncio
import threading


class _Background:
    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       name="standin", daemon=True)
        self.thread.start()

    def call(self, coroutine):
        """Runs a coroutine there and waits for its result."""
        if threading.current_thread() is self.thread:
            raise RuntimeError("not from the background's own thread")
        return asyncio.run_coroutine_threadsafe(
            coroutine, self.loop).result(30)


_background = None


def background():
    global _background
    if _background is None:
        _background = _Background()
    return _background
