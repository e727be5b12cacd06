"""Logs as JSON lines on standard output, or elsewhere."""

from typing import Any, TextIO

import structlog

SHARED: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
RENDERED: list[Any] = [
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(),
]


def configure(output: TextIO | None = None) -> None:
    """Make structlog write one JSON object on each line, a traceback within it."""
    structlog.configure(
        processors=[*SHARED, *RENDERED],
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
