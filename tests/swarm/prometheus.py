"""What the Prometheus of the stack that is up here knows."""

import json
from typing import Any

from kit.local import LocalStack


def ask(local: LocalStack, query: str) -> list[dict[str, Any]]:
    """Ask Prometheus; nothing while it does not answer."""
    command = ["promtool", "query", "instant", "-o", "json", "http://localhost:9090", query]
    started = local.client.api.exec_create(local.container("prometheus"), command, stderr=False)
    answer = local.client.api.exec_start(started["Id"])
    if local.client.api.exec_inspect(started["Id"])["ExitCode"]:
        return []
    found: list[dict[str, Any]] = json.loads(answer)
    return found
