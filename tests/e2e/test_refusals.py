"""A refusal arrives, whatever the client is doing, and the homeserver never hears of the upload."""

import os

import pytest

from by_hand import UploadByHand
from stage.matrix import ask

PIECE = bytes(1_000_000)
UPLOAD = "/_matrix/media/v3/upload"
WHOAMI = "/_matrix/client/v3/account/whoami"


def test_a_client_still_sending_50_mb_reads_the_refusal_and_the_homeserver_sees_no_byte(sidecar, new_user, wire):
    metergate = sidecar(upstream=wire.url)
    upload = UploadByHand(new_user().at(metergate.url), 50_000_000)
    upload.send(PIECE)

    refusal = upload.answer()

    assert refusal.status == 429
    assert refusal.json["org.metergate.quota"]["requested"] == 50_000_000
    for _ in range(49):
        upload.send(PIECE)
    assert b"GET /_matrix/client/v3/account/whoami" in wire.went_up
    assert b"upload" not in wire.went_up


def test_a_client_that_sends_all_50_mb_before_it_reads_is_refused_in_words(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user().at(metergate.url)

    refusal = alice.upload((PIECE for _ in range(50)), headers={"Content-Length": "50000000"})

    assert (refusal.status, refusal.json["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    assert homeserver.stored(alice.user_id) == []


def test_a_client_that_expects_100_continue_gets_the_refusal_instead(sidecar, new_user, wire):
    metergate = sidecar(upstream=wire.url)
    upload = UploadByHand(new_user().at(metergate.url), 50_000_000, ["Expect: 100-continue"])

    assert upload.first_line().startswith("HTTP/1.1 429 ")
    assert b"upload" not in wire.went_up


def test_a_client_that_expects_100_continue_gets_it_for_an_upload_that_fits(sidecar, new_user):
    metergate = sidecar()
    upload = UploadByHand(new_user().at(metergate.url), 1_000_000, ["Expect: 100-continue"])

    assert upload.first_line() == "HTTP/1.1 100 Continue"
    assert upload.first_line() == ""
    upload.send(PIECE)
    assert upload.answer().status == 200


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer nobody_has_this_token"}], ids=["no token", "a wrong token"]
)
def test_an_upload_that_nobody_signed_gets_the_homeservers_own_answer(sidecar, wire, homeserver, headers):
    metergate = sidecar(upstream=wire.url)
    its_own = ask(homeserver.url, "GET", WHOAMI, headers=headers)

    answer = ask(metergate.url, "POST", UPLOAD, os.urandom(1000), headers)

    assert (answer.status, answer.body) == (its_own.status, its_own.body)
    assert (answer.status, answer.json["errcode"]) == (401, "M_UNKNOWN_TOKEN" if headers else "M_MISSING_TOKEN")
    assert b"upload" not in wire.went_up


@pytest.mark.parametrize(
    ("errcode", "status"), [("M_LIMIT_EXCEEDED", 429), ("M_USER_LIMIT_EXCEEDED", 403), ("M_FORBIDDEN", 403)]
)
def test_a_refusal_speaks_the_errcode_it_was_told_to(sidecar, new_user, errcode, status):
    reject = f'[reject]\nerrcode = "{errcode}"\ninfo_uri = "https://example.org/quota"\n'
    metergate = sidecar(limit="10kB/month", more=reject)

    refusal = new_user().at(metergate.url).upload(os.urandom(10_001))

    assert (refusal.status, refusal.json["errcode"]) == (status, errcode)
    assert refusal.json["info_uri"] == "https://example.org/quota"
    assert refusal.json["error"].startswith("Upload limit reached: ")
    assert refusal.json["org.metergate.quota"]["remaining"] == 10_000
    assert ("Retry-After" in refusal.headers) == (status == 429)
    assert refusal.headers["Access-Control-Allow-Origin"] == "*"


def test_a_file_past_the_size_for_one_file_is_too_large(sidecar, new_user):
    metergate = sidecar(more='max_upload_bytes = "50kB"\n')
    alice = new_user().at(metergate.url)

    refusal = alice.upload(os.urandom(50_001))

    assert (refusal.status, refusal.json["errcode"]) == (413, "M_TOO_LARGE")
    assert alice.upload(os.urandom(50_000)).status == 200
