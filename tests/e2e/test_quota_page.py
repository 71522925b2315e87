"""The page that tells users about their quota, in a real browser, in front of a real homeserver."""

import http.server
import json
import re
import threading
import urllib.parse

import pytest
from browser import browser
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from stage import free_port
from stage.matrix import ask
from stage.synapse import Synapse

PAGE = "/_metergate/quota"
WHOAMI = "/_matrix/client/v3/account/whoami"
MEGABYTE = bytes(1_000_000)
WORDS = """
[page]
title = "Uploads on example.org"
paragraphs = ["Patrons may upload more: <b>ask us</b> & see."]
contact = "Write to the people who run this server"
contact_uri = "mailto:admin@example.org"
"""


def sign_in(tab, user, password=None):
    tab.until(lambda: tab["password-form"].is_displayed())
    tab["user"].clear()
    tab["user"].send_keys(user.user_id)
    tab["password"].send_keys(password or user.password)
    tab["password-form"].submit()


def token_of(tab, requests=None):
    """The token that the page has asked for the quota with."""
    asked = [it for it in requests or tab.requests() if "/_metergate/v1/quota" in it["url"]]
    return asked[-1]["headers"]["Authorization"].removeprefix("Bearer ")


def signed_in(tab, metergate, user):
    """Opens the page and signs in; the token that the page then has."""
    tab.open(metergate.url + PAGE)
    sign_in(tab, user)
    tab.shown("who")
    return token_of(tab)


def knows(metergate, token):
    return ask(metergate.url, "GET", WHOAMI, headers={"Authorization": f"Bearer {token}"}).status


def test_somebody_signs_in_sees_all_and_signs_out(sidecar, new_user):
    metergate = sidecar(limit="2MB/month,1500kB/day", more='max_upload_bytes = "900kB"\n' + WORDS)
    alice = new_user()
    assert alice.at(metergate.url).upload(MEGABYTE[:800_000]).status == 200
    with browser() as tab:
        tab.open(metergate.url + PAGE)
        sign_in(tab, alice)
        assert tab.shown("who") == alice.user_id
        assert "You can upload files" in tab.shown("verdict")
        assert "up to 700 kB right now; usually up to 900 kB" in tab["verdict"].text
        bars = tab.driver.find_elements(By.CSS_SELECTOR, "[role=meter]")
        told = [(bar.get_attribute("aria-valuenow"), bar.get_attribute("aria-valuetext")) for bar in bars]
        assert told == [("40", "800 kB of 2 MB used"), ("53", "800 kB of 1.5 MB used")]
        assert re.search(r"at 0[12]:00 CES?T\n1 \w+ \d{4} 00:00 UTC", tab["resources"].text)

        token = token_of(tab)
        assert knows(metergate, token) == 200
        named = [it["display_name"] for it in alice.ask("GET", "/_matrix/client/v3/devices").json["devices"]]
        assert "metergate quota page" in named
        kept = "return JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
        assert tab.run(kept) == json.dumps([{}, {}, "", metergate.url + PAGE], separators=(",", ":"))
        assert tab.driver.get_cookies() == []
        assert tab.run("return indexedDB.databases().then((all) => all.length)") == 0
        assert token not in tab.driver.page_source

        tab["sign-out"].click()
        assert "You are signed out." in tab.shown("notice")
        assert knows(metergate, token) == 401
        assert alice.user_id not in tab.text()
        assert tab.complaints() == []


def test_a_refused_file_is_explained(sidecar, new_user, tmp_path):
    metergate = sidecar(limit="1MB/month", more=WORDS)
    alice = new_user().at(metergate.url)
    assert alice.upload(MEGABYTE[:700_000]).status == 200
    refusal = alice.upload(MEGABYTE[:400_000]).json["error"]
    small, large = tmp_path / "small.jpg", tmp_path / "large.jpg"
    small.write_bytes(MEGABYTE[:300_000])
    large.write_bytes(MEGABYTE[:400_000])
    with browser() as tab:
        signed_in(tab, metergate, alice)
        tab["file"].send_keys(str(large))
        assert tab.shown("fit") == f"“large.jpg” (400 kB) is refused. {refusal}"
        tab["file"].send_keys(str(small))
        assert tab.until(lambda: "fits" in tab["fit"].text)
        assert alice.upload(MEGABYTE[:300_000]).status == 200

        tab["refresh"].click()
        tab.until(lambda: "Files are refused" in tab["verdict"].text)
        assert "Upload limit reached: 1 MB of 1 MB used this month. Resets 1 " in tab["verdict"].text
        assert "Text messages still work." in tab["verdict"].text
        assert tab.complaints() == []


def test_what_the_homeserver_never_takes_is_told_too(sidecar, scripted, tmp_path):
    ways = [{"type": "m.login.password"}]
    small = {"m.upload.size": 50_000, "flows": ways, "user_id": "@a:b", "access_token": "t"}
    metergate = sidecar(limit="1MB/month", upstream=scripted(200, ways, small).url)
    file = tmp_path / "photo.jpg"
    file.write_bytes(bytes(60_000))
    with browser() as tab:
        tab.open(metergate.url + PAGE)
        tab.until(lambda: tab["password-form"].is_displayed())
        tab["user"].send_keys("a")
        tab["password"].send_keys("b")
        tab["password-form"].submit()
        assert "One file may have up to 50 kB right now." in tab.shown("verdict")
        tab["file"].send_keys(str(file))
        assert tab.shown("fit") == "“photo.jpg” (60 kB) is refused. This server takes files of up to 50 kB."
        assert tab.complaints() == []


def test_a_wrong_password_is_told_in_words(sidecar, new_user):
    metergate = sidecar()
    alice = new_user()
    with browser() as tab:
        tab.open(metergate.url + PAGE)
        sign_in(tab, alice, "no, another")
        assert tab.shown("trouble") == "Wrong user name or password. Check both, and try again."
        assert tab.run("return document.activeElement.id") == "password"
        assert tab["password"].get_attribute("value") == ""
        tab["password"].send_keys(alice.password)
        tab["password-form"].submit()
        assert tab.shown("who") == alice.user_id
        assert not tab["trouble"].is_displayed()
        assert tab.complaints() == []


def test_whoever_leaves_the_page_is_signed_out(sidecar, new_user):
    metergate = sidecar()
    alice = new_user()
    with browser() as tab:
        token = signed_in(tab, metergate, alice)
        tab.open("about:blank")
        tab.until(lambda: knows(metergate, token) == 401)


def test_whoever_does_nothing_is_signed_out(sidecar, new_user):
    metergate = sidecar(more='[page]\nidle = "2s"\n')
    alice = new_user()
    with browser() as tab:
        token = signed_in(tab, metergate, alice)
        assert "not used for a while" in tab.shown("notice")
        assert knows(metergate, token) == 401
        assert not tab["signed-in"].is_displayed()
        assert tab.complaints() == []


def test_a_session_that_was_ended_elsewhere_is_told(sidecar, new_user):
    metergate = sidecar()
    alice = new_user()
    with browser() as tab:
        token = signed_in(tab, metergate, alice)
        headers = {"Authorization": f"Bearer {token}"}
        assert ask(metergate.url, "POST", "/_matrix/client/v3/logout", b"{}", headers).status == 200
        tab["refresh"].click()
        assert "Your session has ended" in tab.shown("trouble")
        assert not tab["signed-in"].is_displayed()


def test_everything_is_reached_by_keyboard(sidecar, new_user):
    metergate = sidecar(more=WORDS)
    alice = new_user()
    with browser() as tab:
        tab.open(metergate.url + PAGE)
        tab.until(lambda: tab["password-form"].is_displayed())
        active = lambda: tab.driver.switch_to.active_element  # noqa: E731
        tab.run("document.body.focus()")
        press(tab, Keys.TAB)
        assert active().get_attribute("id") == "user"
        active().send_keys(alice.user_id)
        press(tab, Keys.TAB)
        active().send_keys(alice.password)
        press(tab, Keys.TAB)
        active().send_keys(Keys.ENTER)
        tab.shown("who")
        assert active().get_attribute("id") == "own"
        reached = []
        for _ in range(4):
            press(tab, Keys.TAB)
            reached.append(active().get_attribute("id") or active().tag_name)
        assert reached == ["sign-out", "file", "refresh", "a"]


def press(tab, key):
    ActionChains(tab.driver).send_keys(key).perform()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_it_looks_well_and_is_open_to_all(sidecar, new_user, tmp_path, width, dark):
    limits = 'max_upload_bytes = "900kB"\nuploads = "3/day"\n[policy.capabilities]\nupload_media = ["media_bytes", "uploads"]\n'
    metergate = sidecar(limit="2MB/month,1MB/rolling 7d", more=limits + WORDS)
    alice = new_user()
    assert alice.at(metergate.url).upload(MEGABYTE[:830_000]).status == 200
    file = tmp_path / "holiday.jpg"
    file.write_bytes(MEGABYTE[:400_000])
    name = f"quota-{width}-{'dark' if dark else 'light'}"
    with browser(width, dark) as tab:
        tab.open(metergate.url + PAGE)
        tab.until(lambda: tab["password-form"].is_displayed())
        looks_well(tab, f"{name}-1-signed-out")
        sign_in(tab, alice, "wrong")
        tab.shown("trouble")
        looks_well(tab, f"{name}-2-wrong-password")
        sign_in(tab, alice)
        tab.shown("who")
        looks_well(tab, f"{name}-3-room")
        tab["file"].send_keys(str(file))
        tab.shown("fit")
        looks_well(tab, f"{name}-4-refused-file")
        for _ in range(2):
            assert alice.at(metergate.url).upload(b"x").status == 200
        tab["refresh"].click()
        tab.until(lambda: "refused at the moment" in tab["verdict"].text)
        looks_well(tab, f"{name}-5-used-up")


def looks_well(tab, name):
    tab.screenshot(name)
    assert tab.has_no_room_to_the_side(), name
    assert tab.faults() == []
    assert tab.complaints() == []


class Cas(http.server.ThreadingHTTPServer):
    """A single sign-on in a few lines: whoever comes is casey."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _CasPages)
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _CasPages(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        place = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(place.query))
        if place.path == "/login":
            self.send_response(302)
            self.send_header("Location", f"{query['service']}&ticket=ST-1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        names = 'xmlns:cas="http://www.yale.edu/tp/cas"'
        who = "<cas:authenticationSuccess><cas:user>casey</cas:user></cas:authenticationSuccess>"
        self._answer(200, "text/xml", f"<cas:serviceResponse {names}>{who}</cas:serviceResponse>".encode())

    def _answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_single_sign_on_brings_somebody_back_signed_in(folder, sidecar):
    cas, port = Cas(), free_port()
    place = folder / "synapse-cas"
    place.mkdir()
    more = {
        "public_baseurl": f"http://127.0.0.1:{port}/",
        "cas_config": {"enabled": True, "server_url": cas.url, "idp_name": "Example Pass"},
    }
    synapse = Synapse(place, more)
    try:
        metergate = sidecar(upstream=synapse.url, port=port)
        with browser() as tab:
            tab.open(metergate.url + PAGE)
            way = tab.until(lambda: tab["providers"].find_element(By.LINK_TEXT, "Continue with Example Pass"))
            assert tab["password-form"].is_displayed() and tab["or"].is_displayed()
            tab.screenshot("quota-1440-light-6-single-sign-on")
            assert tab.faults() == [] and tab.complaints() == []
            way.click()
            # Synapse asks whether this page may know.
            tab.until(lambda: tab.driver.find_elements(By.LINK_TEXT, "Continue"))[0].click()
            assert tab.shown("who") == "@casey:localhost"
            shown = tab.requests()
            arrived = [it["url"] for it in shown if "loginToken" in it["url"]]
            assert len(arrived) == 1, "it came back with a token, which is in no further address"
            named = [urllib.parse.urlsplit(it["headers"].get("Referer", "")).path for it in shown]
            assert PAGE not in named, "nobody is told where it came from"
            assert tab.driver.current_url == metergate.url + PAGE
            session = token_of(tab, shown)
            tab.run("history.back()")
            tab.until(lambda: tab.driver.current_url != metergate.url + PAGE)
            assert "loginToken" not in tab.driver.current_url
            tab.until(lambda: knows(metergate, session) == 401)
    finally:
        synapse.end()
        cas.shutdown()


def test_the_token_of_a_sign_in_is_used_and_taken_out_of_the_address(sidecar, homeserver, new_user):
    metergate = sidecar()
    with browser() as tab:
        tab.open(f"{metergate.url}{PAGE}?loginToken=nobody_gave_this")
        assert "no longer valid" in tab.shown("trouble")
        assert tab.driver.current_url == metergate.url + PAGE
        assert tab.run("return history.length") <= 2
        assert tab["password-form"].is_displayed()
        assert tab.complaints() == []


class Scripted(http.server.ThreadingHTTPServer):
    """A homeserver that has nothing but ways to sign in; or one answer to everything."""

    def __init__(self, status, flows, answer=None):
        super().__init__(("127.0.0.1", 0), _Flows)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.status, self.answer = status, json.dumps(answer or {"flows": flows}).encode()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Flows(_CasPages):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self):
        self._answer(self.server.status, "application/json", self.server.answer)


@pytest.fixture
def scripted():
    started = []

    def start(status, flows, answer=None):
        started.append(Scripted(status, flows, answer))
        return started[-1]

    yield start
    for server in started:
        server.shutdown()


def test_several_providers_are_offered_by_name(sidecar, scripted):
    providers = [{"id": "oidc-one/&", "name": "One"}, {"id": "two", "name": "Two <i>"}]
    flows = [{"type": "m.login.sso", "identity_providers": providers}, {"type": "m.login.token"}]
    metergate = sidecar(upstream=scripted(200, flows).url)
    with browser() as tab:
        tab.open(metergate.url + PAGE)
        ways = tab.until(lambda: tab["providers"].find_elements(By.TAG_NAME, "a"))
        assert [way.text for way in ways] == ["Continue with One", "Continue with Two <i>"]
        back = urllib.parse.quote(metergate.url + PAGE, safe="")
        at = f"{metergate.url}/_matrix/client/v3/login/sso/redirect"
        assert ways[0].get_attribute("href") == f"{at}/oidc-one%2F%26?redirectUrl={back}"
        assert not tab["password-form"].is_displayed() and not tab["or"].is_displayed()
        assert tab.complaints() == []


def test_a_server_that_offers_no_way_to_sign_in_says_so(sidecar, scripted):
    metergate = sidecar(upstream=scripted(200, [{"type": "m.login.application_service"}]).url)
    with browser() as tab:
        tab.open(metergate.url + PAGE)
        assert "only through its own apps" in tab.shown("no-way")
        assert not tab["password-form"].is_displayed()
        assert tab.complaints() == []


def test_a_homeserver_that_is_away_is_told_and_asked_again(sidecar, scripted):
    homeserver = scripted(200, [{"type": "m.login.password"}])
    metergate = sidecar(upstream=homeserver.url)
    homeserver.status = 502
    with browser() as tab:
        tab.open(metergate.url + PAGE)
        assert "does not say right now how to sign in" in tab.shown("trouble")
        homeserver.status = 200
        tab["again"].click()
        tab.until(lambda: tab["password-form"].is_displayed())
        assert not tab["trouble"].is_displayed()


def test_without_javascript_it_explains_all_the_same(sidecar):
    metergate = sidecar(limit="2MB/month", more=WORDS)
    with browser() as tab:
        tab.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        tab.open(metergate.url + PAGE)
        told = tab.text()
        for words in ("2 MB each month", "With JavaScript turned on", "Text messages still work", "<b>ask us</b> & see."):
            assert words in told, words
        assert "User name" not in told
