"""A real client library, matrix-nio, works through metergate, and tells its user why an upload was refused."""

import asyncio
import io
import os

import nio
import pytest

REJECT = '[reject]\nerrcode = "{errcode}"\ninfo_uri = "https://example.org/quota"\n'


@pytest.mark.parametrize("errcode", ["M_USER_LIMIT_EXCEEDED", "M_FORBIDDEN"])
def test_a_client_uploads_downloads_is_refused_and_still_writes(sidecar, new_user, errcode):
    metergate = sidecar(limit="500kB/month", more=REJECT.format(errcode=errcode))
    alice = new_user()
    asyncio.run(live_through_a_day(metergate, alice, errcode))
    assert metergate.usage(alice.user_id)["used"] == 300_000


async def live_through_a_day(metergate, alice, errcode):
    client = nio.AsyncClient(metergate.url, alice.user_id)
    try:
        assert isinstance(await client.login(alice.password), nio.LoginResponse)
        assert isinstance(await client.sync(timeout=0), nio.SyncResponse)
        assert (await client.content_repository_config()).upload_size == 500_000

        photo = os.urandom(300_000)
        uploaded = await upload(client, photo)
        assert isinstance(uploaded, nio.UploadResponse), uploaded
        downloaded = await client.download(uploaded.content_uri)
        assert downloaded.body == photo

        refused = await upload(client, os.urandom(300_000))
        assert isinstance(refused, nio.UploadError), refused
        assert refused.status_code == errcode
        assert refused.message.startswith(
            "Upload limit reached: 300 kB of 500 kB used this month, this file needs 300 kB."
        )

        room = await client.room_create()
        sent = await client.room_send(room.room_id, "m.room.message", {"msgtype": "m.text", "body": "still here"})
        assert isinstance(sent, nio.RoomSendResponse), sent
        synced = await client.sync(timeout=0)
        assert room.room_id in synced.rooms.join
    finally:
        await client.close()


async def upload(client, content):
    answer, _ = await client.upload(io.BytesIO(content), "image/jpeg", "photo.jpg", filesize=len(content))
    return answer
