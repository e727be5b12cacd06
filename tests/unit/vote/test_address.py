from __future__ import annotations

import pytest

from vote.address import parse_networks, source_of

PEER = "10.0.1.9"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "source"),
    [
        (None, "", PEER),
        ("", "", PEER),
        ("192.0.2.1", "", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1", "", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "", "192.0.2.1"),
        ("nonsense", "", ""),
        ("192.0.2.1, 198.51.100.7", "198.51.100.0/24", "192.0.2.1"),
        ("203.0.113.9, 192.0.2.1, 198.51.100.7, 198.51.100.8", "198.51.100.0/24", "192.0.2.1"),
        ("192.0.2.1, 198.51.100.7", "198.51.100.7, 2001:db8::/32", "192.0.2.1"),
        ("2001:db8::1, 198.51.100.7", "198.51.100.7", "2001:db8::/64"),
        ("unknown, 198.51.100.7", "198.51.100.0/24", "198.51.100.7"),
        ("203.0.113.9, unknown, 198.51.100.7", "198.51.100.0/24", "198.51.100.7"),
        ("198.51.100.8, 198.51.100.7", "198.51.100.0/24", "198.51.100.8"),
    ],
)
def test_the_source_is_the_last_address_that_is_no_trusted_proxys(
    forwarded: str | None, proxies: str, source: str
) -> None:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    assert source_of({"REMOTE_ADDR": PEER, **headers}, parse_networks(proxies)) == source


def test_without_any_address_there_is_one_source() -> None:
    assert source_of({}) == ""


@pytest.mark.parametrize("listed", ["10.0.0.1/8", "proxy.example", "10.0.0.0/8;10.1.0.0/16"])
def test_what_is_no_network_is_refused(listed: str) -> None:
    with pytest.raises(ValueError, match=r"\d|proxy"):
        parse_networks(listed)
