"""What a refresh changed is said by package, and no manager goes back to older packages."""

from datetime import UTC, datetime

import pytest

from deployment.engine.images import packages

NOW = datetime(2026, 5, 4, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "time"),
    [
        ((), "2026-05-04T10:00:00Z"),
        (("", "2026-05-01T00:00:00Z"), "2026-05-04T10:00:00Z"),
        (("2026-05-04T10:00:00Z",), "2026-05-04T10:00:01Z"),
        (("2026-05-04T11:30:00Z", "2026-05-01T00:00:00Z"), "2026-05-04T11:30:01Z"),
    ],
    ids=["the first", "later", "within a second", "another manager's clock is ahead"],
)
def test_a_refresh_is_later_than_all_before(known: tuple[str, ...], time: str) -> None:
    assert packages.stamp(NOW, *known) == time
    assert all(time > each for each in known)


OLD = {"vote": {"openssl": "3.5.1", "python3": "3.13"}, "redis": {"openssl": "3.5.1", "redis": "8.0.2"}}


@pytest.mark.parametrize(
    ("after", "said"),
    [
        pytest.param(OLD, [], id="nothing"),
        pytest.param(
            {
                "vote": {"openssl": "3.5.4", "python3": "3.13"},
                "redis": {"openssl": "3.5.4", "redis": "8.0.2"},
            },
            ["openssl 3.5.1 → 3.5.4 (every image)"],
            id="in every image",
        ),
        pytest.param(
            {"vote": OLD["vote"], "redis": {"openssl": "3.5.1", "redis": "8.0.5", "liblua": "5.4"}},
            ["liblua none → 5.4 (redis)", "redis 8.0.2 → 8.0.5 (redis)"],
            id="in one image, and a new package",
        ),
        pytest.param(
            {**OLD, "pgpool": {"pgpool2": "4.6"}},
            ["pgpool: built anew, there was none to compare with"],
            id="an image that was not there",
        ),
    ],
)
def test_changes(after: packages.Packages, said: list[str]) -> None:
    assert packages.changes(OLD, after) == said
