import pytest

from postgres_ha.database import names_damage


@pytest.mark.parametrize(
    ("message", "damage"),
    [
        ("FATAL:  invalid page in block 0 of relation global/1260", True),
        ('FATAL:  could not open file "base/16384/1259": No such file or directory', True),
        ('FATAL:  could not open file "base/16384/1259": Too many open files', False),
        ("FATAL:  could not access status of transaction 731", True),
        ("FATAL:  the database system is starting up", False),
        ('connection to server on socket "/tmp/.s.PGSQL.5432" failed: No such file or directory', False),
        ("canceling statement due to statement timeout", False),
        ("sorry, too many clients already", False),
    ],
)
def test_only_words_about_its_own_files_name_damage(message: str, damage: bool) -> None:
    assert names_damage(message) is damage
