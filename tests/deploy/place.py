"""Where a check works: the project, the binary under test, a directory of its own, metergate in front of something."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from stage import PROJECT, TARGET, child
from stage.metergate import Metergate

BINARY = Path(os.environ.get("METERGATE_BIN", TARGET / "debug" / "metergate")).resolve()
DEPLOY = PROJECT / "deploy"


class Check(unittest.TestCase):
    """A check with a directory of its own, made anew for each."""

    def setUp(self):
        self.folder = make_folder(self)


def make_folder(case):
    """A directory under target/, gone when `case` (a check, or a class of them) is done."""
    TARGET.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="deploy-", dir=TARGET))
    clean = case.addClassCleanup if isinstance(case, type) else case.addCleanup
    clean(shutil.rmtree, folder, ignore_errors=True)
    return folder


def start_metergate(case, folder, upstream, more):
    """metergate in front of `upstream`, with `more` in its configuration; ended when `case` is done."""
    metergate = Metergate(BINARY, folder, upstream, more)
    clean = case.addClassCleanup if isinstance(case, type) else case.addCleanup
    clean(metergate.end)
    return metergate


def start(case, command, log, env=None, cwd=None, pass_fds=()):
    """Any other process; ended when `case` is done."""
    process = child.Child(command, log, env=env, cwd=cwd, pass_fds=pass_fds)
    clean = case.addClassCleanup if isinstance(case, type) else case.addCleanup
    clean(process.end)
    return process


def run(*words, folder, env=None, timeout=60):
    """Runs a command to its end; its output, both kinds in one."""
    return subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        env=plain_environment() | (env or {}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )


def plain_environment():
    """Ours, without any METERGATE_ key that happens to be set."""
    return {key: value for key, value in os.environ.items() if not key.startswith("METERGATE_")}


def replaced_once(text, old, new):
    if text.count(old) != 1:
        raise AssertionError(f"{old!r} stands {text.count(old)} times where it should stand once")
    return text.replace(old, new)
