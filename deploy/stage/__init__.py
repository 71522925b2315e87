"""The stage: a real Synapse, and metergate in front of it, for `deploy/try` and `tests/e2e`.

In reading order: `child` starts processes that always end, `work` tells how a long step goes, `venv` installs
Python packages once, `synapse` and `metergate` are the two servers, `matrix` is one user's view of either.
Python's standard library only; everything it writes lies under `target/`, everything it asks is on loopback.
"""

import socket
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TARGET = PROJECT / "target"


class Failed(Exception):
    """One sentence for the person at the terminal."""


def free_port():
    """A loopback port that nobody listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
