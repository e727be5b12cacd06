"""The last certificate on this node's volume, sealed: for a start while the database is away."""

from __future__ import annotations

import json
import os
from pathlib import Path

import structlog

from certificates.plan import certificate
from certificates.plan.certificate import Certificate
from certificates.state.vault import SealError, Vault

PURPOSE = "bundle"
NAME = "bundle.json"

log = structlog.get_logger()


def read(folder: Path, vault: Vault) -> Certificate | None:
    """Return the certificate that was kept; None without one that can be read."""
    try:
        kept = json.loads((folder / NAME).read_text())
        parts = json.loads(vault.open(bytes.fromhex(kept["sealed"]), PURPOSE))
        return certificate.read(parts["authority"], parts["chain"], parts["key"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, SealError) as error:
        log.warning("the certificate on this node's volume cannot be read", reason=str(error))
        return None


def write(folder: Path, vault: Vault, one: Certificate) -> None:
    """Keep a certificate; at any moment the file is whole. Raises OSError."""
    parts = json.dumps({"authority": one.authority, "chain": one.chain, "key": one.key})
    kept = {"key_id": vault.key_id, "sealed": vault.seal(parts, PURPOSE).hex()}
    fresh = folder / f"{NAME}.new"
    with fresh.open("w") as file:
        json.dump(kept, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(folder / NAME)
