"""What is downloaded is charged to the byte by the preset for it, and refused once the limit is reached; all else works."""

import http.client
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from stage import PROJECT
from stage.matrix import media_path
from waiting import until

PRESET = (PROJECT / "config" / "presets" / "continuwuity-downloads.toml").read_text()


def test_downloads_are_charged_exactly_and_refused_past_the_limit_while_sync_works(sidecar, new_user):
    metergate = sidecar(more=f'egress_bytes = "1MB/month"\n\n{PRESET}')
    alice, bob = new_user("alice").at(metergate.url), new_user("bob").at(metergate.url)
    photo = os.urandom(400_000)
    uri = alice.upload(photo).json["content_uri"]

    for count in (1, 2, 3):
        answer = alice.download(uri)
        assert (answer.status, answer.body == photo) == (200, True)
        assert egress(metergate, alice) == (400_000 * count, 0)
    refusal = alice.download(uri)

    assert refusal.status == 429
    assert refusal.json["errcode"] == "M_LIMIT_EXCEEDED"
    assert refusal.json["error"].startswith("Download limit reached: 1.2 MB of 1 MB used this month. Resets ")
    assert refusal.json["org.metergate.quota"]["capability"] == "download_media"
    thumbnail = media_path(uri).replace("/download/", "/thumbnail/")
    assert alice.ask("GET", f"{thumbnail}?width=32&height=32").status == 429
    assert alice.ask("GET", media_path(uri).replace("/download/", "/Download/")).status == 404
    room = alice.create_room()
    assert alice.say(room, "still here").status == 200
    assert "still here" in alice.sync().body.decode()
    assert alice.upload(photo).status == 200
    assert bob.download(uri).body == photo
    assert (egress(metergate, alice), egress(metergate, bob)) == ((1_200_000, 0), (400_000, 0))


def test_what_is_not_there_or_not_changed_costs_nothing(sidecar, new_user):
    metergate = sidecar(more=f'egress_bytes = "1MB/month"\n\n{PRESET}')
    alice = new_user().at(metergate.url)
    uri = alice.upload(os.urandom(1000)).json["content_uri"]
    assert alice.download(uri + "x").status == 404
    assert alice.ask("HEAD", media_path(uri)).status in (200, 405)
    nobody = alice.ask("GET", media_path(uri), headers={"Authorization": "Bearer nobody"})
    assert (nobody.status, nobody.json["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    assert egress(metergate, alice) == (0, 0)


def test_a_client_that_leaves_pays_for_what_was_sent(sidecar, new_user):
    metergate = sidecar(limit="200MB/month", more=f'egress_bytes = "1GB/month"\n\n{PRESET}')
    alice = new_user().at(metergate.url)
    size = 60_000_000
    uri = alice.upload(os.urandom(size)).json["content_uri"]
    connection = http.client.HTTPConnection(urlsplit(metergate.url).netloc, timeout=60)
    connection.request("GET", media_path(uri), headers={"Authorization": f"Bearer {alice.token}"})
    response = connection.getresponse()
    assert (response.status, len(response.read(1_000_000))) == (200, 1_000_000)
    assert egress(metergate, alice) == (0, 1)

    response.close()
    connection.close()

    until(lambda: egress(metergate, alice)[1] == 0)
    assert 1_000_000 <= egress(metergate, alice)[0] < size


def test_of_24_parallel_messages_exactly_as_many_as_fit_are_sent(sidecar, new_user):
    entry = '[[meter]]\nmethods = "PUT"\npath = "/_matrix/client/v3/rooms/*/send/**"\n'
    entry += 'capability = "messages"\nresource = "messages"\ncount = "one"\n'
    metergate = sidecar(more=f'messages = "7/day"\n\n{entry}')
    alice = new_user().at(metergate.url)
    room = alice.create_room()

    with ThreadPoolExecutor(24) as clients:
        statuses = sorted(answer.status for answer in clients.map(lambda _: alice.say(room, "hello"), range(24)))

    assert statuses == [200] * 7 + [429] * 17
    usage = metergate.usage(alice.user_id, "messages")
    assert (usage["used"], usage["reserved"]) == (7, 0)


def egress(metergate, user):
    usage = metergate.usage(user.user_id, "egress_bytes")
    return usage["used"], usage["reserved"]
