"""What was deployed can come back: which release is meant, and what must stay for it."""

import gzip
from dataclasses import replace

import pytest

from deployment.configuration.layout import MONITORING
from deployment.engine.records.releases import DOCUMENT
from deployment.plan.release import history
from deployment.plan.release.drift import Service
from deployment.plan.release.history import Deployment
from deployment.plan.release.release import Release

STACK = "services: {vote: {image: '${VOTE_IMAGE}'}}\nsecrets: {key_one: {name: x, external: true}}"


def release(image: str, text: str = STACK) -> Release:
    return Release(("stack.yaml",), {"stack.yaml": text}, {"VOTE_IMAGE": image})


def deployment(number: int, image: str) -> Deployment:
    services = {"vote": Service(2, "f")}
    return Deployment(number, "2026-01-01T00:00:00Z", "me@here", "abc", "up", release(image), services)


KEPT = [deployment(n, image) for n, image in enumerate(("v:1", "v:2", "v:3", "v:2"), start=4)]


LAST = release("v:2").identity


@pytest.mark.parametrize(
    ("kept", "wanted", "running", "number"),
    [
        (KEPT, "", {LAST}, 6),
        (KEPT, "", {LAST, "unknown"}, 7),
        (KEPT, "", set(), 6),
        (KEPT, "4", {LAST}, 4),
        (KEPT, release("v:1").identity, {LAST}, 4),
        (KEPT, LAST, {LAST}, 7),
        (KEPT, "3", {LAST}, None),
        (KEPT[:1], "", {release("v:1").identity}, None),
        ([], "4", set(), None),
        ([], "", set(), None),
    ],
    ids=[
        *("the one before", "the last good one where another runs", "no stack"),
        *("a number", "a name", "a name that was deployed twice"),
        *("no longer kept", "none before", "none at all", "none, and none asked for"),
    ],
)
def test_which_one_is_meant(
    kept: list[Deployment], wanted: str, running: set[str], number: int | None
) -> None:
    found = history.chosen(kept, wanted, running)
    assert (found.number if found else None) == number


def test_what_only_another_secret_or_poll_tells_apart_is_no_release_before() -> None:
    changed = [
        replace(each, release=each.release.having({"KEY_ONE_SECRET": f"k{n}", "VOTE_TITLE": f"t{n}"}))
        for n, each in enumerate([*KEPT[:2], replace(KEPT[1], number=6)])
    ]
    found = history.chosen(changed, "", {changed[-1].release.identity})
    assert found is changed[0]


def test_one_deployment_of_each_of_ten_releases_stays() -> None:
    assert [d.number for d in history.retained(KEPT)] == [4, 6, 7]
    many = [deployment(n, f"v:{n % 12}") for n in range(1, 40)]
    assert [d.number for d in history.retained(many)] == list(range(30, 40))


def test_changes_of_a_secret_take_the_place_of_no_release() -> None:
    rotated = [
        replace(KEPT[-1], number=n, release=KEPT[-1].release.having({"KEY_ONE_SECRET": f"k{n}"}))
        for n in range(8, 30)
    ]
    before = [replace(d, release=d.release.having({"KEY_ONE_SECRET": "k"})) for d in KEPT]
    assert [d.number for d in history.retained([*before, *rotated])] == [4, 6, 29]


def test_that_a_rollback_took_the_monitoring_away_outlives_changes_of_a_secret() -> None:
    overlay = f"overlays/{MONITORING}"
    parts = {"stack.yaml": STACK, overlay: "services: {}"}
    watched = replace(KEPT[0], release=Release(tuple(parts), parts, {"VOTE_IMAGE": "v:1"}))
    back = replace(KEPT[1], verb="rollback to 4", release=KEPT[1].release.having({"KEY_ONE_SECRET": "k"}))
    rotated = replace(back, number=6, verb="secrets rotate key_one")
    rotated = replace(rotated, release=rotated.release.having({"KEY_ONE_SECRET": "new"}))
    assert history.unwatched(history.retained([watched, back, rotated]))


def test_each_says_what_it_changed() -> None:
    assert history.changed(KEPT) == {
        5: ["change vote: image v:1 → 2"],
        6: ["change vote: image v:2 → 3"],
        7: ["change vote: image v:3 → 2"],
    }


def test_the_images_of_three_different_releases_stay() -> None:
    assert history.images_kept(None, KEPT) == {"v:1", "v:2", "v:3"}
    assert history.images_kept(release("v:9"), KEPT) == {"v:9", "v:2", "v:3"}
    assert history.images_kept(release("v:2"), []) == {"v:2"}
    other = {n: replace(release("v:2"), files={"stack.yaml": f"{STACK} # {n}"}) for n in range(8, 12)}
    titles = [replace(KEPT[1], number=number, release=changed) for number, changed in other.items()]
    assert history.images_kept(None, [*KEPT, *titles]) == {"v:1", "v:2", "v:3"}


def test_a_secret_that_only_a_former_release_needs_stays() -> None:
    newer = release("v:9", STACK.replace("key_one", "key_two"))
    assert history.secrets_kept(newer, KEPT) == {"key_one", "key_two"}
    assert history.secrets_kept(newer, []) == {"key_two"}


def test_a_deployment_is_read_as_it_was_kept() -> None:
    kept = replace(KEPT[0], services={"vote": Service(None, "f")})
    content = gzip.compress(DOCUMENT.dump_json(kept))
    assert DOCUMENT.validate_json(gzip.decompress(content)) == kept
