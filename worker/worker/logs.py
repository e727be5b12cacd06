"""Logs as JSON lines on standard output, or another."""

from __future__ import annotations

import sys
from typing import TextIO

import structlog


def configure(output: TextIO = sys.stdout) -> None:
    """Make structlog write JSON lines."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(output),
        cache_logger_on_first_use=True,
    )
