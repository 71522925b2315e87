"""What the tests of the dashboard stand on: a metergate before a small scripted homeserver, and a browser at its door."""

import contextlib
import json
import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from selenium.common.exceptions import StaleElementReferenceException, TimeoutException
from selenium.webdriver.common.by import By
from stage.matrix import ask
from stage.metergate import Metergate

TOKEN = "correct-horse-battery-staple"
WIDE, NARROW = 1440, 360

_POLICY = """\
[policy]
period = "month"

[policy.groups.bridges]
media_bytes = "unlimited"

[[policy.rules]]
match = "@bridge_*:example.org"
group = "bridges"

[[notify]]
url = "http://127.0.0.1:9/hook"
secret = "s3cret"
on = ["warn", "over"]
"""


class Homeserver(ThreadingHTTPServer):
    """Knows everyone by the token they show, and takes every file."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Answers)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def end(self):
        self.shutdown()
        self.server_close()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.headers.get("Authorization", "Bearer nobody").removeprefix("Bearer ")
        self._say({"user_id": f"@{name}:example.org"} if "whoami" in self.path else {"versions": ["v1.11"]})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._say({"content_uri": "mxc://example.org/file"})

    def _say(self, what):
        body = json.dumps(what).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def started(folder, upstream, policy=_POLICY, token=TOKEN, **where):
    """A metergate of its own."""
    place = Path(tempfile.mkdtemp(prefix="dashboard-", dir=folder))
    admin = f'token = "{token}"' if token else ""
    return Metergate(os.environ["METERGATE_BIN"], place, upstream, policy, admin=admin, **where)


def lived_in(metergate):
    """Fills its books with what a small server has seen."""
    say = metergate.command
    say("group", "set", "free", "media_bytes=500MB/month,50MB/day", "uploads=100/day", "max_upload_bytes=20MB", "--default")
    say("group", "set", "patron", "media_bytes=50GB/month,2GB/day soft", "--extends", "free")
    say("cap", "set", "upload_media", "media_bytes", "uploads")
    say("rule", "add", "@ghost_*:example.org", "--group", "patron")
    say("rule", "add", "@*_bot:example.org", "--group", "patron")
    say("user", "set", "@alice:example.org", "--group", "patron", "--until", "2099-01-01")
    say("user", "exempt", "@admin:example.org")
    say("override", "set", "@bob:example.org", "media_bytes=1GB", "--note", "asked on Monday")
    say("boost", "add", "@bob:example.org", "media_bytes=200MB", "--until", "2099-01-01", "--note", "thanks")
    for name, size in [("alice", 320), ("bob", 24), ("carol", 88), ("dave", 44), ("bridge_irc", 900)]:
        say("use", f"@{name}:example.org", "media_bytes", f"{size}MB")
    upload(metergate, "erin", 8_000_000)
    # Refused: past what is left of the day, and past one file.
    assert upload(metergate, "carol", 1_000_000).status == 429
    assert upload(metergate, "erin", 21_000_000).status == 413
    return metergate


def upload(metergate, name, size):
    headers = {"Authorization": f"Bearer {name}", "Content-Type": "application/octet-stream"}
    return ask(metergate.url, "POST", "/_matrix/media/v3/upload", b"x" * size, headers)


class Dashboard:
    """The dashboard of one metergate in one tab."""

    def __init__(self, tab, metergate):
        self.tab, self.metergate = tab, metergate
        self.driver = tab.driver

    def enter(self, token=TOKEN):
        """Opens it and signs in."""
        self.tab.open(self.metergate.admin_url)
        self.tab.until(lambda: self.has("#token"))
        self.one("#token").send_keys(token)
        self.press("Sign in")
        self.tab.until(lambda: self.has("nav [aria-current]"))
        return self

    def go(self, page="", patience=1):
        """Goes to a page, and waits until it shows all that it reads."""
        self.tab.open("about:blank")
        self.tab.open(f"{self.metergate.admin_url}/#/{page}")
        for _ in range(patience - 1):
            with contextlib.suppress(TimeoutException):
                self.tab.until(self.is_read)
        self.tab.until(self.is_read)
        return self

    def is_read(self):
        ready = "const main = document.querySelector('main'); return !!main.querySelector('h1') && !main.hasAttribute('aria-busy') && !main.querySelector('.reading')"
        return self.tab.run(ready)

    def subject(self, name):
        return self.go(f"subjects/{quote(name, safe='')}")

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def has(self, selector):
        return bool(self.all(selector))

    def main(self):
        return self.one("main").text

    def card(self, title):
        """The text of a part of the page."""
        for card in self.all("section.card"):
            try:
                if card.find_element(By.TAG_NAME, "h2").text == title:
                    return card.text
            except StaleElementReferenceException:
                pass
        return ""

    def says(self, words, selector="main"):
        """Waits until the page says so."""
        self.tab.until(lambda: all(it in self.one(selector).text for it in words.split(" … ")))

    def press(self, text, within=""):
        """Presses the first button that can be seen whose whole text this is."""

        def pressed():
            for button in self.all(f"{within} button"):
                try:
                    name = (button.get_attribute("aria-label") or button.get_attribute("textContent")).strip()
                    if name == text and button.is_displayed() and button.is_enabled():
                        self.tab.run("arguments[0].scrollIntoView({block: 'center'})", button)
                        button.click()
                        return True
                except StaleElementReferenceException:
                    pass
            return False

        self.tab.until(pressed)

    def fill(self, **fields):
        """Writes into the fields of the dialog that is open."""
        for name, value in fields.items():
            field = self.one(f"dialog [name='{name}']")
            if field.tag_name == "select" or field.get_attribute("type") == "date":
                self.tab.run("arguments[0].value = arguments[1]; arguments[0].dispatchEvent(new Event('input', {bubbles: true}))", field, value)
            else:
                field.clear()
                field.send_keys(value)

    def done(self, action):
        """Presses what does it, and waits until the dialog is gone."""
        self.press(action, "dialog")
        self.tab.until(lambda: not self.has("dialog"))

    def notice(self, words):
        self.tab.until(lambda: words in self.one("#notices").text)

    def undo(self):
        self.press("Undo", "#notices")
        self.tab.until(lambda: not self.has("#notices .undo"))
        self.notice("It is ")
        for close in self.all("#notices .close"):
            self.tab.run("arguments[0].click()", close)

    def told(self, *words):
        """What the command line tells, as JSON."""
        return json.loads(self.metergate.command(*words, "--json"))
