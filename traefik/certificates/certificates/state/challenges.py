"""What is answered to an authority that wants to see who owns a name."""

from __future__ import annotations

from certificates.state.database import Connection


def publish(connection: Connection, token: str, answer: str) -> None:
    """Let every copy answer a token, and forget those that were tried long ago without an order after it."""
    connection.execute(
        "DELETE FROM certificates.challenges WHERE made < clock_timestamp() - interval '1 day'"
    )
    connection.execute(
        "INSERT INTO certificates.challenges (token, answer) VALUES (%s, %s) "
        "ON CONFLICT (token) DO UPDATE SET answer = excluded.answer",
        (token, answer),
    )


def answer(connection: Connection, token: str) -> str | None:
    """Return the answer to a token."""
    row = connection.execute(
        "SELECT answer FROM certificates.challenges WHERE token = %s", (token,)
    ).fetchone()
    return str(row["answer"]) if row else None
