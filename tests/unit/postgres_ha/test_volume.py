from collections.abc import Callable
from pathlib import Path

import pytest

from postgres_ha.state import Data
from postgres_ha.volume import Volume


def put(directory: Path, content: str) -> None:
    directory.mkdir(exist_ok=True)
    (directory / "PG_VERSION").write_text(content)


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    return Volume(tmp_path)


def content(volume: Volume) -> str:
    return (volume.data / "PG_VERSION").read_text()


def test_a_new_volume_is_empty(volume: Volume) -> None:
    assert volume.content is Data.EMPTY


def test_a_half_made_directory_does_not_count(volume: Volume) -> None:
    put(volume.fresh, "new")
    assert volume.content is Data.EMPTY


def test_data_without_a_version_are_not_nothing(volume: Volume) -> None:
    """Nodes that call themselves empty are initialised."""
    put(volume.data, "old")
    (volume.data / "base").touch()
    (volume.data / "PG_VERSION").unlink()
    assert volume.content is Data.BROKEN


def test_data_of_an_office_that_cannot_be_read_are_broken(volume: Volume) -> None:
    put(volume.data, "old")
    (volume.data.parent / "office.json").write_text("garbage")
    assert Volume(volume.data.parent).content is Data.BROKEN
    put(volume.fresh, "new")
    volume.adopt_clone()
    assert volume.content is Data.USABLE


def test_the_last_damaged_directory_is_kept(volume: Volume) -> None:
    for damaged in ("first", "second"):
        put(volume.data, damaged)
        put(volume.fresh, "new")
        volume.adopt_clone(keep=True)
        volume.discard_old()
        assert (volume.damaged / "PG_VERSION").read_text() == damaged
        assert content(volume) == "new"


def test_half_a_copy_beside_data_is_removed(volume: Volume) -> None:
    """It would fill the disk, and make what was kept long ago pass for the data of just before."""
    put(volume.data, "data")
    put(volume.fresh, "half")
    volume.recover()
    assert not volume.fresh.exists()
    assert content(volume) == "data"


def test_data_that_others_may_enter_are_secured(volume: Volume) -> None:
    put(volume.data, "old")
    volume.data.chmod(0o755)
    volume.secure()
    assert volume.data.stat().st_mode & 0o777 == 0o700


def test_first_data_is_marked_until_it_is_open(volume: Volume) -> None:
    put(volume.fresh, "new")
    volume.adopt_first()
    assert volume.content is Data.USABLE
    assert volume.is_first_boot
    volume.end_first_boot()
    assert not volume.is_first_boot


def test_a_clone_keeps_the_old_directory_until_told_otherwise(volume: Volume) -> None:
    put(volume.data, "old")
    put(volume.fresh, "new")
    volume.adopt_clone()
    assert content(volume) == "new"
    assert (volume.data.parent / "pgdata.old").exists()
    volume.discard_old()
    assert not (volume.data.parent / "pgdata.old").exists()


@pytest.mark.parametrize("place", ["pgdata.old", "pgdata.damaged"])
def test_an_interrupted_exchange_is_undone(volume: Volume, place: str) -> None:
    put(volume.data, "old")
    volume.data.rename(volume.data.parent / place)
    put(volume.fresh, "new")
    volume.recover()
    assert content(volume) == "old"


def test_what_was_kept_long_ago_is_not_the_data_again(volume: Volume) -> None:
    put(volume.damaged, "damaged")
    volume.recover()
    assert volume.content is Data.EMPTY


def test_an_interrupted_exchange_of_damaged_data_brings_nothing_older_back(volume: Volume) -> None:
    put(volume.data, "overruled")
    put(volume.fresh, "damaged")
    volume.adopt_clone()
    put(volume.fresh, "new")
    volume.adopt_clone(keep=True)
    volume.data.rename(volume.fresh)
    volume.recover()
    assert content(volume) == "damaged"


def test_an_interrupted_rewind_leaves_broken_data_until_a_clone(volume: Volume) -> None:
    put(volume.data, "old")
    volume.begin_rewind()
    assert Volume(volume.data.parent).content is Data.BROKEN
    put(volume.fresh, "new")
    volume.adopt_clone()
    assert volume.content is Data.USABLE


def test_a_finished_rewind_is_whole_again(volume: Volume) -> None:
    put(volume.data, "old")
    volume.begin_rewind()
    volume.end_rewind()
    assert volume.content is Data.USABLE


@pytest.mark.parametrize("mend", [Volume.end_rewind, Volume.adopt_clone])
def test_an_office_belongs_to_the_data(volume: Volume, mend: Callable[[Volume], None]) -> None:
    put(volume.data, "old")
    volume.enter_office(7)
    assert Volume(volume.data.parent).office_term == 7
    put(volume.fresh, "new")
    mend(volume)
    assert volume.office_term == 0


def test_one_container_at_a_time(volume: Volume) -> None:
    assert volume.try_lock()
    assert not Volume(volume.data.parent).try_lock()
