"""A gigabyte passes through in either direction, and metergate stays as small as it was."""

import hashlib
import http.client
import os
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

from stage.matrix import media_path

MIB = 1 << 20
SIZE = 1024 * MIB
ALLOWANCE = 8 * MIB


def test_a_gibibyte_up_and_down_takes_no_more_memory_than_a_small_file(sidecar, new_user, measured):
    metergate = sidecar(limit="4GiB/month")
    alice = new_user().at(metergate.url)
    small = alice.upload(os.urandom(MIB))
    assert alice.download(small.json["content_uri"]).status == 200
    before = peak_memory(metergate.pid)

    sent = hashlib.sha256()
    began = time.monotonic()
    answer = alice.upload(blocks(sent), headers={"Content-Length": str(SIZE)})
    assert answer.status == 200, answer.body
    up = time.monotonic() - began
    after_upload = peak_memory(metergate.pid)

    began = time.monotonic()
    received = download_digest(alice, answer.json["content_uri"])
    down = time.monotonic() - began
    after_download = peak_memory(metergate.pid)

    grown = (after_upload - before) / MIB, (after_download - before) / MIB
    measured("+%.1f MiB after the upload, +%.1f MiB after the download" % grown)
    measured(f"{SIZE / MIB / up:.0f} MiB/s up, {SIZE / MIB / down:.0f} MiB/s down")
    assert received == sent.hexdigest()
    assert metergate.usage(alice.user_id)["used"] == SIZE + MIB
    assert after_download - before < ALLOWANCE


def blocks(digest):
    """A gibibyte in which no two blocks are alike, never held as a whole."""
    noise = os.urandom(MIB - 8)
    for number in range(SIZE // MIB):
        block = number.to_bytes(8, "big") + noise
        digest.update(block)
        yield block


def download_digest(user, uri):
    connection = http.client.HTTPConnection(urlsplit(user.base_url).netloc, timeout=120)
    connection.request("GET", media_path(uri), headers={"Authorization": f"Bearer {user.token}"})
    response = connection.getresponse()
    digest = hashlib.sha256()
    while block := response.read(MIB):
        digest.update(block)
    connection.close()
    return digest.hexdigest()


def peak_memory(pid):
    """The most resident memory the process ever had, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024
