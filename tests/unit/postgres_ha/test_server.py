import pytest

from postgres_ha.server import LASTING_SECONDS, Starts


@pytest.mark.parametrize(
    ("times", "failed"),
    [
        ([0], 0),
        ([0, 3], 1),
        ([0, 3, 6], 2),
        ([0, 3, 6, 6 + LASTING_SECONDS], 0),
    ],
)
def test_a_start_has_failed_when_the_next_one_is_needed_soon(times: list[float], failed: int) -> None:
    starts = Starts()
    for moment in times:
        starts.begin(moment)
    assert starts.failed == failed


def test_a_server_that_was_stopped_on_purpose_has_not_failed() -> None:
    starts = Starts()
    starts.begin(0)
    starts.begin(3)
    starts.forgive()
    starts.begin(4)
    assert starts.failed == 0
