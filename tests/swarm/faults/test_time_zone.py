"""The lab's machines are in a time zone of their own."""

from datetime import UTC, datetime

from deployment.engine.machine import engine
from swarm.lab.lab import Lab


def test_an_engine_in_another_time_zone_tells_the_time_by_which_it_dates_things(lab: Lab) -> None:
    assert str(lab.manager.info()["SystemTime"]).endswith("+05:30")
    before, told, after = datetime.now(UTC), engine.time_now(lab.manager), datetime.now(UTC)
    assert before <= datetime.fromisoformat(told) <= after
