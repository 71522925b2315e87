"""Books move from any kind of store to any other, whole, and say the same there."""

import itertools
import os
import subprocess

import pytest
from servers import PostgresServer, RedisServer, SqliteFile

KINDS = {"sqlite": SqliteFile, "redis": RedisServer, "postgres": PostgresServer}
BOOKS = (
    "group set free media_bytes=500MB/month requests=10000 --default",
    "cap set upload_media media_bytes",
    "resource set seats --aggregate max --unit count",
    "user set @alice:example.org --group free",
    "override set @bob:example.org media_bytes=1GB",
    "use @alice:example.org media_bytes 300MB --key first",
    "use @alice:example.org media_bytes 9007199254740993B",
    "use @bob:example.org requests 7",
    "reset @bob:example.org requests",
    "use @bob:example.org requests 2",
)


def metergate(url, *words):
    command = [os.environ["METERGATE_BIN"], "--storage", url, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(KINDS, 2)))
def test_what_is_moved_is_the_same_there(servers, source, target):
    here, there = (servers(KINDS[kind]).url() for kind in (source, target))
    for line in BOOKS:
        metergate(here, *line.split())

    metergate(here, "move", "--to", there)

    assert metergate(there, "export", "--usage") == metergate(here, "export", "--usage")
    for question in ("usage @alice:example.org media_bytes --json", "summary @bob:example.org --json"):
        assert metergate(there, *question.split()) == metergate(here, *question.split())
    assert '"drift":[]' in metergate(there, "rebuild", "--dry-run", "--json")
    # The key of a call came along: the same call again counts nothing.
    again = metergate(there, *"use @alice:example.org media_bytes 300MB --key first --json".split())
    assert '"replayed":true' in again
