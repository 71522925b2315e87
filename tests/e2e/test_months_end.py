"""24 hours around a month's end, by a clock that the test sets: every window turns over to the millisecond, and nothing leaks.

The process under test reads its time from a file (libfaketime); its timeouts go by the real clock. So nothing here
depends on how fast the machine is: the clock stands still until it is set.
"""

import glob
import os
import re
import socket
import sys
import time
from collections import defaultdict
from datetime import datetime, timedelta, timezone
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "deploy"))

from homeserver import Homeserver  # noqa: E402
from stage import Failed  # noqa: E402
from stage.matrix import ask  # noqa: E402
from stage.metergate import Metergate  # noqa: E402

UPLOAD = "/_matrix/media/v3/upload"
UTC = timezone.utc
START = datetime(2026, 10, 31, 12, tzinfo=UTC)
END = datetime(2026, 11, 1, 12, tzinfo=UTC)
MS = timedelta(milliseconds=1)
#: Of one upload. With one every ten minutes, each limit below is spent before its window turns over.
SIZE = 1000


def day_of(zone):
    """The day of a place that a moment is in: its first moment, and the first of the next."""

    def day(moment):
        date = moment.astimezone(ZoneInfo(zone)).date()
        midnights = (datetime(it.year, it.month, it.day, tzinfo=ZoneInfo(zone)) for it in (date, date + timedelta(1)))
        return tuple(midnight.astimezone(UTC) for midnight in midnights)

    return day


def hour(moment):
    begun = moment.replace(minute=0, second=0, microsecond=0)
    return begun, begun + timedelta(hours=1)


def turns_at_november(moment):
    november = datetime(2026, 11, 1, tzinfo=UTC)
    return ("before", november) if moment < november else ("after", None)


def last_twelve_hours(moment):
    """What happened that long ago to the millisecond no longer counts."""
    return moment - timedelta(hours=12) + MS, None


#: By user and group: the limit as it is written, in bytes, and its windows by a plain calendar.
LIMITS = {
    "hour": ("3kB/hour", 3000, hour),
    "day": ("40kB/day", 40_000, day_of("UTC")),
    "month": ("50kB/month", 50_000, turns_at_november),
    "fixed": ("45kB/30d@2026-10-02", 45_000, turns_at_november),
    "birthday": ("48kB/year@11-01", 48_000, turns_at_november),
    "kiritimati": ("60kB/day in Pacific/Kiritimati", 60_000, day_of("Pacific/Kiritimati")),
    "newfoundland": ("55kB/day in America/St_Johns", 55_000, day_of("America/St_Johns")),
    "rolling": ("40kB/rolling 12h", 40_000, last_twelve_hours),
}


class Clock:
    """What the process under test takes for the time: always exactly what it was set to last."""

    def __init__(self, folder):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not libraries:
            raise Failed("libfaketime is not here: install it (on Debian: apt-get install faketime).")
        self._file = folder / "clock"
        self.environment = {
            "LD_PRELOAD": libraries[0],
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "TZ": "UTC",
        }
        self.set(START)

    def set(self, moment):
        self.moment = moment
        written = self._file.with_suffix(".new")
        written.write_text(moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}000000\n")
        os.replace(written, self._file)


class Books:
    """What must have been charged, by a plain list of what was let in."""

    def __init__(self):
        self.charged = defaultdict(list)

    def used(self, user, moment):
        _, _, window = LIMITS[user]
        now = window(moment)
        if user == "rolling":
            return sum(size for at, size in self.charged[user] if at >= now[0])
        return sum(size for at, size in self.charged[user] if window(at) == now)

    def fits(self, user, moment, size):
        return self.used(user, moment) + size <= LIMITS[user][1]


class Held:
    """An upload of which the second half is still to be sent."""

    def __init__(self, url, user, homeserver):
        self._connection = socket.create_connection(tuple_of(url), timeout=60)
        head = f"POST {UPLOAD} HTTP/1.1\r\nHost: example.org\r\nAuthorization: Bearer {user}\r\n"
        self._connection.sendall(f"{head}Content-Length: {2 * SIZE}\r\n\r\n".encode() + bytes(SIZE))
        came = lambda: any(user_of(seen) == user and seen.body_bytes == SIZE for seen in homeserver.at(UPLOAD))
        assert homeserver.wait_for(came, 30), "the first half never came to the homeserver"

    def finish(self):
        self._connection.sendall(bytes(SIZE))
        response = HTTPResponse(self._connection)
        response.begin()
        response.read()
        self.leave()
        return response.status

    def leave(self):
        self._connection.close()


@pytest.fixture
def homeserver():
    """One of few words, in place of a real one: it remembers every upload as it came."""
    homeserver = Homeserver()
    yield homeserver
    homeserver.close()


@pytest.fixture
def started(homeserver, tmp_path):
    """Starts a metergate before it, with this policy and environment."""
    running = []

    def start(policy, environment):
        binary = os.environ["METERGATE_BIN"]
        running.append(Metergate(binary, tmp_path, homeserver.url, policy, environment=environment))
        return running[-1]

    yield start
    for metergate in running:
        metergate.end()
        print(metergate.last_lines(40))


def test_a_months_end(homeserver, started, tmp_path, measured):
    clock, books = Clock(tmp_path), Books()
    groups = "".join(f'[policy.groups.{name}]\nmedia_bytes = "{limit[0]}"\n' for name, limit in LIMITS.items())
    rules = "".join(f'[[policy.rules]]\nmatch = "@{name}:*"\ngroup = "{name}"\n' for name in LIMITS)
    policy = f'[policy]\ndefault_group = "day"\n{groups}{rules}'
    metergate = started(policy, clock.environment)
    held = lambda user: Held(metergate.url, user, homeserver)
    moments, refused, early = all_moments(), defaultdict(int), None
    for place, moment in enumerate(moments):
        if moment == datetime(2026, 11, 1, tzinfo=UTC):
            # Begun in the last millisecond of October, one for good and one in vain.
            whole, broken = held("whole"), held("broken")
        clock.set(moment)
        if place == len(moments) // 4:
            early = footprint(metergate.pid)
        for user in LIMITS:
            refused[user] += not upload(metergate, clock, books, user)
        if moment == datetime(2026, 11, 1, tzinfo=UTC):
            assert whole.finish() == 200
            broken.leave()
    assert all(refused.values()), f"who was never refused tells nothing of a turn: {dict(refused)}"

    # What was held over midnight is in October; what broke off is nowhere.
    homeserver.wait_for(lambda: figures(metergate, "broken")["reserved"] == 0, 30)
    assert by_hour(metergate, "whole") == {datetime(2026, 10, 31, 23, tzinfo=UTC): 2 * SIZE}
    assert figures(metergate, "whole")["used"] == 0
    assert by_hour(metergate, "broken") == {}

    # Ledger, homeserver and what was let in agree, hour by hour.
    kept = defaultdict(int)
    for seen in homeserver.at(UPLOAD):
        kept[user_of(seen)] += seen.body_bytes if seen.whole else 0
    for user in LIMITS:
        expected = defaultdict(int)
        for at, size in books.charged[user]:
            expected[hour(at)[0]] += size
        assert by_hour(metergate, user) == dict(expected), user
        assert figures(metergate, user)["used"] == books.used(user, END), user
        assert figures(metergate, user)["reserved"] == 0, user
        assert kept[user] == sum(size for _, size in books.charged[user]), user
    assert kept["whole"] == 2 * SIZE
    assert kept["broken"] == 0

    # Nothing is left open, and nothing has grown.
    told = ask(metergate.admin_url, "GET", "/metrics").body.decode()
    assert re.search(r"^metergate_reservations_open(\{.*\})? 0$", told, re.MULTILINE), told
    late = footprint(metergate.pid)
    measured(f"{early} (KiB, files) after a quarter, {late} at the end")
    assert late[0] - early[0] < 16 * 1024
    assert late[1] - early[1] <= 16


def all_moments():
    """Every ten minutes, and the last millisecond before each hour and each half."""
    moments, moment = set(), START
    while moment <= END:
        moments.add(moment)
        if moment.minute in (0, 30) and moment > START:
            moments.add(moment - MS)
        moment += timedelta(minutes=10)
    return sorted(moments)


def upload(metergate, clock, books, user):
    """Uploads a file, which must be let in exactly if it fits; whether it was."""
    moment, (_, limit, window) = clock.moment, LIMITS[user]
    fits, used = books.fits(user, moment, SIZE), books.used(user, moment)
    answer = ask(metergate.url, "POST", UPLOAD, bytes(SIZE), {"Authorization": f"Bearer {user}"})
    assert answer.status == (200 if fits else 429), (user, moment, used, answer.body)
    if fits:
        books.charged[user].append((moment, SIZE))
        return True
    told = answer.json["org.metergate.quota"]
    assert (told["used"], told["limit"], told["reserved"]) == (used, limit, 0), (user, moment)
    _, end = window(moment)
    if end:
        wait = (end - moment) / MS
        assert told["resets_at"] == end.strftime("%Y-%m-%dT%H:%M:%SZ"), (user, moment)
        assert int(answer.headers["Retry-After"]) == min(60, -(-wait // 1000)), (user, moment)
    return False


def figures(metergate, user):
    return metergate.usage_served(f"@{user}:example.org")


def by_hour(metergate, user):
    """What the ledger says was used, by the hour it was used in."""
    span = "start=2026-10-31T00:00:00Z&end=2026-11-02T00:00:00Z"
    path = f"/v1/history?subject=@{user}:example.org&resource=media_bytes&step=hour&{span}"
    told = ask(metergate.admin_url, "GET", path).json
    steps = told if isinstance(told, list) else told["items"]
    return {datetime.fromisoformat(it["start"].replace("Z", "+00:00")): it["used"] for it in steps if it["used"]}


def user_of(seen):
    return seen.headers["Authorization"].split()[-1]


def tuple_of(url):
    place = urlsplit(url)
    return place.hostname, place.port


def footprint(pid):
    """The memory of a process in KiB, and how many files it has open."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]), len(os.listdir(f"/proc/{pid}/fd"))
