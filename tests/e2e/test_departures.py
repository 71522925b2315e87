"""A client that leaves half way gets its room back; one that leaves after the last byte pays for what is kept."""

import operator
import os

import pytest

from by_hand import UploadByHand
from waiting import until

GENEROUS = 5.0
GOING = [UploadByHand.hang_up, UploadByHand.reset]
NAME = operator.attrgetter("__name__")


@pytest.mark.parametrize("goes", [*GOING, UploadByHand.end_of_sending], ids=NAME)
def test_room_is_back_at_once_when_the_client_goes_in_mid_body(sidecar, new_user, homeserver, measured, goes):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    upload = UploadByHand(alice, 1_500_000)
    upload.send(os.urandom(700_000))
    until(lambda: metergate.usage_served(alice.user_id)["reserved"] == 1_500_000)

    goes(upload)

    seconds = until(lambda: metergate.usage_served(alice.user_id)["reserved"] == 0, within=GENEROUS)
    measured(f"the room was back after {seconds:.2f} s")
    assert metergate.usage(alice.user_id)["used"] == 0
    assert homeserver.stored(alice.user_id) == []
    assert alice.upload(os.urandom(2_000_000)).status == 200


@pytest.mark.parametrize("goes", GOING, ids=NAME)
def test_a_client_that_goes_before_the_answer_pays_for_what_is_kept(sidecar, new_user, homeserver, wire, goes):
    metergate = sidecar(upstream=wire.url)
    alice = new_user().at(metergate.url)
    wire.answers_pass.clear()
    content = os.urandom(200_000)
    upload = UploadByHand(alice, len(content))
    upload.send(content)
    until(lambda: content[-1000:] in wire.went_up)

    goes(upload)

    until(lambda: homeserver.stored(alice.user_id) == [200_000])
    wire.answers_pass.set()
    until(lambda: metergate.usage_served(alice.user_id)["reserved"] == 0)
    assert metergate.usage(alice.user_id)["used"] == 200_000


@pytest.mark.parametrize("goes", GOING, ids=NAME)
def test_clients_that_go_with_the_last_byte_pay_for_exactly_what_was_kept(sidecar, new_user, homeserver, goes):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    for _ in range(10):
        upload = UploadByHand(alice, 100_000)
        upload.send(os.urandom(100_000))
        goes(upload)

    until(lambda: metergate.usage_served(alice.user_id)["reserved"] == 0)
    until(lambda: metergate.usage_served(alice.user_id)["used"] == sum(homeserver.stored(alice.user_id)))
