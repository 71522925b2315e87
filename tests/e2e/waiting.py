"""Waiting for something to come true, instead of for time to pass."""

import time


def until(happens, within=20.0, every=0.02):
    """Waits until `happens()` is true; the seconds it took. Fails past `within`."""
    began = time.monotonic()
    while not happens():
        waited = time.monotonic() - began
        assert waited < within, f"did not come true within {within} s"
        time.sleep(every)
    return time.monotonic() - began
