"""Prometheus's rules, which stand in several files and are handed to Swarm as one."""

from collections.abc import Iterable

import yaml

from deployment.configuration.documents import parsed


def joined(files: Iterable[str]) -> str:
    """Return the groups of several files of rules (YAML) as one file, in their order."""
    groups = [group for text in files for group in (parsed(text) or {}).get("groups", ())]
    return yaml.safe_dump({"groups": groups}, sort_keys=False, allow_unicode=True, width=1000)
