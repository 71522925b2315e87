"""An upload written to the socket piece by piece, by a client that may stop anywhere."""

import http.client
import socket
import struct
from urllib.parse import urlsplit

from stage.matrix import Answer


class UploadByHand:
    """Sends the head at once; the body is up to the caller."""

    def __init__(self, user, length=None, headers=()):
        place = urlsplit(user.base_url)
        self._socket = socket.create_connection((place.hostname, place.port), timeout=60)
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        lines = [
            "POST /_matrix/media/v3/upload?filename=by-hand.bin HTTP/1.1",
            f"Host: {place.netloc}",
            f"Authorization: Bearer {user.token}",
            "Content-Type: application/octet-stream",
            framing,
            *headers,
        ]
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode() + b"\r\n")

    def send(self, body):
        self._socket.sendall(body)

    def first_line(self):
        """The status line of whatever comes first, an interim answer too."""
        line = b""
        while not line.endswith(b"\r\n"):
            byte = self._socket.recv(1)
            assert byte, f"the connection closed after {line!r}"
            line += byte
        return line.decode().rstrip()

    def answer(self):
        response = http.client.HTTPResponse(self._socket)
        response.begin()
        return Answer(response.status, response.reason, response.headers, response.read())

    def end_of_sending(self):
        """Says that nothing more will come, and still listens."""
        self._socket.shutdown(socket.SHUT_WR)

    def hang_up(self):
        self._socket.close()

    def reset(self):
        """Goes without a goodbye: the other side sees a reset."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()
