"""What the books say of a user, from every side, beside what the homeserver keeps."""

import json

from waiting import until


def books_are_right(metergate, homeserver, user):
    """Waits until no room is held and what waited has been charged; then ledger, counters and the homeserver's files
    must agree. Returns how many bytes they say."""
    stored = sum(homeserver.stored(user.user_id))

    def settled():
        usage = metergate.usage(user.user_id)
        return (usage["used"], usage["reserved"]) == (stored, 0)

    until(settled, within=60, every=0.25)
    assert ledger(metergate, user) == stored
    assert drifts(metergate) == []
    return stored


def ledger(metergate, user):
    """What the lines of the ledger add up to."""
    lines = metergate.command("events", user.user_id, "--resource", "media_bytes", "-n", "100000", "--json")
    return sum(line["amount"] for line in map(json.loads, lines.splitlines()))


def drifts(metergate):
    """The counters that do not say what the ledger does."""
    return json.loads(metergate.command("rebuild", "--dry-run", "--json"))["drift"]
