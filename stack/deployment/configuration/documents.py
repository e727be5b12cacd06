"""YAML as the stack's files are written in it."""

from typing import Any

import yaml

try:
    # libyaml's, about ten times as fast: `up` reads the files of ten releases.
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML was built without it.
    from yaml import SafeLoader  # type: ignore[assignment]


def parsed(text: str) -> Any:
    """Return what a text of YAML says; raise yaml.YAMLError."""
    return yaml.load(text, SafeLoader)
