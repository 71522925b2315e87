"""One user's view of a homeserver, or of metergate in front of it: plain HTTP, nothing hidden."""

import http.client
import itertools
import json
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

_transactions = itertools.count()


@dataclass
class Answer:
    """What came back."""

    status: int
    reason: str
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


def ask(base_url, method, path, body=None, headers=None, timeout=120):
    """One request on a connection of its own. A body may be bytes, or pieces of bytes with a Content-Length given."""
    connection = http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=timeout)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.reason, response.headers, response.read())
    finally:
        connection.close()


@dataclass(frozen=True)
class User:
    """A user, signed in at `base_url`."""

    base_url: str
    user_id: str
    password: str
    token: str

    def at(self, base_url):
        """The same user, asking elsewhere."""
        return User(base_url, self.user_id, self.password, self.token)

    def ask(self, method, path, body=None, headers=None):
        """A request with this user's token; a dict goes as JSON."""
        headers = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        if isinstance(body, dict):
            headers["Content-Type"] = "application/json"
            body = json.dumps(body).encode()
        return ask(self.base_url, method, path, body, headers)

    def upload(self, content, name="file.bin", headers=None):
        """Uploads bytes, or pieces of them if `headers` tell the length."""
        headers = {"Content-Type": "application/octet-stream"} | (headers or {})
        return self.ask("POST", f"/_matrix/media/v3/upload?{urlencode({'filename': name})}", content, headers)

    def download(self, uri):
        """The file behind an `mxc://` address."""
        return self.ask("GET", media_path(uri))

    def create_room(self):
        """A new room's id."""
        return self.ask("POST", "/_matrix/client/v3/createRoom", {"preset": "private_chat"}).json["room_id"]

    def say(self, room_id, text):
        """Sends a text message."""
        event = f"/_matrix/client/v3/rooms/{quote(room_id)}/send/m.room.message/{next(_transactions)}"
        return self.ask("PUT", event, {"msgtype": "m.text", "body": text})

    def sync(self):
        """What there is now, without waiting for more."""
        return self.ask("GET", "/_matrix/client/v3/sync?timeout=0")


def media_path(uri):
    """Where a file is downloaded from."""
    return f"/_matrix/client/v1/media/download/{uri.removeprefix('mxc://')}"
