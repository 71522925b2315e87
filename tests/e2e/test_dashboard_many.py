"""With 100,000 subjects each page asks for little, and gets it."""

import json

import pytest
from browser import browser
from dashboard import Dashboard, Homeserver, started

MANY = 100_000
# What one look at a page may ask for, and get.
REQUESTS, BYTES = 40, 400_000


@pytest.fixture(scope="module")
def crowd(folder):
    homeserver = Homeserver()
    metergate = started(folder, homeserver.url)
    metergate.command("group", "set", "free", "media_bytes=500MB/month", "--default")
    document = json.loads(metergate.command("export", "--usage"))
    metergate.command("use", "@seed:example.org", "media_bytes", "1MB")
    line = json.loads(metergate.command("export", "--usage"))["events"][0]
    line.pop("id", None)
    lines = [
        line | {"subject": f"@user{number:06}:example.org", "amount": 1 + number * 7_919 % 520_000_000}
        for number in range(MANY)
    ]
    place = metergate.config.with_name("many.json")
    place.write_text(json.dumps(document | {"events": lines}))
    metergate.command("import", str(place), "--replace")
    yield metergate
    metergate.end()
    homeserver.end()


def test_every_page_answers_and_none_loads_everything(crowd):
    with browser() as tab:
        page = Dashboard(tab, crowd).enter()
        for name, words in [
            ("", "At their limit"),
            ("subjects", "@user000000:example.org"),
            ("subjects?prefix=%40user0999", "@user099900:example.org"),
            ("subjects?sort=last_activity", "@user"),
            ("subjects?group=free", "@user000000:example.org"),
            ("subjects/%40user031415%3Aexample.org", "The last 90 days"),
            ("groups", "@user000000:example.org"),
            ("rules", "Capabilities"),
            ("events", "@user099999:example.org"),
        ]:
            tab.requests()
            tab.driver.get_log("performance")
            # A debug build looks at 100,000 slowly, the more so on a busy machine.
            page.go(name, patience=6)
            page.says(words)
            asked, got = measured(tab)
            assert 0 < asked <= REQUESTS, (name, asked)
            assert got <= BYTES, (name, got)
            assert len(page.all("tbody tr, .people li")) <= 400, name
        assert tab.complaints() == []
        assert tab.faults() == []


def test_the_list_goes_on_page_by_page(crowd):
    with browser() as tab:
        page = Dashboard(tab, crowd).enter().go("subjects?prefix=%40user0990")
        seen = []
        while True:
            seen += [it.text for it in page.all("tbody th")]
            onward = [it for it in page.all(".pager a") if it.text == "Next page"]
            if not onward:
                break
            last = seen[-1]
            tab.run("arguments[0].click()", onward[0])
            tab.until(lambda last=last: page.all("tbody th") and page.all("tbody th")[0].text > last)
        assert seen == [f"@user{number:06}:example.org" for number in range(99_000, 99_100)]


def measured(tab):
    """How many answers of /v1 came, and how large they were together."""
    events = [json.loads(entry["message"])["message"] for entry in tab.driver.get_log("performance")]
    calls = {
        it["params"]["requestId"]
        for it in events
        if it["method"] == "Network.requestWillBeSent" and "/v1/" in it["params"]["request"]["url"]
    }
    sizes = [
        it["params"]["encodedDataLength"]
        for it in events
        if it["method"] == "Network.loadingFinished" and it["params"]["requestId"] in calls
    ]
    return len(calls), sum(sizes)
