"""What is uploaded is stored as it was sent and charged to the byte, up to the limit and not past it."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

from by_hand import UploadByHand
from stage.matrix import ask
from waiting import until

USAGE_KEYS = set("subject resource used reserved limit remaining overage period resets_at windows".split())


def test_an_upload_comes_back_byte_identical_and_is_charged_exactly(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    photo = os.urandom(123_457)

    answer = alice.upload(photo)
    assert answer.status == 200, answer.body
    downloaded = alice.download(answer.json["content_uri"])

    assert (downloaded.status, downloaded.body == photo) == (200, True)
    usage = metergate.usage(alice.user_id)
    assert USAGE_KEYS <= usage.keys()
    expected = {"used": 123_457, "reserved": 0, "limit": 2_000_000, "remaining": 1_876_543, "overage": 0}
    assert expected.items() <= usage.items(), usage
    assert (usage["subject"], usage["resource"], usage["period"]) == (alice.user_id, "media_bytes", "month")
    assert metergate.usage_served(alice.user_id) == usage
    assert homeserver.stored(alice.user_id) == [123_457]


def test_the_last_byte_of_the_limit_is_accepted_and_one_more_is_refused_in_full(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(1_500_000)).status == 200

    refusal = alice.upload(os.urandom(500_001))

    assert refusal.status == 429
    assert refusal.headers["Content-Type"] == "application/json"
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60
    assert refusal.headers.get_all("Access-Control-Allow-Origin") == ["*"]
    assert words(refusal, "Access-Control-Allow-Methods") >= {"get", "post", "put", "delete", "options"}
    assert words(refusal, "Access-Control-Allow-Headers") >= {"x-requested-with", "content-type", "authorization"}
    assert "retry-after" in words(refusal, "Access-Control-Expose-Headers")
    body = refusal.json
    assert body["errcode"] == "M_LIMIT_EXCEEDED"
    assert body["error"].startswith("Upload limit reached: 1.5 MB of 2 MB used this month, this file needs ")
    assert body["error"].endswith(" Text messages still work.")
    assert body["retry_after_ms"] == 1000 * int(refusal.headers["Retry-After"])
    assert body["org.metergate.quota"] == {
        "capability": "upload_media",
        "resource": "media_bytes",
        "limit": 2_000_000,
        "used": 1_500_000,
        "reserved": 0,
        "requested": 500_001,
        "remaining": 500_000,
        "period": "month",
        "resets_at": first_of_next_month(),
    }

    assert alice.upload(os.urandom(500_000)).status == 200
    assert alice.upload(b"!").status == 429
    assert metergate.usage(alice.user_id)["used"] == 2_000_000
    assert sum(homeserver.stored(alice.user_id)) == 2_000_000


def test_a_user_over_the_limit_still_writes_and_syncs(sidecar, new_user):
    metergate = sidecar(limit="100kB/month")
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(100_001)).status == 429

    room = alice.create_room()

    assert alice.say(room, "still here").status == 200
    sync = alice.sync()
    assert sync.status == 200
    assert "still here" in sync.body.decode()


def test_an_override_counts_at_the_next_upload(sidecar, new_user):
    metergate = sidecar(limit="100kB/month")
    alice, bob = new_user("alice").at(metergate.url), new_user("bob").at(metergate.url)
    assert alice.upload(os.urandom(100_001)).status == 429

    metergate.command("override", "set", alice.user_id, "media_bytes=1MB")

    assert alice.upload(os.urandom(100_001)).status == 200
    assert bob.upload(os.urandom(100_001)).status == 429


def test_of_24_parallel_uploads_exactly_the_six_that_fit_are_stored_and_charged(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    photo = os.urandom(300_000)

    with ThreadPoolExecutor(24) as clients:
        statuses = sorted(answer.status for answer in clients.map(alice.upload, [photo] * 24))

    assert statuses == [200] * 6 + [429] * 18
    assert homeserver.stored(alice.user_id) == [300_000] * 6
    assert figures(metergate, alice) == (1_800_000, 0)


def test_a_chunked_upload_that_the_homeserver_refuses_is_charged_nothing(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user()
    pieces = [os.urandom(50_000)] * 4
    its_own_answer = alice.upload(iter(pieces))
    assert its_own_answer.status == 400

    answer = alice.at(metergate.url).upload(iter(pieces))

    assert (answer.status, answer.body) == (400, its_own_answer.body)
    assert figures(metergate, alice) == (0, 0)
    assert homeserver.stored(alice.user_id) == []


def test_a_chunked_upload_past_the_limit_is_cut_and_never_reaches_its_end_upstream(sidecar, new_user, wire):
    metergate = sidecar(limit="300kB/month", upstream=wire.url)
    alice = new_user().at(metergate.url)
    upload = UploadByHand(alice)
    for _ in range(8):
        upload.send(b"%x\r\n%s\r\n" % (50_000, bytes(50_000)))
    upload.send(b"0\r\n\r\n")

    refusal = upload.answer()

    assert refusal.status == 429
    assert 300_000 < refusal.json["org.metergate.quota"]["requested"] <= 400_000
    assert b"\r\n0\r\n\r\n" not in wire.went_up
    until(lambda: figures(metergate, alice) == (0, 0))


def test_an_upload_in_two_steps_is_charged_like_any_other(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user().at(metergate.url)
    uri = alice.ask("POST", "/_matrix/media/v1/create").json["content_uri"]
    assert figures(metergate, alice) == (0, 0)
    path = f"/_matrix/media/v3/upload/{uri.removeprefix('mxc://')}"
    photo = os.urandom(400_000)

    assert alice.ask("PUT", path, photo, {"Content-Type": "image/jpeg"}).status == 200

    assert alice.download(uri).body == photo
    assert figures(metergate, alice) == (400_000, 0)
    again = alice.ask("PUT", path, photo, {"Content-Type": "image/jpeg"})
    assert (again.status, again.json["errcode"]) == (409, "M_CANNOT_OVERWRITE_MEDIA")
    assert figures(metergate, alice) == (400_000, 0)
    assert homeserver.stored(alice.user_id) == [400_000]


def test_an_id_can_no_longer_be_created_when_the_quota_is_spent(sidecar, new_user):
    metergate = sidecar(limit="10kB/month")
    alice = new_user().at(metergate.url)
    assert alice.upload(os.urandom(10_000)).status == 200

    assert alice.ask("POST", "/_matrix/media/v1/create").status == 429


def test_the_homeserver_tells_of_a_limit_no_larger_than_the_quota(sidecar, new_user, homeserver):
    metergate = sidecar()
    alice = new_user()
    for path in ("/_matrix/client/v1/media/config", "/_matrix/media/v3/config"):
        assert alice.ask("GET", path).json["m.upload.size"] > 2_000_000
        assert alice.at(metergate.url).ask("GET", path).json["m.upload.size"] == 2_000_000
    nobody = ask(metergate.url, "GET", "/_matrix/client/v1/media/config")
    assert (nobody.status, nobody.body) == (401, ask(homeserver.url, "GET", "/_matrix/client/v1/media/config").body)


def figures(metergate, user):
    usage = metergate.usage(user.user_id)
    return usage["used"], usage["reserved"]


def words(answer, header):
    return {word.strip().lower() for word in answer.headers.get(header, "").split(",")}


def first_of_next_month():
    now = datetime.now(timezone.utc)
    year, month = (now.year + 1, 1) if now.month == 12 else (now.year, now.month + 1)
    return f"{year}-{month:02}-01T00:00:00Z"
