"""A store on a server goes away in every way and at every moment of an upload, and the books come out right.

Uploads are refused meanwhile. After each: the ledger's sum = the counters = the bytes the homeserver keeps, no room is
held, and no client waited past its limit.
"""

import os
import threading

import pytest
from books import books_are_right
from by_hand import UploadByHand
from faults import ANSWERS_WITHIN, FAULTS, TIMEOUT, Load, in_time, is_out, works_again
from waiting import until

pytestmark = pytest.mark.parametrize("fault", FAULTS)


@pytest.fixture
def break_it(server, fault):
    return getattr(server, fault)


@pytest.fixture
def start(sidecar, server):
    """Starts a metergate on a store of its own on the server."""
    return lambda **where: sidecar(
        limit="50MB/month", storage=server.url(), books=f'timeout = "{TIMEOUT}s"\n', **where
    )


def test_before_an_upload(start, break_it, server, new_user, homeserver):
    metergate = start()
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(200_000)).status == 200

    break_it()
    is_out(in_time(lambda: alice.upload(os.urandom(100_000))))
    assert in_time(alice.sync).status == 200
    server.mend()

    works_again(alice)
    assert books_are_right(metergate, homeserver, alice) >= 201_000


def test_while_the_body_comes_in(start, break_it, server, new_user, homeserver):
    metergate = start()
    alice = new_user().at(metergate.url)
    upload = UploadByHand(alice, 300_000)
    upload.send(os.urandom(150_000))
    until(lambda: metergate.usage_served(alice.user_id)["reserved"] == 300_000)

    break_it()
    upload.send(os.urandom(150_000))
    is_out(in_time(upload.answer))
    server.mend()

    works_again(alice)
    stored = books_are_right(metergate, homeserver, alice)
    assert stored % 1000 == 0 and stored < 300_000


def test_while_a_body_without_a_length_grows(start, break_it, server, new_user, homeserver):
    metergate = start()
    alice = new_user().at(metergate.url)
    upload = UploadByHand(alice)
    chunk = b"%x\r\n%b\r\n" % (100_000, os.urandom(100_000))
    upload.send(chunk)
    until(lambda: metergate.usage_served(alice.user_id)["reserved"] >= 100_000)

    break_it()
    try:
        for _ in range(3):
            upload.send(chunk)
        upload.send(b"0\r\n\r\n")
    except OSError:
        pass  # It may have been cut already.
    is_out(in_time(upload.answer))
    server.mend()

    works_again(alice)
    assert books_are_right(metergate, homeserver, alice) < 100_000


def test_between_the_last_byte_and_the_answer(start, break_it, server, new_user, homeserver, wire):
    metergate = start(upstream=wire.url)
    alice = new_user().at(metergate.url)
    wire.answers_pass.clear()
    upload = UploadByHand(alice, 200_000)
    upload.send(os.urandom(200_000))
    until(lambda: homeserver.stored(alice.user_id) == [200_000])

    break_it()
    wire.answers_pass.set()
    assert in_time(upload.answer).status == 200
    server.mend()

    assert books_are_right(metergate, homeserver, alice) == 200_000


def test_before_a_refund(start, break_it, server, new_user, homeserver, wire):
    metergate = start(upstream=wire.url)
    alice = new_user().at(metergate.url)
    wire.answers_pass.clear()
    answers = []

    def upload_what_is_refused():
        path = "/_matrix/media/v3/upload/localhost/neverCreated"
        answers.append(alice.ask("PUT", path, os.urandom(70_000), {"Content-Type": "application/octet-stream"}))

    client = threading.Thread(target=upload_what_is_refused)
    client.start()
    until(lambda: metergate.usage_served(alice.user_id)["used"] == 70_000)

    break_it()
    wire.answers_pass.set()
    client.join(ANSWERS_WITHIN)
    assert [answer.status for answer in answers] == [404]
    server.mend()

    until(lambda: metergate.usage(alice.user_id)["used"] == 0, within=60, every=0.25)
    assert books_are_right(metergate, homeserver, alice) == 0


def test_again_and_again_under_load(start, break_it, server, new_user, homeserver, measured):
    metergate = start()
    alice = new_user().at(metergate.url)

    with Load(alice) as load:
        for _ in range(3):
            load.wait_for(200, more=10)
            break_it()
            load.wait_for(503, more=1)
            server.mend()
        load.wait_for(200, more=10)

    assert set(load.statuses) <= {200, 503, None}
    assert load.slowest < ANSWERS_WITHIN
    stored = books_are_right(metergate, homeserver, alice)
    taken, refused = load.statuses.count(200), load.statuses.count(503)
    measured(f"{taken} taken, {refused} refused, {stored} bytes, slowest {load.slowest:.1f} s")
