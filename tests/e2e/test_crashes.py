"""A crash loses no charge and blocks no room, wherever it falls."""

import http.client
import os
import random
import threading

from by_hand import UploadByHand
from waiting import until

ROUNDS = 9
CLIENTS = 6
LIMIT = 6_000_000


def test_a_kill_in_mid_upload_keeps_the_history_and_gives_the_room_back_at_once(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(700_000)).status == 200
    upload = UploadByHand(alice, 1_300_000)
    upload.send(os.urandom(600_000))
    until(lambda: metergate.usage_served(alice.user_id)["reserved"] == 1_300_000)

    metergate.kill()
    metergate.start()

    usage = metergate.usage_served(alice.user_id)
    assert (usage["used"], usage["reserved"]) == (700_000, 0)
    assert homeserver.stored(alice.user_id) == [700_000]
    assert alice.upload(os.urandom(1_300_000)).status == 200


def test_a_kill_right_after_the_answer_keeps_the_charge(sidecar, new_user):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    for number in range(1, 6):
        assert alice.upload(os.urandom(100_000)).status == 200
        metergate.kill()
        metergate.start()
        assert metergate.usage(alice.user_id)["used"] == number * 100_000


def test_a_kill_between_the_last_byte_and_the_answer_keeps_the_charge(sidecar, new_user, homeserver, wire):
    metergate = sidecar(upstream=wire.url)
    alice = new_user().at(metergate.url)
    wire.answers_pass.clear()
    content = os.urandom(200_000)
    upload = UploadByHand(alice, len(content))
    upload.send(content)
    until(lambda: homeserver.stored(alice.user_id) == [200_000])

    metergate.kill()
    wire.answers_pass.set()
    metergate.start()

    usage = metergate.usage_served(alice.user_id)
    assert (usage["used"], usage["reserved"]) == (200_000, 0)


def test_in_a_storm_of_kills_no_more_is_stored_than_charged_and_no_more_charged_than_the_limit(
    sidecar, new_user, homeserver, measured
):
    metergate = sidecar(limit=f"{LIMIT}B/month")
    alice = new_user().at(metergate.url)
    chance = random.Random(2026)
    acknowledged = []
    for round_number in range(ROUNDS):
        if round_number:
            metergate.start()
        answers = upload_until_killed(metergate, alice, kill_after=chance.randrange(1, 9))
        acknowledged += [size for size, status in answers if status == 200]
        assert {status for _, status in answers} <= {200, 429}
        assert sum(homeserver.stored(alice.user_id)) <= LIMIT
    metergate.start()

    until_the_homeserver_is_done(homeserver, alice)
    usage = metergate.usage(alice.user_id)
    stored = homeserver.stored(alice.user_id)
    measured(f"acknowledged {sum(acknowledged)}, stored {sum(stored)}, charged {usage['used']} of {LIMIT}")
    assert usage["reserved"] == 0
    assert sum(acknowledged) <= sum(stored) <= usage["used"] <= LIMIT
    assert alice.upload(os.urandom(LIMIT - usage["used"])).status == 200
    assert alice.upload(b"!").status == 429


def upload_until_killed(metergate, user, kill_after):
    """Clients upload on and on; after so many answers metergate is killed. All answers, as (size, status)."""
    answers = []
    enough = threading.Event()

    def client():
        chance = random.Random()
        while True:
            size = chance.randrange(20_000, 250_000)
            try:
                answers.append((size, user.upload(pieces(size), headers={"Content-Length": str(size)}).status))
            except (OSError, http.client.HTTPException):
                return
            if len(answers) >= kill_after:
                enough.set()

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for thread in clients:
        thread.start()
    assert enough.wait(60)
    metergate.kill()
    for thread in clients:
        thread.join()
    return answers


def pieces(size, piece=16_384):
    """A body in pieces, so that kills fall between them."""
    content = os.urandom(size)
    return (content[start : start + piece] for start in range(0, size, piece))


def until_the_homeserver_is_done(homeserver, user):
    """Waits until it keeps no more files than when last asked."""
    counts = [-1]

    def unchanged():
        counts.append(len(homeserver.stored(user.user_id)))
        return counts[-1] == counts[-2]

    until(unchanged, every=0.5)
