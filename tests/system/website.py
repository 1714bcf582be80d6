"""A website with a class page, for the demonstration and the browser tests: the
page that `make` builds, class.json with the player's options, and for tests calls
that do something in the test's world.
"""

import http.server
import json
import pathlib
import threading
from urllib.parse import parse_qsl, urlsplit

TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript"}


class Website:
    """Serves folder (of class.html and class.js) on host:port. options is
    class.json; a path of calls runs a function with the query as keywords."""

    def __init__(self, folder, options, host="127.0.0.1", port=0, calls=None):
        self.folder, self.options = pathlib.Path(folder), options
        self.calls = calls or {}
        site = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                site.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((host, port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler):
        url = urlsplit(handler.path)
        path = "/class.html" if url.path == "/" else url.path
        if path == "/class.json":
            self.send(handler, "application/json", json.dumps(self.options))
        elif path in self.calls:
            said = self.calls[path](**dict(parse_qsl(url.query)))
            self.send(handler, "application/json", json.dumps(said))
        elif path in ("/class.html", "/class.js"):
            self.send(handler, TYPES[pathlib.Path(path).suffix],
                      (self.folder / path[1:]).read_text())
        else:
            handler.send_response(204 if path == "/favicon.ico" else 404)
            handler.end_headers()

    @staticmethod
    def send(handler, kind, text):
        body = text.encode()
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("Cache-Control", "no-store")
        handler.end_headers()
        handler.wfile.write(body)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
