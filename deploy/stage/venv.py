"""Python packages in a virtual environment of the project's own, installed once.

The file `complete` lists what is installed; it is away while anything is being installed. An environment without it
was left half done, and is made anew.
"""

import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

from . import TARGET, Failed, work

HOME = TARGET / "synapse"
PYTHON = HOME / "bin" / "python"
_COMPLETE = HOME / "complete"
_LOGS = TARGET / "logs"
_OLDEST = (3, 10)


def provide(*requirements):
    """Sees to it that exactly these pinned packages can be imported by `PYTHON`."""
    if sys.version_info < _OLDEST:
        raise Failed(f"Synapse needs Python {'.'.join(map(str, _OLDEST))} or newer, this is {sys.version.split()[0]}.")
    with _one_at_a_time():
        installed = _installed()
        if installed is None:
            _refuse_to_change_anothers()
            _create()
            installed = set()
        missing = sorted(set(requirements) - installed)
        if missing:
            _refuse_to_change_anothers()
            _COMPLETE.unlink(missing_ok=True)
            install = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", *missing]
            work.run(f"installing {', '.join(missing)}", install, _LOGS / "pip.log")
            _write_complete(installed | set(missing))


def _installed():
    """The packages of a complete environment that runs; None of any other."""
    try:
        requirements = set(_COMPLETE.read_text().splitlines())
        subprocess.run([PYTHON, "-c", ""], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return requirements


def _write_complete(requirements):
    unfinished = HOME / "complete.new"
    unfinished.write_text("".join(f"{line}\n" for line in sorted(requirements)))
    os.replace(unfinished, _COMPLETE)


def _refuse_to_change_anothers():
    """What a link leads to is in use elsewhere: installing into it, or clearing it, would break that."""
    if HOME.is_symlink():
        raise Failed(f"{HOME} is a link to an environment that lacks something: remove the link, and run this again.")


def _create():
    if not _can_create():
        _install_venv_module()
    make = [sys.executable, "-m", "venv", "--clear", HOME]
    work.run(f"making a virtual environment in {HOME.relative_to(TARGET.parent)}", make, _LOGS / "venv.log")


def _can_create():
    importlib.invalidate_caches()
    return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))


def _install_venv_module():
    """Debian keeps `venv` in a package of its own."""
    apt = shutil.which("apt-get")
    if apt and os.geteuid() == 0:
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        log = _LOGS / "apt.log"
        work.run("refreshing the package lists", [apt, "update"], log, env=env)
        work.run("installing python3-venv", [apt, "install", "-y", "python3-venv"], log, env=env)
    if not _can_create():
        raise Failed(
            "This Python cannot make virtual environments; "
            "install its venv module (on Debian: apt-get install python3-venv)."
        )


@contextmanager
def _one_at_a_time():
    TARGET.mkdir(exist_ok=True)
    with open(TARGET / "synapse.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
