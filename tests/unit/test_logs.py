from __future__ import annotations

import io
import json
from collections.abc import Iterator
from importlib import import_module

import pytest
import structlog

from unit.packages import PACKAGES


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_line_is_one_object_with_the_traceback_in_it(package: str) -> None:
    output = io.StringIO()
    import_module(f"{package}.logs").configure(output)
    try:
        raise ConnectionError("no route to postgres-2")
    except ConnectionError:
        structlog.get_logger().exception("request failed", client="10.0.0.7")
    [line] = output.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"], said["client"]) == ("request failed", "error", "10.0.0.7")
    assert said["exception"].startswith("Traceback")
    assert said["exception"].endswith("ConnectionError: no route to postgres-2")
    assert "timestamp" in said
