"""A homeserver of a few answers, which remembers every request as it came.

| request | answer |
|---|---|
| `GET …/account/whoami` | `@NAME:example.org`, where the token is NAME |
| `POST …/upload` | an mxc address, once the body is whole |
| `GET …/sync?timeout=MS` | nothing new, after so many milliseconds |
| `GET …/download/…` | 2 MB, the second half once `go_on` is set |
| a websocket, at `/_matrix/socket` | sends back whatever it receives |
| `GET …/media/config` | 50 MB |
| anything else | `{}` |
"""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_PIECE = 65536


class Seen:
    """One request: its target byte for byte, its headers, and how much of its body has come."""

    def __init__(self, method, target, headers):
        self.method = method
        self.target = target
        self.headers = headers
        self.body_bytes = 0
        self.whole = False


class Homeserver:
    """Answers on loopback until closed."""

    def __init__(self):
        self.seen = []
        self.go_on = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.seen = self.seen
        self._server.go_on = self.go_on
        self.url = "http://127.0.0.1:%d" % self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def at(self, path):
        """The requests for a path, the oldest first."""
        return [seen for seen in list(self.seen) if urlsplit(seen.target).path == path]

    def wait_for(self, holds, seconds=10):
        """Waits until `holds()` does; whether it came to that."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if holds():
                return True
            time.sleep(0.01)
        return False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def _answer_any(self):
        target = self.raw_requestline.split()[1].decode()
        seen = Seen(self.command, target, self.headers)
        self.server.seen.append(seen)
        place = urlsplit(target)
        if not self._read(seen):
            self.close_connection = True
        elif place.path.endswith("/account/whoami"):
            self._json({"user_id": f"@{self.headers['Authorization'].split()[-1]}:example.org"})
        elif place.path.endswith("/upload"):
            self._json({"content_uri": f"mxc://example.org/{len(self.server.seen)}"})
        elif place.path.endswith("/sync"):
            time.sleep(int(parse_qs(place.query)["timeout"][0]) / 1000)
            self._json({"next_batch": "1"})
        elif place.path.endswith("/media/config"):
            self._json({"m.upload.size": 50_000_000})
        elif "/download/" in place.path:
            self._in_two_halves()
        elif place.path == "/_matrix/socket" and self.headers.get("Upgrade") == "websocket":
            self._echo()
        else:
            self._json({})

    do_GET = do_POST = do_PUT = do_OPTIONS = _answer_any

    def _read(self, seen):
        """Reads the body, of a given length or in chunks; false if it broke off."""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline().strip() or b"-1", 16):
                if size < 0 or not self._read_some(seen, size):
                    return False
                self.rfile.readline()
            self.rfile.readline()
        elif not self._read_some(seen, int(self.headers.get("Content-Length") or 0)):
            return False
        seen.whole = True
        return True

    def _read_some(self, seen, size):
        while size:
            data = self.rfile.read1(min(size, _PIECE))
            if not data:
                return False
            size -= len(data)
            seen.body_bytes += len(data)
        return True

    def _json(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _in_two_halves(self):
        self.send_response(200)
        self.send_header("Content-Length", "2000000")
        self.end_headers()
        self.wfile.write(bytes(1_000_000))
        self.server.go_on.wait(30)
        self.wfile.write(bytes(1_000_000))

    def _echo(self):
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "upgrade")
        # HAProxy looks at it.
        seal = self.headers.get("Sec-WebSocket-Key", "") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(hashlib.sha1(seal.encode()).digest()).decode())
        self.end_headers()
        while data := self.rfile.read1(_PIECE):
            self.wfile.write(data)
        self.close_connection = True

    def log_message(self, *_):
        pass
