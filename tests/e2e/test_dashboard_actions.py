"""What can be done in the dashboard: each action, what the books say of it, and that it can be undone or asks first."""

import pytest
from browser import browser
from dashboard import NARROW, WIDE, Dashboard, Homeserver, lived_in, started

SUBJECT = "@bob:example.org"


@pytest.fixture(scope="module")
def house(folder):
    homeserver = Homeserver()
    metergate = lived_in(started(folder, homeserver.url))
    yield metergate
    metergate.end()
    homeserver.end()


@pytest.fixture(scope="module", params=[(WIDE, False), (NARROW, True)], ids=["wide-light", "narrow-dark"])
def at(request, house):
    width, dark = request.param
    with browser(width, dark) as tab:
        yield Dashboard(tab, house).enter()


@pytest.fixture(autouse=True)
def nothing_is_complained_of(at):
    at.tab.complaints()
    yield
    assert at.tab.complaints() == []


def shown(at, subject=SUBJECT):
    return at.told("user", "show", subject)


def test_a_subject_is_put_in_a_group_and_back(at):
    before = shown(at)
    at.subject(SUBJECT)
    at.press("Put in group")
    at.fill(group="patron", until="2099-02-03")
    at.done("Put in group")
    at.notice("@bob:example.org is in group patron.")
    at.says("In group patron … put there")
    now = shown(at)
    assert (now["group"], now["by"], now["until"]) == ("patron", "group", "2099-02-03T00:00:00Z")
    at.tab.screenshot("undo")
    at.undo()
    at.says("In group free")
    assert shown(at) == before


def test_a_group_is_taken_away_and_given_back(at):
    alice = "@alice:example.org"
    before = shown(at, alice)
    at.subject(alice)
    at.press("Remove Group patron")
    at.says("In group free … as everyone")
    assert shown(at, alice)["by"] == "default"
    at.undo()
    at.says("In group patron")
    assert shown(at, alice) == before


def test_an_override_is_set_and_undone(at):
    before = shown(at)
    at.subject(SUBJECT)
    at.press("Override")
    at.press("Set override", "dialog")
    at.says("Write a limit, such as 1GB/month.", "dialog")
    at.fill(limit="5 apples")
    at.press("Set override", "dialog")
    at.tab.until(lambda: "apples" in at.one("dialog .wrong").text)
    at.fill(resource="media_bytes", limit="2GB/month, 300MB/day", note="for the summer", until="2099-02-03")
    at.done("Set override")
    at.notice("has its own limit of media_bytes")
    at.says("24 MB of 2.2 GB … 24 MB of 500 MB … for the summer")
    override = shown(at)["overrides"]["media_bytes"]
    assert override["limit"] == ["2000000000/month", "300000000/day"]
    assert (override["note"], override["until"]) == ("for the summer", "2099-02-03T00:00:00Z")
    at.undo()
    at.says("24 MB of 1.2 GB … asked on Monday")
    assert shown(at) == before


def test_an_override_is_removed_and_given_back(at):
    before = shown(at)
    at.subject(SUBJECT)
    at.press("Remove media_bytes: 1 GB")
    at.says("Decided by the default group free")
    assert shown(at)["overrides"] == {}
    at.undo()
    at.says("Decided by an override of its own")
    assert shown(at) == before


def test_a_boost_is_added_and_undone(at):
    before = shown(at)
    at.subject(SUBJECT)
    at.press("Boost")
    at.fill(amount="300MB", note="wedding")
    at.press("Add boost", "dialog")
    at.says("Choose the day on which it ends.", "dialog")
    at.fill(until="2099-05-06")
    at.done("Add boost")
    at.says("24 MB of 1.5 GB … 500 MB more … wedding")
    assert [it["amount"] for it in shown(at)["boosts"]["media_bytes"]] == [200_000_000, 300_000_000]
    at.undo()
    at.says("24 MB of 1.2 GB")
    assert shown(at) == before
    at.press("Remove media_bytes: 200 MB more")
    at.says("24 MB of 1 GB")
    assert shown(at)["boosts"] == {}
    at.undo()
    at.says("24 MB of 1.2 GB")
    assert shown(at) == before


def test_a_subject_is_exempt_and_no_more(at):
    before = shown(at)
    at.subject(SUBJECT)
    at.press("Exempt")
    at.done("Exempt")
    at.says("Nothing is refused; all is counted. … Exempt from every limit")
    assert shown(at)["exempt"] is True
    at.undo()
    at.says("In group free")
    assert shown(at) == before
    at.subject("@admin:example.org")
    at.press("Remove Exempt from every limit")
    at.says("In group free")
    assert shown(at, "@admin:example.org")["exempt"] is False
    at.undo()
    at.says("Nothing is refused")
    assert shown(at, "@admin:example.org")["exempt"] is True


def test_a_reset_asks_first_and_resets(at):
    dave = "@dave:example.org"
    at.metergate.command("use", dave, "media_bytes", "1MB")
    before = at.metergate.usage(dave)["used"]
    at.subject(dave)
    at.press("Reset")
    at.says("this cannot be undone", "dialog")
    at.press("Cancel", "dialog")
    assert at.metergate.usage(dave)["used"] == before > 0
    at.press("Reset")
    at.fill(resource="media_bytes")
    at.done("Reset")
    at.says("0 B of 500 MB")
    assert at.metergate.usage(dave)["used"] == 0
    assert "reset" in at.card("Ledger")


def test_a_group_is_added_changed_with_a_preview_and_removed(at):
    at.go("groups")
    at.press("Add a group")
    at.fill(name="guests", resource="media_bytes", limit="10MB/day", size="2MB", base="free")
    at.done("Add group")
    at.notice("Group guests is added.")
    at.tab.until(lambda: "10 MB/day" in at.card("guests"))
    assert at.told("group", "show", "guests")["limits"] == {
        "media_bytes": "10000000/day", "max_upload_bytes": 2_000_000, "extends": "free"
    }
    at.metergate.command("user", "set", "@dave:example.org", "--group", "guests")
    at.metergate.command("use", "@dave:example.org", "media_bytes", "3MB")
    at.go("groups")
    at.press("Edit guests")
    at.says("None of them would be at the limit.", "dialog")
    at.fill(limit="1MB/day, 5MB/month")
    at.says("1 member … would be reached at once … @dave:example.org", "dialog")
    at.tab.screenshot(f"preview-{at.tab.run('return innerWidth')}")
    assert at.tab.faults() == []
    at.fill(limit="1MB/fortnight")
    at.tab.until(lambda: "fortnight" in at.one("dialog .affected").text)
    at.fill(limit="1MB/day, 5MB/month")
    at.done("Save")
    at.tab.until(lambda: "1 MB/day, 5 MB/month" in at.card("guests"))
    at.undo()
    at.tab.until(lambda: "10 MB/day" in at.card("guests"))
    # One that is needed stays, and says by whom.
    at.press("Remove guests")
    at.press("Remove group", "dialog")
    at.tab.until(lambda: "@dave:example.org" in at.one("dialog .wrong").text)
    at.press("Cancel", "dialog")
    at.metergate.command("user", "remove", "@dave:example.org")
    at.press("Remove guests")
    at.done("Remove group")
    at.tab.until(lambda: not at.card("guests"))
    at.undo()
    at.tab.until(lambda: "10 MB/day" in at.card("guests"))
    at.metergate.command("group", "remove", "guests")


def test_a_group_made_the_default_can_be_undone(at):
    at.go("groups")
    at.press("Add a group")
    at.fill(name="newcomers", resource="media_bytes", limit="10MB/day")
    at.tab.run("arguments[0].click()", at.one("dialog [name='default']"))
    at.done("Add group")
    at.tab.until(lambda: "default" in at.card("newcomers"))
    assert "default" not in at.card("free")
    at.undo()
    at.tab.until(lambda: not at.card("newcomers"))
    assert at.told("group", "show", "free")["default"] is True


def rules(at):
    return [it["match"] for it in at.told("rule", "list")]


def test_rules_are_added_moved_and_removed(at):
    first = rules(at)
    assert first == ["@bridge_*:example.org", "@ghost_*:example.org", "@*_bot:example.org"]
    at.go("rules")
    at.press("Add a rule")
    at.press("Add rule", "dialog")
    at.says("Write which names match", "dialog")
    at.fill(match="@guest_*:example.org", group="patron")
    at.done("Add rule")
    at.says("@guest_*:example.org")
    assert rules(at) == [*first, "@guest_*:example.org"]
    at.press("Move up @guest_*:example.org")
    at.tab.until(lambda: rules(at) == [*first[:2], "@guest_*:example.org", first[2]])
    at.undo()
    at.tab.until(lambda: rules(at) == [*first, "@guest_*:example.org"])
    at.press("Move down @ghost_*:example.org")
    at.tab.until(lambda: rules(at) == [first[0], first[2], first[1], "@guest_*:example.org"])
    at.undo()
    at.press("Remove @ghost_*:example.org")
    at.tab.until(lambda: "@ghost_*:example.org" not in rules(at))
    at.undo()
    at.tab.until(lambda: rules(at) == [*first, "@guest_*:example.org"])
    at.press("Remove @guest_*:example.org")
    at.tab.until(lambda: rules(at) == first)


def capabilities(at):
    return at.told("cap", "list")


def test_capabilities_are_added_changed_and_removed(at):
    first = capabilities(at)
    at.go("rules")
    at.press("Add a capability")
    at.fill(name="export_room", resources="exports, media_bytes")
    at.done("Add capability")
    at.says("export_room")
    assert capabilities(at)["export_room"] == ["exports", "media_bytes"]
    at.press("Edit export_room")
    at.fill(resources="exports")
    at.done("Save")
    at.tab.until(lambda: capabilities(at)["export_room"] == ["exports"])
    at.undo()
    at.tab.until(lambda: capabilities(at)["export_room"] == ["exports", "media_bytes"])
    at.press("Remove export_room")
    at.done("Remove capability")
    at.tab.until(lambda: capabilities(at) == first)
    at.undo()
    at.tab.until(lambda: "export_room" in capabilities(at))
    at.metergate.command("cap", "remove", "export_room")


def test_the_ledger_goes_back_page_by_page(at):
    for number in range(60):
        at.metergate.command("use", "@paged:example.org", "media_bytes", f"{number + 1}kB")
    at.subject("@paged:example.org")
    assert "60 kB" in at.card("Ledger") and " 5 kB" not in at.card("Ledger")
    older = at.one("nav[aria-label='Pages of the ledger'] a")
    at.tab.run("arguments[0].click()", older)
    at.tab.until(lambda: "35 kB" in at.card("Ledger") and "60 kB" not in at.card("Ledger"))
    at.tab.run("[...document.querySelectorAll('.pager a')].find((it) => it.textContent === 'Older').click()")
    at.tab.until(lambda: "10 kB" in at.card("Ledger"))
    at.tab.run("[...document.querySelectorAll('.pager a')].find((it) => it.textContent === 'Newest').click()")
    at.tab.until(lambda: "60 kB" in at.card("Ledger"))
