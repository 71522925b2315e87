"""A relay between metergate and the homeserver that remembers what went up."""

import socket
import threading
from urllib.parse import urlsplit

_PIECE = 65536


class Wire:
    """Listens on loopback, passes everything on, and keeps what goes up.

    While `answers_pass` is cleared, what the homeserver says to an upload waits here.
    """

    def __init__(self, homeserver_url):
        place = urlsplit(homeserver_url)
        self._homeserver = (place.hostname, place.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._went_up = []
        self.answers_pass = threading.Event()
        self.answers_pass.set()
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.answers_pass.set()
        self._listener.close()

    @property
    def went_up(self):
        """What metergate has sent so far, connection after connection."""
        return b"".join(bytes(part) for part in self._went_up)

    def _accept(self):
        while True:
            try:
                below, _ = self._listener.accept()
            except OSError:
                return
            self._join(below, socket.create_connection(self._homeserver))

    def _join(self, below, above):
        part = bytearray()
        self._went_up.append(part)
        threading.Thread(target=_pump, args=(below, above, part.extend), daemon=True).start()
        threading.Thread(target=_pump, args=(above, below, lambda _: self._let_pass(part)), daemon=True).start()

    def _let_pass(self, part):
        if b"/upload" in part:
            self.answers_pass.wait()


def _pump(source, sink, first):
    """Copies until either end closes; `first` is done with each piece before it goes on."""
    try:
        while data := source.recv(_PIECE):
            first(data)
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (source, sink):
            end.close()
