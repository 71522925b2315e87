"""Two metergates in front of one homeserver, with one store: together they are as exact as one."""

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from books import books_are_right
from by_hand import UploadByHand
from waiting import until

LEASE = 10
SIZE = 100_000


@pytest.fixture
def pair(sidecar, shared):
    """Starts two with one store of any kind."""
    return lambda **where: two(sidecar, shared, **where)


@pytest.fixture
def far_pair(sidecar, server):
    """Starts two with one store on a server, which cannot see whether they run."""
    return lambda **where: two(sidecar, server, **where)


def two(sidecar, store, **where):
    url = store.url()
    return [sidecar(storage=url, **where) for _ in range(2)]


def test_parallel_uploads_through_both_are_admitted_as_exactly_as_through_one(pair, new_user, homeserver):
    sidecars = pair(limit="1MB/month, 1MB/day")
    alice = new_user()
    doors = [alice.at(metergate.url) for metergate in sidecars]

    with ThreadPoolExecutor(24) as clients:
        answers = [clients.submit(doors[number % 2].upload, os.urandom(SIZE)) for number in range(24)]
        statuses = sorted(answer.result().status for answer in answers)

    assert statuses == [200] * 10 + [429] * 14
    for metergate in sidecars:
        assert books_are_right(metergate, homeserver, alice) == 10 * SIZE


def test_a_pool_is_shared_by_the_users_of_both(pair, new_user, homeserver):
    more = '[policy.groups.all]\nmedia_bytes = [{ limit = "500kB", period = "month", per = "server" }]\n'
    sidecars = pair(limit="1MB/month", more=more + '[[policy.rules]]\nmatch = "*"\ngroup = "all"\n')
    users = [new_user() for _ in range(6)]

    with ThreadPoolExecutor(12) as clients:
        ask = [
            clients.submit(user.at(sidecars[number % 2].url).upload, os.urandom(SIZE))
            for number, user in enumerate(users * 2)
        ]
        statuses = sorted(answer.result().status for answer in ask)

    assert statuses == [200] * 5 + [429] * 7
    assert sum(sum(homeserver.stored(user.user_id)) for user in users) == 5 * SIZE


def test_what_is_declared_through_one_counts_at_once_in_the_other(pair, new_user):
    one, other = pair(limit="150kB/month")
    alice = new_user()
    assert alice.at(other.url).upload(os.urandom(SIZE)).status == 200
    assert alice.at(other.url).upload(os.urandom(SIZE)).status == 429

    one.command("override", "set", alice.user_id, "media_bytes=1MB")
    assert alice.at(other.url).upload(os.urandom(SIZE)).status == 200

    one.command("override", "set", alice.user_id, "media_bytes=0")
    assert alice.at(other.url).upload(os.urandom(1)).status == 429


def test_the_room_of_a_killed_one_is_back_after_its_lease(far_pair, new_user, homeserver):
    one, other = far_pair(limit="300kB/month")
    alice = new_user()
    upload = hold_all(alice.at(one.url), one)
    assert alice.at(other.url).upload(os.urandom(SIZE)).status == 429

    one.kill()
    began = time.monotonic()
    until(lambda: alice.at(other.url).upload(os.urandom(SIZE)).status == 200, within=3 * LEASE, every=0.5)

    assert time.monotonic() - began > 1
    upload.hang_up()
    assert books_are_right(other, homeserver, alice) == SIZE
    kinds = [line["kind"] for line in ledger(other, alice)]
    assert kinds.count("lapse") == 1


def test_a_named_one_that_was_killed_gets_its_room_back_at_once(sidecar, shared, new_user, homeserver):
    named = sidecar(limit="300kB/month", storage=shared.url(), server='instance = "a"')
    alice = new_user().at(named.url)
    upload = hold_all(alice, named)

    named.kill()
    began = time.monotonic()
    named.start()

    assert alice.upload(os.urandom(300_000)).status == 200
    assert time.monotonic() - began < LEASE - 2
    upload.hang_up()
    assert books_are_right(named, homeserver, alice) == 300_000


def test_two_of_one_name_do_not_run_at_once(sidecar, shared):
    storage = shared.url()
    sidecar(storage=storage, server='instance = "a"')
    with pytest.raises(Exception, match="already running"):
        sidecar(storage=storage, server='instance = "a"')


def test_one_that_was_frozen_past_its_lease_charges_once_and_what_it_sent(far_pair, new_user, homeserver):
    one, other = far_pair(limit="300kB/month")
    alice = new_user()
    upload = hold_all(alice.at(one.url), one)

    one.freeze()
    until(lambda: alice.at(other.url).upload(os.urandom(SIZE)).status == 200, within=3 * LEASE, every=0.5)
    one.thaw()
    upload.send(os.urandom(100_000))

    # Its room is gone; what is stored is charged, whatever became of it.
    answer = upload.answer()
    assert answer.status in (200, 429, 503)
    stored = books_are_right(other, homeserver, alice)
    assert stored == SIZE + (300_000 if answer.status == 200 else 0)
    settled = [line for line in ledger(other, alice) if line["kind"] == "settle"]
    assert len(settled) == len({line["reservation"] for line in settled})


def test_it_goes_on_while_the_other_is_killed_and_started_again_and_again(pair, new_user, homeserver):
    one, other = pair(limit="20MB/month")
    alice, over, statuses = new_user(), threading.Event(), []

    def client():
        while not over.is_set():
            statuses.append(alice.at(other.url).upload(os.urandom(20_000)).status)

    clients = [threading.Thread(target=client) for _ in range(3)]
    for thread in clients:
        thread.start()
    for _ in range(4):
        upload = UploadByHand(alice.at(one.url), SIZE)
        upload.send(os.urandom(SIZE // 2))
        until(lambda: one.usage_served(alice.user_id)["reserved"] >= SIZE)
        one.kill()
        upload.hang_up()
        one.start()
    over.set()
    for thread in clients:
        thread.join()

    assert set(statuses) == {200}
    assert books_are_right(other, homeserver, alice) == 20_000 * len(statuses)


def hold_all(user, metergate):
    """An upload of 300 kB that has sent two thirds."""
    upload = UploadByHand(user, 300_000)
    upload.send(os.urandom(200_000))
    until(lambda: metergate.usage_served(user.user_id)["reserved"] == 300_000)
    return upload


def ledger(metergate, user):
    return [json.loads(line) for line in metergate.command("events", user.user_id, "--json").splitlines()]
