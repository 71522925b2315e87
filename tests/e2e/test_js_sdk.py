"""A web client on another origin, made with matrix-js-sdk: it uploads, and reads all of a refusal."""

import functools
import http.server
import threading
from pathlib import Path

import pytest
from browser import browser
from packages import bundle

HERE = Path(__file__).parent


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def client(folder):
    """The address of the client's page."""
    place = folder / "js-sdk"
    place.mkdir()
    bundle(HERE / "js_sdk_page.js", place / "page.js")
    page = '<!doctype html><title>a client</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>'
    (place / "index.html").write_text(page)
    handler = functools.partial(_Quiet, directory=place)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        # Another name, so that it is another site too.
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()


def call(tab, script, *words):
    """Runs what is asynchronous, and returns what it comes to."""
    tab.driver.set_script_timeout(60)
    done = "arguments[arguments.length - 1]"
    told = tab.driver.execute_async_script(
        f"Promise.resolve({script}).then((it) => {done}({{it}}), (error) => {done}({{error: String(error)}}))", *words
    )
    assert "error" not in told, told
    return told["it"]


def test_it_uploads_and_reads_the_whole_refusal(sidecar, new_user, homeserver, client):
    metergate = sidecar(limit="1MB/month")
    alice = new_user()
    with browser() as tab:
        tab.open(client)
        tab.until(lambda: tab.run("return window.ready === true"))
        signed_in = "signIn(arguments[0], arguments[1], arguments[2])"
        assert call(tab, signed_in, metergate.url, alice.user_id, alice.password) == alice.user_id
        assert call(tab, "upload(600000)")["uri"].startswith("mxc://localhost/")
        assert tab.complaints() == []

        refusal = call(tab, "upload(600000)")
        assert (refusal["status"], refusal["errcode"]) == (429, "M_LIMIT_EXCEEDED")
        assert (refusal["told"]["retry_after_ms"], refusal["header"], refusal["wait"]) == (60_000, "60", 60_000)
        assert refusal["told"]["org.metergate.quota"]["remaining"] == 400_000
        assert refusal["told"]["error"].endswith("Text messages still work.")
        assert homeserver.stored(alice.user_id) == [600_000]

        config = call(tab, "mediaConfig()")
        assert (config["m.upload.size"], config["org.matrix.msc4034.storage.size"]) == (1_000_000, 1_000_000)


def test_it_may_ask_for_the_own_figures(sidecar, new_user, client):
    metergate = sidecar(limit="1MB/month")
    alice = new_user()
    with browser() as tab:
        tab.open(client)
        tab.until(lambda: tab.run("return window.ready === true"))
        call(tab, "signIn(arguments[0], arguments[1], arguments[2])", metergate.url, alice.user_id, alice.password)
        call(tab, "upload(600000)")
        asked = "ask(arguments[0], { Authorization: `Bearer ${token()}` })"
        told = call(tab, asked, metergate.url + "/_metergate/v1/quota?size=500kB")
        assert (told["status"], told["json"]["user_id"]) == (200, alice.user_id)
        assert told["json"]["upload"]["errcode"] == "M_LIMIT_EXCEEDED"
        usage = call(tab, asked, metergate.url + "/_matrix/media/unstable/org.matrix.msc4034/usage")
        assert usage == {"status": 200, "json": {"org.matrix.msc4034.storage.used": 600_000}}
        refused = call(tab, "ask(arguments[0])", metergate.url + "/_metergate/v1/quota")
        assert (refused["status"], refused["json"]["errcode"]) == (401, "M_MISSING_TOKEN")
        assert tab.complaints() == []
