"""Log lines as JSON on stdout."""

import structlog


def configure() -> None:
    """Make structlog write one JSON object for each line."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ]
    )
