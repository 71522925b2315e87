"""The dashboard's pages: each is sound in every look, stays true by itself, and says what is wrong."""

import contextlib

import pytest
from browser import browser
from dashboard import NARROW, TOKEN, WIDE, Dashboard, Homeserver, lived_in, started
from selenium.webdriver.common.keys import Keys
from servers import RedisServer
from stage.matrix import ask

PAGES = {
    "overview": "",
    "subjects": "subjects",
    "subject": "subjects/%40bob%3Aexample.org",
    "groups": "groups",
    "rules": "rules",
    "events": "events",
}
LOOKS = [(WIDE, False), (WIDE, True), (NARROW, False), (NARROW, True)]


@pytest.fixture(scope="module")
def upstream():
    homeserver = Homeserver()
    yield homeserver.url
    homeserver.end()


@pytest.fixture(scope="module")
def house(folder, upstream):
    """One that has been lived in; tests here change nothing in it."""
    metergate = lived_in(started(folder, upstream))
    yield metergate
    metergate.end()


@pytest.fixture(scope="module")
def seen(house):
    """Somebody who is signed in, to look only."""
    with browser() as tab:
        yield Dashboard(tab, house).enter()


@pytest.fixture
def of_its_own(folder, upstream):
    """Starts metergates that a test may break, each with a browser."""
    with contextlib.ExitStack() as stack:

        def start(**where):
            metergate = started(folder, upstream, **where)
            stack.callback(metergate.end)
            return Dashboard(stack.enter_context(browser()), metergate)

        yield start


@pytest.mark.parametrize(("width", "dark"), LOOKS, ids=["wide-light", "wide-dark", "narrow-light", "narrow-dark"])
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_sound_in_every_look(seen, page, width, dark):
    seen.tab.look(width, dark)
    seen.tab.complaints()
    seen.tab.requests()
    seen.go(PAGES[page])
    assert seen.tab.has_no_room_to_the_side()
    assert len(seen.all("h1")) == 1 and seen.driver.title.endswith("Metergate")
    seen.tab.screenshot(f"{page}-{'wide' if width == WIDE else 'narrow'}-{'dark' if dark else 'light'}")
    assert seen.tab.faults() == []
    assert seen.tab.complaints() == []
    asked = [it["url"].removeprefix(seen.metergate.admin_url) for it in seen.tab.requests()]
    ours = ("/v1/", "/readyz", "/session", "/script/", "/style/", "about:blank")
    assert [it for it in asked if it != "/" and not it.startswith(ours)] == []


@pytest.mark.parametrize(("width", "dark"), LOOKS, ids=["wide-light", "wide-dark", "narrow-light", "narrow-dark"])
def test_what_is_asked_is_sound_in_every_look(seen, width, dark):
    seen.tab.look(width, dark)
    for page, action, name in [("groups", "Add a group", "group"), (PAGES["subject"], "Override", "override")]:
        seen.go(page)
        seen.tab.complaints()
        seen.press(action)
        seen.tab.until(lambda: seen.has("dialog[open]"))
        seen.tab.screenshot(f"dialog-{name}-{'wide' if width == WIDE else 'narrow'}-{'dark' if dark else 'light'}")
        assert seen.tab.faults() == []
        seen.press("Cancel", "dialog")
        assert seen.tab.complaints() == []


def test_the_token_is_asked_for_and_only_the_right_one_lets_in(of_its_own):
    page = of_its_own()
    page.tab.open(page.metergate.admin_url)
    page.tab.until(lambda: page.has("#token"))
    for width, dark in LOOKS:
        page.tab.look(width, dark)
        page.tab.screenshot(f"sign-in-{'wide' if width == WIDE else 'narrow'}-{'dark' if dark else 'light'}")
        assert page.tab.faults() == []
    page.one("#token").send_keys("wrong", Keys.ENTER)
    page.tab.until(lambda: "This is not the token" in page.main())
    assert page.tab.faults() == []
    page.one("#token").send_keys(TOKEN, Keys.ENTER)
    page.tab.until(page.is_read)
    page.says("Overview")
    # What stands for the token is out of reach of scripts, and the token is nowhere.
    kept = page.tab.run("return [document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage), location.href].join()")
    assert "metergate_session" not in kept and TOKEN not in kept
    cookie = page.driver.get_cookie("metergate_session")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)
    # A reload asks for nothing; signing out ends it here and at the server.
    page.tab.open("about:blank")
    page.tab.open(page.metergate.admin_url)
    page.tab.until(page.is_read)
    page.press("Sign out")
    page.says("You are signed out.")
    headers = {"Cookie": f"metergate_session={cookie['value']}"}
    assert ask(page.metergate.admin_url, "GET", "/v1/groups", headers=headers).status == 401
    assert page.tab.complaints() == []


def test_without_a_token_nothing_is_asked_for(of_its_own):
    page = of_its_own(token=None)
    page.tab.open(page.metergate.admin_url)
    page.tab.until(page.is_read)
    page.says("Overview")
    assert not page.has("#token") and "Sign out" not in page.tab.text()
    assert page.tab.complaints() == []


def test_the_overview_tells_what_happened(seen):
    seen.tab.look(WIDE, False)
    seen.go()
    tiles = seen.one(".tiles").text
    for words in ["Uploaded today", "1.38 GB", "At their limit", "Under way"]:
        assert words in tiles, tiles
    if ask(seen.metergate.admin_url, "GET", "/v1/refusals", headers={"Authorization": f"Bearer {TOKEN}"}).status == 404:
        assert "not known here" in seen.card("Refused over time")
    else:
        assert "Refused today" in tiles and "2 uploads" in seen.card("Refused over time")
    assert "answers" in seen.one(".lamps").text
    assert "@carol:example.org" in seen.card("At their limit")
    assert "@bridge_irc:example.org" in seen.card("Most used this month")
    # The exact amount shows on focus; the chart is read by keys, and as a table.
    exact = seen.one(".tiles [data-exact]")
    assert exact.get_attribute("data-exact") == "1,384,000,000 bytes"
    plot = seen.one("figure .plot")
    seen.tab.run("arguments[0].focus()", plot)
    plot.send_keys(Keys.ARROW_LEFT)
    assert "1.38 GB" in seen.one("figure output").text
    plot.send_keys(Keys.ARROW_LEFT)
    assert "0 B" in seen.one("figure output").text
    seen.one("figure summary").click()
    table = seen.one("figure table").text
    assert "1.38 GB (1,384,000,000 bytes)" in table
    seen.press("90 days")
    seen.tab.until(lambda: len(seen.all("figure .slot")) >= 90)
    seen.press("30 days")


def test_a_subject_tells_what_is_left_and_what_decides(seen):
    seen.tab.look(WIDE, False)
    seen.subject("@bob:example.org")
    card = seen.card("Media")
    for words in ["24 MB of 1.2 GB", "2 %", "1.18 GB left", "resets in", "Decided by an override of its own"]:
        assert words in card, card
    seen.one(".why summary").click()
    claims = seen.one(".claims").text
    assert "an override of its own" in claims and "in force" in claims
    assert "the default group free" in claims and "not asked" in claims
    own = seen.card("Of its own")
    assert "asked on Monday" in own and "200 MB more" in own
    assert "24 MB" in seen.card("Ledger")
    seen.subject("@carol:example.org")
    assert "176 %: limit reached" in seen.card("Media")
    seen.subject("@admin:example.org")
    seen.says("Nothing is refused; all is counted.")
    # One that nobody has heard of can be given something, too.
    seen.subject("@new:example.org")
    seen.says("Nothing has happened yet")


def test_subjects_are_found_by_how_they_begin(seen):
    seen.tab.look(WIDE, False)
    seen.go("subjects")
    assert "@alice:example.org" in seen.main() and "@dave:example.org" in seen.main()
    seen.one("#prefix").send_keys("@b")
    seen.tab.until(lambda: "@alice:example.org" not in seen.main())
    assert "@bob:example.org" in seen.main() and "@bridge_irc:example.org" in seen.main()
    assert seen.driver.switch_to.active_element == seen.one("#prefix")
    assert "prefix=%40b" in seen.driver.current_url
    seen.one("#prefix").send_keys("zzz")
    seen.says("Nobody is known whose name begins with")
    seen.one("#prefix").clear()
    seen.one("#prefix").send_keys("@new:example.org", Keys.ENTER)
    seen.tab.until(lambda: seen.one("h1").text == "@new:example.org")
    seen.go("subjects?sort=last_activity")
    names = [it.text for it in seen.all("tbody th")]
    assert names[-1] == "@admin:example.org" and set(names) >= {"@erin:example.org", "@bob:example.org"}
    seen.go("subjects?group=patron")
    assert [it.text for it in seen.all("tbody th")] == ["@alice:example.org"]


def test_what_the_file_says_is_shown_and_cannot_be_changed(seen):
    seen.tab.look(WIDE, False)
    seen.go("groups")
    card = seen.card("bridges")
    assert "file" in card and "metergate.toml" in card and "unlimited" in card
    assert "Edit" not in card and "Remove" not in card
    seen.go("rules")
    first = seen.one("tbody tr").text
    assert "@bridge_*:example.org" in first and "metergate.toml" in first and "read-only" in first


def test_events_and_webhooks_are_told(seen):
    seen.tab.look(WIDE, False)
    seen.go("events")
    assert "127.0.0.1" in seen.card("Webhooks") and "waiting" in seen.card("Webhooks")
    assert "/hook" not in seen.tab.text() and "s3cret" not in seen.tab.text()
    events = seen.card("Events")
    for words in ["@erin:example.org", "uploaded", "8 MB", "@bridge_irc:example.org", "900 MB"]:
        assert words in events, events


def test_what_changes_shows_without_a_reload_and_nothing_else_moves(of_its_own):
    page = of_its_own().enter()
    page.metergate.command("group", "set", "free", "media_bytes=500MB/month", "--default")
    for number in range(40):
        page.metergate.command("use", f"@user{number:02}:example.org", "media_bytes", "1MB")
    page.go("events")
    page.tab.until(lambda: "@user39:example.org" in page.main())
    page.tab.run("window.stays = document.querySelector('h1'); scrollTo(0, 600)")
    link = page.one("tbody tr:nth-child(20) a")
    name = link.text
    page.tab.run("arguments[0].focus({preventScroll: true})", link)
    page.metergate.command("use", "@late:example.org", "media_bytes", "7MB")
    page.tab.until(lambda: "@late:example.org" in page.main())
    assert page.driver.switch_to.active_element.text == name
    assert page.tab.run("return scrollY") >= 500
    assert page.tab.run("return window.stays.isConnected")
    # What is being written stays, too.
    page.go("subjects")
    page.one("#prefix").send_keys("@us")
    page.tab.until(lambda: "@late" not in page.main())
    page.metergate.command("use", "@us:example.org", "media_bytes", "1MB")
    page.tab.until(lambda: "@us:example.org" in page.main())
    assert page.one("#prefix").get_attribute("value") == "@us"
    assert page.tab.complaints() == []


def test_a_page_that_is_hidden_asks_nothing(of_its_own):
    page = of_its_own().enter().go("events")
    page.tab.run("Object.defineProperty(document, 'hidden', {value: true, configurable: true}); document.dispatchEvent(new Event('visibilitychange'))")
    page.tab.requests()
    page.metergate.command("use", "@late:example.org", "media_bytes", "7MB")
    # Longer than the page waits between two looks.
    page.tab.run("window.over = false; setTimeout(() => { window.over = true; }, 6000)")
    page.tab.until(lambda: page.tab.run("return window.over"))
    assert page.tab.requests() == []
    page.tab.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    page.says("@late:example.org")


def test_an_empty_house_says_what_to_do_next(of_its_own):
    page = of_its_own(policy="").enter()
    for name, words in [
        ("", "metergate use @alice:example.org media_bytes 5MB"),
        ("subjects", "metergate use @alice:example.org media_bytes 5MB"),
        ("groups", "metergate group set free media_bytes=500MB/month --default"),
        ("rules", "metergate rule add"),
        ("events", "metergate use @alice:example.org media_bytes 5MB"),
    ]:
        page.go(name)
        page.says(words)
        assert page.tab.faults() == []
        page.tab.screenshot(f"empty-{name or 'overview'}")
    assert page.tab.complaints() == []


def test_that_metergate_is_gone_is_said_and_mends_itself(of_its_own):
    page = of_its_own(token=None)
    page.tab.open(page.metergate.admin_url)
    page.tab.until(page.is_read)
    page.metergate.end()
    page.says("metergate does not answer", "#trouble")
    assert "Overview" in page.main(), "what was known stays"
    page.tab.screenshot("gone")
    assert page.tab.faults() == []
    page.metergate.start()
    page.tab.until(lambda: page.one("#trouble").text == "")


def test_that_one_is_signed_out_is_said(of_its_own):
    page = of_its_own().enter()
    page.metergate.end()
    page.metergate.start()
    page.says("You were signed out")
    page.one("#token").send_keys(TOKEN, Keys.ENTER)
    page.tab.until(page.is_read)


def test_that_the_store_is_out_is_said(of_its_own, servers):
    redis = servers(RedisServer)
    page = of_its_own(storage=redis.url(), books='timeout = "1s"').enter()
    try:
        redis.stop()
        page.says("The store is out", "#trouble")
        page.tab.screenshot("store-out")
        assert page.tab.faults() == []
    finally:
        redis.mend()
    page.tab.until(lambda: page.one("#trouble").text == "")


def test_it_is_used_by_keys_alone(seen):
    seen.tab.look(WIDE, False)
    seen.go("groups")
    seen.tab.run("document.activeElement.blur(); scrollTo(0, 0)")
    press = seen.driver.switch_to.active_element.send_keys
    press(Keys.TAB)
    active = lambda: seen.driver.switch_to.active_element  # noqa: E731
    seen.tab.run("document.getElementById('skip').focus()")
    active().send_keys(Keys.ENTER)
    assert active().get_attribute("id") == "main"
    # Into a dialog, which keeps the focus, and out of it to where one was.
    button = next(it for it in seen.all("main button") if it.text == "Add a group")
    seen.tab.run("arguments[0].focus()", button)
    active().send_keys(Keys.ENTER)
    seen.tab.until(lambda: seen.has("dialog[open]"))
    assert active().get_attribute("name") == "name"
    for _ in range(30):
        active().send_keys(Keys.TAB)
        assert seen.tab.run("return document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    seen.tab.run("document.querySelector('dialog input').focus()")
    active().send_keys(Keys.ESCAPE)
    seen.tab.until(lambda: not seen.has("dialog"))
    assert active().text == "Add a group"
    # Whoever follows a link is at the top of the new page.
    link = next(it for it in seen.all("nav a") if it.text == "Events")
    seen.tab.run("arguments[0].focus()", link)
    active().send_keys(Keys.ENTER)
    seen.tab.until(lambda: active().tag_name == "h1" and active().text == "Events and deliveries")


def test_the_colours_are_chosen_and_stay(seen):
    seen.tab.look(WIDE, False)
    seen.go()
    ground = lambda: seen.tab.run("return getComputedStyle(document.documentElement).backgroundColor")  # noqa: E731
    light = ground()
    seen.one("#theme").send_keys("Dark")
    seen.tab.until(lambda: ground() != light)
    seen.tab.open("about:blank")
    seen.tab.open(seen.metergate.admin_url)
    seen.tab.until(seen.is_read)
    assert ground() != light
    seen.one("#theme").send_keys("System")
    seen.tab.until(lambda: ground() == light)
