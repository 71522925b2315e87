"""What a check needs of this machine, and what could not be checked for want of it.

In a container, as root, Debian's package of a missing program is installed. Anywhere else nothing is: a machine is
its owner's. Then the check ends as skipped, and `run` says at its end what that leaves unchecked.
"""

import os
import shutil
import subprocess
import unittest
from pathlib import Path

#: One sentence for each check that could not be made here. `run` prints them all at its end.
unchecked = []

_PACKAGES = {
    "nginx": "nginx-light",
    "systemd-analyze": "systemd",
    "strace": "strace",
    "docker-compose": "docker-compose",
    "caddy": "caddy",
    "haproxy": "haproxy",
    "curl": "curl",
    "wget": "wget",
    "h2load": "nghttp2-client",
    "openssl": "openssl",
    "promtool": "prometheus",
}
_POLICY = Path("/usr/sbin/policy-rc.d")
_asked_for = set()


def tool(name, what):
    """The path of a program; without it the check ends here, and `unchecked` says `what` was not checked."""
    return program(name) or not_here(f"{what}: there is no {name} on this machine")


def program(name):
    """The path of a program, installed if that may be done; none without it."""
    if not _path_of(name) and name in _PACKAGES and name not in _asked_for and _may_install():
        _asked_for.add(name)
        _install(_PACKAGES[name])
    return _path_of(name)


def not_here(sentence):
    """Ends a check that cannot be made here, and has it told."""
    if sentence not in unchecked:
        unchecked.append(sentence)
    raise unittest.SkipTest(sentence)


def _path_of(name):
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _may_install():
    """Whether this is a container of ours: nobody else's services run in it."""
    return os.geteuid() == 0 and shutil.which("apt-get") and not Path("/run/systemd/system").exists()


def _install(package):
    print(f"installing {package}", flush=True)
    # Without such a policy a package may start the service it brings.
    ours = not _POLICY.exists()
    if ours:
        _POLICY.write_text("#!/bin/sh\nexit 101\n")
        _POLICY.chmod(0o755)
    try:
        for words in (["update"], ["install", "--yes", "--no-install-recommends", package]):
            _apt_get(*words)
    finally:
        if ours:
            _POLICY.unlink()


def _apt_get(*words):
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", "-q", *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        print(f"apt-get {words[0]} failed: {done.stdout.strip().splitlines()[-1:]}", flush=True)
