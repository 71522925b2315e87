"""A store on a server that goes away under a metergate, and what clients see of it."""

import http.client
import os
import random
import threading
import time

from test_crashes import pieces
from waiting import until

FAULTS = ["stop", "kill", "freeze"]
# Of one call to the store, in seconds.
TIMEOUT = 2
# A call that gets no answer, once more for giving the room back, and a machine that is busy.
ANSWERS_WITHIN = 15
CLIENTS = 6


def in_time(ask):
    """The answer, which must not take long."""
    began = time.monotonic()
    answer = ask()
    assert time.monotonic() - began < ANSWERS_WITHIN
    return answer


def is_out(answer):
    assert (answer.status, answer.json["errcode"]) == (503, "M_UNKNOWN")
    assert int(answer.headers["Retry-After"]) >= 1


class Load:
    """Clients that upload on and on as `user`, from `with` to its end."""

    def __init__(self, user):
        self.statuses = []
        self.slowest = 0.0
        self._over = threading.Event()
        self._clients = [threading.Thread(target=self._upload, args=(user, number)) for number in range(CLIENTS)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for client in self._clients:
            client.join()

    def wait_for(self, status, more):
        """Waits until so many more were answered so."""
        enough = self.statuses.count(status) + more
        until(lambda: self.statuses.count(status) >= enough, within=60)

    def _upload(self, user, number):
        chance = random.Random(number)
        while not self._over.is_set():
            size = chance.randrange(1_000, 120_000)
            began = time.monotonic()
            try:
                status = user.upload(pieces(size), headers={"Content-Length": str(size)}).status
            except (OSError, http.client.HTTPException):
                # The answer came before all was sent, and the connection went.
                status = None
            self.slowest = max(self.slowest, time.monotonic() - began)
            self.statuses.append(status)
            if status != 200:
                time.sleep(0.1)


def works_again(user):
    """Waits until uploads are taken again."""
    until(lambda: user.upload(os.urandom(1000)).status == 200, within=30, every=0.2)
