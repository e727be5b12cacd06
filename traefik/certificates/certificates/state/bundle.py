"""The last certificates on this node's volume, sealed: for a start while the database is away."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from certificates.plan import certificate
from certificates.plan.certificate import Certificate
from certificates.state.vault import SealError, Vault

PURPOSE = "bundle"
NAME = "bundle.json"

log = structlog.get_logger()


def read(folder: Path, vault: Vault) -> list[Certificate]:
    """Return the certificates that were kept; none if they cannot be read."""
    try:
        kept = json.loads((folder / NAME).read_text())
        found = json.loads(vault.open(bytes.fromhex(kept["sealed"]), PURPOSE))
        return [certificate.read(one["authority"], one["chain"], one["key"]) for one in found]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, SealError) as error:
        log.warning("the certificates on this node's volume cannot be read", reason=str(error))
        return []


def write(folder: Path, vault: Vault, shown: Sequence[Certificate]) -> None:
    """Keep certificates; at any moment the file is whole. Raises OSError."""
    parts = json.dumps([{"authority": o.authority, "chain": o.chain, "key": o.key} for o in shown])
    kept = {"key_id": vault.key_id, "sealed": vault.seal(parts, PURPOSE).hex()}
    fresh = folder / f"{NAME}.new"
    with fresh.open("w") as file:
        json.dump(kept, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / NAME)
