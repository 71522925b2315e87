"""A real Synapse on a free loopback port, with SQLite, that speaks to nobody."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import time
from urllib.parse import quote

from . import Failed, free_port, venv
from .child import Child
from .matrix import User, ask

VERSION = "1.163.2"
SERVER_NAME = "localhost"
_START_WITHIN = 90


def install():
    """Puts Synapse into the virtual environment, unless it is there."""
    venv.provide(f"matrix-synapse=={VERSION}")


class Synapse:
    """A homeserver with fresh data in `folder`, answering once constructed."""

    def __init__(self, folder, more=None):
        """`more` are further keys of its configuration."""
        self._secret = secrets.token_hex(16)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        config = _write_config(folder, port, self._secret, more or {})
        command = [venv.PYTHON, "-m", "synapse.app.homeserver", "--config-path", config]
        env = os.environ | {"TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        self._child = Child(command, folder / "synapse.log", env=env, cwd=folder)
        self._wait_until_it_answers()
        self._admin = self.register("the_admin", admin=True)

    def register(self, name, admin=False):
        """Registers a user by the shared secret, and returns it signed in."""
        path = "/_synapse/admin/v1/register"
        nonce = ask(self.url, "GET", path).json["nonce"]
        password = secrets.token_urlsafe(9)
        words = [nonce, name, password, "admin" if admin else "notadmin"]
        mac = hmac.new(self._secret.encode(), "\0".join(words).encode(), hashlib.sha1).hexdigest()
        form = {"nonce": nonce, "username": name, "password": password, "admin": admin, "mac": mac}
        answer = ask(self.url, "POST", path, json.dumps(form).encode(), {"Content-Type": "application/json"})
        if answer.status != 200:
            raise Failed(f"Synapse did not register {name}: {answer.status} {answer.body.decode(errors='replace')}")
        return User(self.url, answer.json["user_id"], password, answer.json["access_token"])

    def stored(self, user_id):
        """The sizes of all files that the homeserver keeps for this user."""
        sizes, behind = [], 0
        while behind is not None:
            path = f"/_synapse/admin/v1/users/{quote(user_id)}/media?limit=1000&from={behind}"
            page = self._admin.ask("GET", path).json
            sizes += [file["media_length"] for file in page["media"]]
            behind = page.get("next_token")
        return sizes

    def exited(self):
        return self._child.exited()

    def end(self):
        self._child.end()

    def _wait_until_it_answers(self):
        deadline = time.monotonic() + _START_WITHIN
        while time.monotonic() < deadline and not self._child.exited():
            try:
                if ask(self.url, "GET", "/health", timeout=5).status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise Failed(f"Synapse did not start. Its last words:\n\n{self._child.last_lines()}")


def _write_config(folder, port, secret, more):
    """Writes homeserver.yaml (JSON is YAML too) and the signing key."""
    seed = base64.b64encode(os.urandom(32)).decode().rstrip("=")
    key = folder / "signing.key"
    key.write_text(f"ed25519 a_stage {seed}\n")
    plenty = {"per_second": 1000, "burst_count": 10000}
    config = {
        "server_name": SERVER_NAME,
        "listeners": [
            {"type": "http", "port": port, "bind_addresses": ["127.0.0.1"], "resources": [{"names": ["client"]}]}
        ],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "media_store_path": str(folder / "media"),
        "max_upload_size": "2G",
        "signing_key_path": str(key),
        "registration_shared_secret": secret,
        "macaroon_secret_key": secret,
        "form_secret": secret,
        "bcrypt_rounds": 4,
        # Nothing leaves this machine.
        "report_stats": False,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "url_preview_enabled": False,
        "push": {"enabled": False},
        # What is refused here is refused by metergate.
        "rc_message": plenty,
        "rc_registration": plenty,
        "rc_login": {"address": plenty, "account": plenty, "failed_attempts": plenty},
        "rc_joins": {"local": plenty, "remote": plenty},
        "rc_room_creation": plenty,
        "rc_media_create": plenty,
    }
    path = folder / "homeserver.yaml"
    path.write_text(json.dumps(config | more, indent=2))
    return path
