"""What every web server in front has to let through as it is, whichever it is."""

import time

from client import MB, UPLOAD, sending, upgrade
from stage import Failed
from stage.matrix import ask


#: What everybody may upload, and those whose name begins with "large".
POLICY = """\
[policy]
default_group = "small"

[policy.groups.small]
media_bytes = "10MB/month"

[policy.groups.large]
media_bytes = "1GB/month"

[[policy.rules]]
match = "@large*"
group = "large"
"""


class InFront:
    """Beside a check whose class has `homeserver`, and a server in front of metergate at `url` and `port`."""

    def setUp(self):
        self.homeserver.seen.clear()

    def test_the_address_goes_up_byte_for_byte(self):
        target = "/_matrix/client/v3/rooms/%21a%3Ab//%2Fx%2F..%2F/./y%2f?filter=%7B%22a%22%3A%22b%22%7D&x=%2520"
        self.assertEqual(ask(self.url, "GET", target).status, 200)
        self.assertEqual(self.homeserver.seen[-1].target, target)

    def test_the_name_asked_for_goes_up(self):
        ask(self.url, "GET", "/_matrix/federation/v1/version", headers={"Host": "example.org:8448"})
        self.assertEqual(self.homeserver.seen[-1].headers.get_all("Host"), ["example.org:8448"])

    def test_a_client_cannot_say_where_it_is(self):
        told = {"X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
        ask(self.url, "GET", "/_matrix/client/versions", headers=told)
        headers = self.homeserver.seen[-1].headers
        self.assertEqual(headers.get_all("X-Forwarded-For"), ["127.0.0.1"])
        self.assertEqual(headers.get_all("X-Real-IP"), ["127.0.0.1"])
        self.assertIsNone(headers.get("Forwarded"))

    def test_an_upload_streams(self):
        with sending(self.port, "large-stream", length=4 * MB) as upload:
            upload.send(bytes(2 * MB))
            came = self.homeserver.wait_for(
                lambda: any(seen.body_bytes >= MB for seen in self.homeserver.at(UPLOAD))
            )
            self.assertTrue(came, "the first half did not go up before the second was sent")
            upload.send(bytes(2 * MB))
            self.assertEqual(upload.answer()[0], 200)
        self.assertTrue(self.homeserver.at(UPLOAD)[-1].whole)

    def test_an_upload_in_chunks_stays_in_chunks(self):
        with sending(self.port, "large-chunks", length=None) as upload:
            upload.send(bytes(3 * MB))
            upload.end()
            self.assertEqual(upload.answer()[0], 200)
        seen = self.homeserver.at(UPLOAD)[-1]
        self.assertEqual((seen.headers.get("Transfer-Encoding"), seen.body_bytes), ("chunked", 3 * MB))

    def test_a_websocket_passes(self):
        with upgrade(self.port, "websocket") as (status, connection):
            self.assertEqual(status, 101)
            connection.sendall(b"ping")
            self.assertEqual(connection.recv(4), b"ping")


def wait_until_it_answers(url, process):
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and not process.exited():
        try:
            if ask(url, "GET", "/_matrix/client/versions", timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.02)
    raise Failed(f"it did not start:\n{process.last_lines()}")
