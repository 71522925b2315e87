"""However a token is handed over, no upload is stored without being charged to the user who is stored as its owner."""

import os
from urllib.parse import urlencode

import pytest

from stage.matrix import ask

SIZE = 50_000
UPLOAD = "/_matrix/media/v3/upload"
BEARER = "Authorization"
FORM = "application/x-www-form-urlencoded"


def query(token):
    return f"{UPLOAD}?access_token={token}"


# Each takes two users' tokens and makes (path, headers) of a request that carries them oddly.
ODD = {
    "after a semicolon in the query": lambda a, b: (f"{UPLOAD}?filename=x;access_token={a}", {}),
    "after a semicolon in the path": lambda a, b: (f"{UPLOAD};access_token={a}", {}),
    "under a key with an escape": lambda a, b: (f"{UPLOAD}?access%5Ftoken={a}", {}),
    "once in the query": lambda a, b: (query(a), {}),
    "twice in the query, one user": lambda a, b: (f"{query(a)}&access_token={a}", {}),
    "twice in the query, two users": lambda a, b: (f"{query(a)}&access_token={b}", {}),
    "twice in the query, one escaped": lambda a, b: (f"{query(a)}&access%5Ftoken={b}", {}),
    "in the query and after a semicolon": lambda a, b: (f"{query(a)}&x=1;access_token={b}", {}),
    "in header and query, one user": lambda a, b: (query(a), {BEARER: f"Bearer {a}"}),
    "in header and query, two users": lambda a, b: (query(b), {BEARER: f"Bearer {a}"}),
    "in the header and after a semicolon": lambda a, b: (f"{UPLOAD}?x=1;access_token={b}", {BEARER: f"Bearer {a}"}),
    "in the query beside basic credentials": lambda a, b: (query(a), {BEARER: "Basic YTpi"}),
    "in a header of a scheme in capitals": lambda a, b: (UPLOAD, {BEARER: f"BEARER {a}"}),
}


@pytest.mark.parametrize("way", ODD)
def test_a_token_carried_oddly_never_makes_an_unmetered_upload(sidecar, new_user, homeserver, way):
    metergate = sidecar()
    alice, bob = new_user("alice"), new_user("bob")
    path, headers = ODD[way](alice.token, bob.token)

    answer = ask(metergate.url, "POST", path, os.urandom(SIZE), {"Content-Type": "image/jpeg"} | headers)

    for user in (alice, bob):
        assert metergate.usage(user.user_id)["used"] == sum(homeserver.stored(user.user_id)), answer


@pytest.mark.parametrize(
    "way", ["twice in the query, two users", "twice in the query, one user", "in header and query, two users"]
)
def test_two_tokens_are_refused_before_anything_is_forwarded(sidecar, new_user, wire, way):
    metergate = sidecar(upstream=wire.url)
    path, headers = ODD[way](new_user("alice").token, new_user("bob").token)

    answer = ask(metergate.url, "POST", path, os.urandom(SIZE), headers)

    assert (answer.status, answer.json["errcode"]) == (401, "M_UNAUTHORIZED")
    assert b"upload" not in wire.went_up


@pytest.mark.parametrize("way", ["once in the query", "under a key with an escape"])
def test_a_token_in_the_query_alone_is_charged_to_its_user(sidecar, new_user, homeserver, way):
    metergate = sidecar()
    alice, bob = new_user("alice"), new_user("bob")
    path, headers = ODD[way](alice.token, bob.token)

    assert ask(metergate.url, "POST", path, os.urandom(SIZE), {"Content-Type": "image/jpeg"} | headers).status == 200

    assert metergate.usage(alice.user_id)["used"] == SIZE
    assert homeserver.stored(alice.user_id) == [SIZE]


def test_a_token_after_a_semicolon_is_no_token(sidecar, new_user, wire):
    metergate = sidecar(upstream=wire.url)
    path, headers = ODD["after a semicolon in the query"](new_user("alice").token, None)

    answer = ask(metergate.url, "POST", path, os.urandom(SIZE), headers)

    assert (answer.status, answer.json["errcode"]) == (401, "M_MISSING_TOKEN")
    assert b"upload" not in wire.went_up


def test_a_token_in_a_form_is_no_token(sidecar, new_user, homeserver, wire):
    metergate = sidecar(upstream=wire.url)
    alice = new_user()
    form = urlencode({"access_token": alice.token, "padding": "x" * SIZE}).encode()
    assert ask(homeserver.url, "POST", UPLOAD, form, {"Content-Type": FORM}).status == 200, "Synapse itself takes it"
    stored_past_metergate = homeserver.stored(alice.user_id)

    answer = ask(metergate.url, "POST", UPLOAD, form, {"Content-Type": FORM})

    assert (answer.status, answer.json["errcode"]) == (401, "M_MISSING_TOKEN")
    assert b"upload" not in wire.went_up
    assert homeserver.stored(alice.user_id) == stored_past_metergate
    assert metergate.usage(alice.user_id)["used"] == 0


def test_a_token_in_a_form_beside_one_in_the_header_is_charged_to_the_owner(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice, bob = new_user("alice"), new_user("bob")
    form = urlencode({"access_token": bob.token, "padding": "x" * SIZE}).encode()

    alice.at(metergate.url).ask("POST", UPLOAD, form, {"Content-Type": FORM})

    for user in (alice, bob):
        assert metergate.usage(user.user_id)["used"] == sum(homeserver.stored(user.user_id))
