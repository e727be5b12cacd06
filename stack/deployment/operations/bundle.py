"""The bundle of `doctor --report`: what helps somebody else to help, without secrets and voters."""

import io
import json
import platform
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from deployment.engine.doctor import evidence
from deployment.engine.machine import engine
from deployment.engine.swarm import membership
from deployment.engine.swarm.membership import Membership
from deployment.operations import status
from deployment.plan.doctor.finding import Finding
from deployment.plan.doctor.redaction import Redaction


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
    """Return the files of the bundle by name, and what takes out of them what is nobody's business."""
    parts = {"findings.json": json.dumps([asdict(each) for each in findings], indent=2)}
    client = engine.connect()
    parts["versions.json"] = json.dumps(
        {"python": platform.python_version(), "system": platform.platform(), **evidence.versions(client)},
        indent=2,
    )
    if client is None or membership.membership(client) is not Membership.MANAGER:
        return Redaction(()), parts
    parts["status.json"] = json.dumps(status.collect(client), indent=2)
    parts["services.json"] = json.dumps(evidence.specifications(client), indent=2)
    parts |= {f"logs/{name}.txt": text for name, text in evidence.logs(client).items()}
    return Redaction(evidence.addresses(client)), parts
