import pytest

from postgres_ha.position import Position, format_lsn, parse_lsn


@pytest.mark.parametrize(
    ("text", "lsn"),
    [("0/0", 0), ("0/3000148", 0x3000148), ("1/0", 1 << 32), ("A/FFFFFFFF", (11 << 32) - 1)],
)
def test_addresses_and_bytes_convert_both_ways(text: str, lsn: int) -> None:
    assert parse_lsn(text) == lsn
    assert format_lsn(lsn) == text


@pytest.mark.parametrize("text", ["", "12", "x/1", "1/2/3"])
def test_a_malformed_address_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_lsn(text)


def test_a_later_epoch_outweighs_any_length_of_history() -> None:
    assert Position(5, 100) > Position(4, 200)
    assert Position(5, 200) > Position(5, 100)
