"""What `doctor --json` finds, by the findings' ids."""

import json

# On a busy machine a probe may not answer in time; then it says so.
ATTEMPTS = 3

# What it says of the machine that the tests run on is true, whatever it is.
OF_MACHINE = ("disk.", "memory", "files.", "userns.")

Found = dict[str, dict[str, str]]


def read(said: str) -> Found:
    """Return the findings of what it printed."""
    return {each["id"]: each for each in json.loads(said)}


def whole(found: Found) -> bool:
    """Say whether everything could be asked."""
    return not any(each["severity"] == "unknown" for each in found.values())


def of_stack(found: Found) -> dict[str, str]:
    """Return what is bad, or could not be asked, of all but the machine that the tests run on."""
    bad = {name: each["what"] for name, each in found.items() if each["severity"] not in ("ok", "info")}
    return {name: what for name, what in bad.items() if not name.startswith(OF_MACHINE)}
