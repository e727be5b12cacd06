"""Which versions of a secret are good at each stage, and whom each stage replaces."""

from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from deployment.configuration.layout import STACK_FILE
from deployment.plan.release import rotation
from deployment.plan.release.rotation import ROLLOUTS, ROTATABLE, Pair, Stage, Version

OLD, NEW, OLDER = Version("old", "2026-02"), "new", Version("older", "2026-01")


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ([OLD], Pair("old", None)),
        ([Version(NEW, "2026-03", Stage.ACCEPTED), OLD], Pair("old", NEW)),
        ([OLD, Version(NEW, "2026-03", Stage.SENT)], Pair(NEW, "old")),
        ([OLD, Version(NEW, "2026-03", Stage.KEPT)], Pair(NEW, "old")),
        ([OLD, Version(NEW, "2026-03", Stage.ALONE)], Pair(NEW, None)),
        ([OLD, Version(NEW, "2026-03")], Pair(NEW, None)),
        # A rotation of before left one behind.
        ([OLDER, Version(NEW, "2026-03", Stage.ACCEPTED), OLD], Pair("old", NEW)),
        (
            [OLDER, Version("old", "2026-02", Stage.KEPT), Version(NEW, "2026-03", "accepted")],
            Pair("old", NEW),
        ),
        # Somebody has removed the one before.
        ([Version(NEW, "2026-03", Stage.ACCEPTED)], Pair(NEW, None)),
        ([Version(NEW, "2026-03", Stage.KEPT)], Pair(NEW, None)),
        # A label that no version of this program writes.
        ([OLD, Version(NEW, "2026-03", "?")], Pair(NEW, None)),
    ],
)
def test_which_versions_are_good(versions: list[Version], expected: Pair) -> None:
    assert rotation.pair(versions) == expected


def goods(key: str) -> list[Pair]:
    """Return what is good before a change of a secret, in each of its rollouts, and after it."""
    stages = [*rotation.rollouts(key), rotation.end(key)]
    before = rotation.pair([OLD])
    return [before, *(rotation.pair([OLD, Version(NEW, "2026-03", stage)]) for stage in stages)]


@pytest.mark.parametrize("key", ROTATABLE)
def test_who_has_a_stage_understands_who_does_not_yet(key: str) -> None:
    pairs = goods(key)
    for one, two in pairwise(pairs):
        assert one.sent in (two.sent, two.other)
        assert two.sent in (one.sent, one.other)
    assert pairs[-1] == pairs[-2]
    assert pairs[-1].sent == NEW


def test_only_the_key_of_cookies_stays_good_after_its_change() -> None:
    kept = [key for key in ROTATABLE if "old" in (goods(key)[-1].sent, goods(key)[-1].other)]
    assert kept == ["voter_cookie_key"]


@pytest.mark.parametrize(
    ("stage", "wanted", "expected"),
    [
        ("accepted", Stage.ACCEPTED, False),
        ("accepted", Stage.SENT, True),
        ("accepted", Stage.ALONE, True),
        ("sent", Stage.SENT, False),
        ("sent", Stage.ALONE, True),
        ("alone", Stage.ALONE, False),
        ("", Stage.ACCEPTED, True),
        ("", Stage.SENT, True),
        ("kept", Stage.ALONE, True),
    ],
)
def test_what_is_still_ahead(stage: str, wanted: Stage, expected: bool) -> None:
    assert rotation.ahead("probe_key", stage, wanted) == expected


def test_a_key_that_is_kept_is_never_alone() -> None:
    assert not any(rotation.ahead("voter_cookie_key", stage, Stage.ALONE) for stage in Stage)


def test_what_was_begun_is_under_way_until_it_is_settled() -> None:
    stages = {
        "probe_key": "accepted", "redis_proxy_password": "sent", "redis_vote_password": "alone",
        "voter_cookie_key": "kept", "redis_worker_password": "", "certificates_key": "accepted",
    }  # fmt: skip
    assert rotation.underway(stages) == ["probe_key", "redis_vote_password", "redis_proxy_password"]


def test_who_looks_is_told_of_a_change_that_was_interrupted_and_how_to_end_it() -> None:
    (line,) = rotation.unfinished({"probe_key": "sent", "voter_cookie_key": "kept"})
    assert line == "a change is under way of probe_key (sent): python3 deploy.py secrets rotate probe_key"
    assert rotation.unfinished({"probe_key": "", "voter_cookie_key": "kept"}) == []


@pytest.mark.parametrize(
    ("key", "stages", "kept", "doubled"),
    [
        ("probe_key", ["", "accepted"], False, True),
        ("probe_key", ["", "alone"], False, True),
        ("probe_key", ["", ""], False, False),
        ("voter_cookie_key", [""], False, False),
        ("voter_cookie_key", ["", "accepted"], False, True),
        ("voter_cookie_key", ["", "kept"], True, True),
        # A second change, which is begun: what it forgets is forgotten.
        ("voter_cookie_key", ["", "kept", "accepted"], False, True),
        # Somebody has removed the one before.
        ("voter_cookie_key", ["kept"], False, False),
    ],
)
def test_of_which_secrets_two_values_are_needed(
    key: str, stages: list[str], kept: bool, doubled: bool
) -> None:
    found = {key: [Version(f"{n}", f"2026-0{n + 1}", stage) for n, stage in enumerate(stages)]}
    assert rotation.kept(found) == [key] * kept
    assert rotation.doubled(found) == [key] * doubled


def mounts(file: Path = STACK_FILE) -> dict[str, set[str]]:
    services = yaml.safe_load(file.read_text()).get("services", {})
    return {
        name: {part if isinstance(part, str) else part["source"] for part in service.get("secrets", ())}
        for name, service in services.items()
    }


REDIS = ["redis-1", "redis-2", "redis-3"]
SENTINELS = ["sentinel-1", "sentinel-2", "sentinel-3"]
POSTGRES = ["postgres-1", "postgres-2", "postgres-3"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("voter_cookie_key", (["vote"], ["vote"], [])),
        ("probe_key", (["vote"], ["vote"], ["vote"])),  # and the prober, where there is one
        ("postgres_agent_token", (POSTGRES, POSTGRES, POSTGRES)),
        ("postgres_repmgr_password", (POSTGRES, POSTGRES, POSTGRES)),
        ("postgres_pgpool_password", (["pgpool"], ["pgpool", *POSTGRES], ["pgpool"])),
        *(
            (
                f"postgres_{name}_password",
                (sorted([name, "pgpool"]), sorted([name, "pgpool", *POSTGRES]), sorted([name, "pgpool"])),
            )
            for name in ("worker", "result", "observer", "certificates")
        ),
        ("certificates_token", (["certificates"], ["certificates", "traefik"], ["certificates"])),
        ("redis_ballot_password", (REDIS, [*REDIS, "vote"], REDIS)),
        ("redis_vote_password", (REDIS, REDIS, REDIS)),
        ("redis_worker_password", (REDIS, [*REDIS, "worker"], REDIS)),
        ("redis_observer_password", (REDIS, ["observer", *REDIS], REDIS)),
        ("redis_monitor_password", tuple([*REDIS, *SENTINELS] for _ in ROLLOUTS)),
        ("redis_replica_password", (REDIS, REDIS, REDIS)),
        ("redis_sentinel_password", tuple([*REDIS, *SENTINELS] for _ in ROLLOUTS)),
        (
            "redis_proxy_password",
            ([*REDIS, *SENTINELS], [*REDIS, "redis-proxy", *SENTINELS], [*REDIS, *SENTINELS]),
        ),
    ],
)
def test_each_stage_replaces_who_knows_the_secret(key: str, expected: tuple[list[str], ...]) -> None:
    found = tuple(
        rotation.rolled(key, stage, mounts()) if stage in rotation.rollouts(key) else [] for stage in ROLLOUTS
    )
    assert found == expected


def test_the_table_has_every_secret_that_is_changed_so() -> None:
    taken = {key for key in ROTATABLE for keys in mounts().values() if rotation.other_key(key) in keys}
    assert taken == set(ROTATABLE)
    others = {key for keys in mounts().values() for key in keys if key.endswith(rotation.OTHER)}
    assert others == set(map(rotation.other_key, ROTATABLE))


@pytest.mark.parametrize("file", [STACK_FILE, *sorted(STACK_FILE.parent.glob("overlays/*.yaml"))])
def test_whoever_logs_in_to_the_database_takes_two_passwords(file: Path) -> None:
    """It knows one password of an account at a time; its nodes set that, and do not log in with it."""
    lacking = [
        (service, key)
        for service, keys in mounts(file).items()
        for key in keys & set(ROTATABLE)
        if key.startswith("postgres_") and key.endswith("_password") and rotation.other_key(key) not in keys
    ]
    assert [(service, key) for service, key in lacking if service not in POSTGRES] == []
