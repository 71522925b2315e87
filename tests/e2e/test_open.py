"""With `on_outage = "open"` uploads go on while the store is out, and each is charged exactly once when it is back."""

import os

import pytest
from books import books_are_right
from by_hand import UploadByHand
from faults import ANSWERS_WITHIN, FAULTS, TIMEOUT, Load, in_time
from waiting import until

SIZE = 100_000


@pytest.fixture
def start(sidecar, server):
    """Starts a metergate that stays open, on a store of its own on the server."""
    books = f'timeout = "{TIMEOUT}s"\non_outage = "open"\njournal = "uploads.journal"\n'
    return lambda limit="50MB/month", **where: sidecar(limit=limit, storage=server.url(), books=books, **where)


@pytest.mark.parametrize("fault", FAULTS)
def test_uploads_go_on_and_are_charged_later(start, fault, server, new_user, homeserver):
    metergate = start()
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(SIZE)).status == 200

    getattr(server, fault)()
    for _ in range(5):
        assert in_time(lambda: alice.upload(os.urandom(SIZE))).status == 200
    server.mend()

    assert books_are_right(metergate, homeserver, alice) == 6 * SIZE
    assert alice.upload(os.urandom(SIZE)).status == 200
    assert books_are_right(metergate, homeserver, alice) == 7 * SIZE


@pytest.mark.parametrize("fault", FAULTS)
def test_an_upload_that_began_before_ends_well(start, fault, server, new_user, homeserver):
    metergate = start()
    alice = new_user().at(metergate.url)
    upload = UploadByHand(alice, 300_000)
    upload.send(os.urandom(150_000))
    until(lambda: metergate.usage_served(alice.user_id)["reserved"] == 300_000)

    getattr(server, fault)()
    upload.send(os.urandom(150_000))
    assert in_time(upload.answer).status == 200
    server.mend()

    assert books_are_right(metergate, homeserver, alice) == 300_000


@pytest.mark.parametrize("first", ["metergate", "store"])
@pytest.mark.parametrize("fault", ["stop", "kill"])
def test_a_kill_of_metergate_in_an_outage_loses_no_charge(start, fault, first, server, new_user, homeserver):
    metergate = start()
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(SIZE)).status == 200

    getattr(server, fault)()
    for _ in range(3):
        assert in_time(lambda: alice.upload(os.urandom(SIZE))).status == 200
    metergate.kill()
    uploads = 4
    if first == "metergate":
        metergate.start(answers="/healthz")
        assert in_time(lambda: alice.upload(os.urandom(SIZE))).status == 200
        uploads += 1
        server.mend()
    else:
        server.mend()
        metergate.start()

    assert books_are_right(metergate, homeserver, alice) == uploads * SIZE


def test_what_needs_no_counting_still_holds(start, server, new_user):
    metergate = start(limit='1MB/month"\nmax_upload_bytes = "200kB')
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(SIZE)).status == 200

    server.stop()
    assert in_time(lambda: alice.upload(os.urandom(200_001))).status == 413
    assert in_time(lambda: alice.upload(os.urandom(SIZE))).status == 200


@pytest.mark.parametrize("fault", FAULTS)
def test_again_and_again_under_load_nobody_notices(start, fault, server, new_user, homeserver, measured):
    metergate = start()
    alice = new_user().at(metergate.url)

    with Load(alice) as load:
        for _ in range(3):
            load.wait_for(200, more=10)
            getattr(server, fault)()
            load.wait_for(200, more=10)
            server.mend()
        load.wait_for(200, more=10)

    assert set(load.statuses) == {200}
    assert load.slowest < ANSWERS_WITHIN
    stored = books_are_right(metergate, homeserver, alice)
    measured(f"{len(load.statuses)} taken, {stored} bytes, slowest {load.slowest:.1f} s")
