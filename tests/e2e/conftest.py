"""The fixtures: one Synapse for the session, users that nobody used before, and a metergate per test.

A failed test shows the end of what its metergate logged. A skipped test fails the session.
"""

import itertools
import os
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "deploy"))

from servers import PostgresServer, RedisServer, SqliteFile  # noqa: E402
from stage import TARGET, child  # noqa: E402
from stage.metergate import Metergate  # noqa: E402
from stage.synapse import Synapse  # noqa: E402
from wire import Wire  # noqa: E402

_measured = []


@pytest.fixture(scope="session")
def folder():
    """The session's own place under target/; it goes with the session."""
    TARGET.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="e2e-", dir=TARGET) as path:
        yield Path(path)


@pytest.fixture(scope="session")
def homeserver(folder):
    place = folder / "synapse"
    place.mkdir()
    synapse = Synapse(place)
    yield synapse
    synapse.end()


@pytest.fixture(scope="session")
def new_user(homeserver):
    """Makes a user of this name and a number; signed in at the homeserver."""
    numbers = itertools.count(1)
    return lambda name="alice": homeserver.register(f"{name}{next(numbers)}")


@pytest.fixture
def sidecar(homeserver, folder):
    """Starts a metergate with a fresh store, where everyone may upload `limit`."""
    started = []

    def start(limit="2MB/month", more="", upstream=homeserver.url, **where):
        policy = f'[policy]\ndefault_group = "free"\n\n[policy.groups.free]\nmedia_bytes = "{limit}"\n\n{more}'
        place = Path(tempfile.mkdtemp(prefix="metergate-", dir=folder))
        started.append(Metergate(os.environ["METERGATE_BIN"], place, upstream, policy, **where))
        return started[-1]

    yield start
    for metergate in started:
        metergate.thaw()
        metergate.end()
        print(metergate.last_lines(40))


@pytest.fixture(scope="session")
def servers(folder):
    """Where books are kept, each kind started when it is first asked for."""
    started = {}

    def running(kind):
        if kind not in started:
            started[kind] = kind(Path(tempfile.mkdtemp(prefix="server-", dir=folder)))
        return started[kind]

    yield running
    for server in started.values():
        server.end()


@pytest.fixture(params=[RedisServer, PostgresServer], ids=["redis", "postgres"])
def server(request, servers):
    """A database server that the test may break."""
    running = servers(request.param)
    yield running
    running.mend()


@pytest.fixture(params=[SqliteFile, RedisServer, PostgresServer], ids=["sqlite", "redis", "postgres"])
def shared(request, servers):
    """Where several metergates keep their books together."""
    return servers(request.param)


@pytest.fixture
def wire(homeserver):
    """A relay that remembers every byte on its way to the homeserver."""
    with Wire(homeserver.url) as relay:
        yield relay


@pytest.fixture
def measured(request):
    """Notes a figure for the end of the report."""
    return lambda what: _measured.append(f"{request.node.name}: {what}")


def pytest_configure():
    child.stop_on_signals()


def pytest_terminal_summary(terminalreporter):
    if _measured:
        terminalreporter.section("measured")
        for line in _measured:
            terminalreporter.write_line(line)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    outcomes = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if outcomes.get("skipped") or outcomes.get("xfailed"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
