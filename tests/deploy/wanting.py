"""What a check needs of this machine, and what could not be checked for want of it."""

import os
import shutil
import unittest

#: One sentence for each check that could not be made here. `run` prints them all at its end.
unchecked = []


def tool(name, what):
    """The path of a program; without it the check ends here, and `unchecked` says `what` was not checked."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    return path or not_here(f"{what}: there is no {name} on this machine")


def not_here(sentence):
    """Ends a check that cannot be made here, and has it told."""
    if sentence not in unchecked:
        unchecked.append(sentence)
    raise unittest.SkipTest(sentence)
