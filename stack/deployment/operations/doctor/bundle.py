"""The bundle of `doctor --report`: what helps somebody else to help, without secrets and voters."""

import io
import json
import platform
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from urllib3.exceptions import HTTPError

from deployment.engine.doctor import evidence
from deployment.engine.machine import engine
from deployment.engine.machine.engine import Client, EngineError
from deployment.engine.swarm import membership
from deployment.engine.swarm.membership import Membership
from deployment.errors import DeployError
from deployment.operations import status
from deployment.plan.doctor.finding import Finding
from deployment.plan.doctor.redaction import Redaction

Answer = TypeVar("Answer")
UNREACHABLE = (EngineError, HTTPError, OSError, DeployError)


def require_writable(path: Path) -> None:
    """Raise DeployError if a bundle cannot be written there; asked before minutes are spent on it."""
    if path.exists():
        raise DeployError(f"{path} is there already. Nothing was changed.", "Name another file.")
    if not path.absolute().parent.is_dir():
        raise DeployError(f"There is no folder {path.absolute().parent}.", "Make it, or name another file.")


def write(path: Path, findings: Sequence[Finding]) -> None:
    """Write a tar.gz that only this user can read; raise OSError."""
    redaction, parts = gathered(findings)
    with path.open("xb") as file:
        path.chmod(0o600)
        with tarfile.open(fileobj=file, mode="w:gz") as archive:
            for name, text in parts.items():
                content = redaction.of(text).encode()
                entry = tarfile.TarInfo(f"report/{name}")
                entry.size, entry.mtime = len(content), int(time.time())
                archive.addfile(entry, io.BytesIO(content))


def gathered(findings: Sequence[Finding]) -> tuple[Redaction, Mapping[str, str]]:
    """Return the files of the bundle by name, and what takes out of them what is nobody's business.

    What cannot be had says why in its place.
    """
    parts = {"findings.json": _written(lambda: [asdict(each) for each in findings])}
    system = {"python": platform.python_version(), "system": platform.platform()}
    client = _tried(engine.connect, None)
    parts["versions.json"] = _written(lambda: {**system, **evidence.versions(client)})
    if client is None or not _tried(lambda: membership.membership(client) is Membership.MANAGER, False):
        return Redaction(()), parts
    return Redaction(_tried(lambda: evidence.addresses(client), [])), {**parts, **_of_stack(client)}


def _of_stack(client: Client) -> dict[str, str]:
    return {
        "status.json": _written(lambda: status.collect(client)),
        "services.json": _written(lambda: evidence.specifications(client)),
        **{f"logs/{name}.txt": text for name, text in _logs(client).items()},
    }


def _logs(client: Client) -> dict[str, str]:
    try:
        return evidence.logs(client)
    except UNREACHABLE as error:
        return {"none": f"no log could be had: {error}\n"}


def _written(ask: Callable[[], Any]) -> str:
    try:
        return json.dumps(ask(), indent=2)
    except UNREACHABLE as error:
        return json.dumps({"problem": f"it could not be asked: {error}"})


def _tried(ask: Callable[[], Answer], otherwise: Answer) -> Answer:
    try:
        return ask()
    except UNREACHABLE:
        return otherwise
