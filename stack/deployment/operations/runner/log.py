"""What becomes of each verb, written into the audit log that the Swarm keeps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from deployment.engine.machine.engine import Client, EngineError
from deployment.engine.records import audit
from deployment.engine.records.audit import Entry
from deployment.errors import DeployError
from deployment.operations.runner.site import Site, me, now

INTERRUPTED = 130


@dataclass
class Outcome:
    """Whether there was anything to do."""

    busy: bool = False


@contextmanager
def written(site: Site) -> Iterator[Outcome]:
    """Write what becomes of a verb, unless it had nothing to do."""
    began, outcome, text = time.monotonic(), Outcome(), ""
    try:
        yield outcome
        text = "done" if outcome.busy else ""
    except KeyboardInterrupt:
        text = "interrupted"
        raise DeployError("Interrupted.", site.again, code=INTERRUPTED) from None
    except DeployError as error:
        text = f"failed: {error.what}"
        raise
    except Exception as error:
        text = f"failed: {type(error).__name__}: {error}"
        raise
    finally:
        if text:
            _write(site, text, time.monotonic() - began)


def _write(site: Site, text: str, seconds: float) -> None:
    """Write an entry, or say that it could not be written: the verb's own outcome matters more."""
    try:
        site.look_again()
        if site.managed:
            release = site.last.release.identity if site.last else ""
            note(site.engine, site.verb, text, seconds, release)
    except (DeployError, EngineError, OSError) as error:
        site.progress.say(f"  The audit log could not be written: {error}")


def note(client: Client, verb: str, outcome: str, seconds: float = 0.0, release: str = "") -> None:
    """Write an entry."""
    audit.write(client, Entry(now(), me(), verb, outcome, round(seconds, 1), release))
