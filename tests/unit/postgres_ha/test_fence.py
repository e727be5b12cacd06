from typing import cast

import pytest

from postgres_ha import fence, postgres_config
from postgres_ha.database import Database, DatabaseError, Observation

PEERS = ("postgres-2", "postgres-3")


class Server:
    """A primary that takes a setting only after it has been looked at so many times."""

    def __init__(self, looks: int) -> None:
        self.looks = looks
        self.told = False

    def execute(self, *statements: object) -> None:
        self.told = "pg_reload_conf" in str(statements)

    def observe(self) -> Observation:
        self.looks -= self.told
        return Observation(
            standby=False,
            lsn=1,
            epochs=[1],
            required="ANY 1 (*)" if self.looks < 0 else postgres_config.FENCE,
            conninfo="",
            receiving=False,
            upstream=None,
            startup=None,
            standbys=[],
            synchronous=False,
            lag_bytes={},
            damaged_pages=0,
            system="1",
        )


@pytest.mark.parametrize("looks", [0, 3])
def test_a_primary_is_open_when_its_server_has_taken_the_setting(looks: int) -> None:
    server = Server(looks)
    fence.open_to(cast(Database, server), PEERS, timeout=5)
    assert server.observe().open


def test_a_server_that_never_takes_the_setting_is_an_error() -> None:
    with pytest.raises(DatabaseError, match="still cut off"):
        fence.open_to(cast(Database, Server(10**6)), PEERS, timeout=0.2)
