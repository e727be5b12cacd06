import socket
import subprocess
import sys
from pathlib import Path

import pytest

from certificates.outside import names
from certificates.outside.name_servers import parse_servers
from certificates.outside.names import NamesError, NoAddressError, Resolver
from certificates.plan.caa import CaaRecord
from unit.certificates.dns_server import serving

NAME = "vote.example.org"


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        ("", ()),
        ("192.0.2.53", (("192.0.2.53", 53),)),
        ("192.0.2.53:5353", (("192.0.2.53", 5353),)),
        ("[2001:db8::1]:53", (("2001:db8::1", 53),)),
        ("[2001:db8::1]", (("2001:db8::1", 53),)),
        (" 192.0.2.53 , [2001:db8::1]:5353, ", (("192.0.2.53", 53), ("2001:db8::1", 5353))),
    ],
)
def test_servers_are_read(text: str, servers: tuple[tuple[str, int], ...]) -> None:
    assert parse_servers(text) == servers


@pytest.mark.parametrize(
    "text",
    ["dns.example.org", "192.0.2.53:", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2", "2001:db8::1", "x:y"],
)
def test_what_is_no_server_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is not the address of a DNS server") as refused:
        parse_servers(f"192.0.2.53,{text}")
    assert str(refused.value).startswith(f"'{text}'")


def test_all_addresses_are_found() -> None:
    zone = {(NAME, "A"): ["192.0.2.1", "192.0.2.2"], (NAME, "AAAA"): ["2001:db8::1"]}
    with serving(zone) as server:
        assert set(Resolver((server,)).addresses(NAME)) == {"192.0.2.1", "192.0.2.2", "2001:db8::1"}


def test_a_name_that_does_not_exist() -> None:
    with serving({}) as server, pytest.raises(NoAddressError, match=f"^{NAME} does not exist in DNS$"):
        Resolver((server,)).addresses(NAME)


def test_a_name_without_an_address() -> None:
    with (
        serving({(NAME, "TXT"): ["x"]}) as server,
        pytest.raises(NoAddressError, match=f"^{NAME} has neither an A nor an AAAA record in DNS$"),
    ):
        Resolver((server,)).addresses(NAME)


def test_a_server_that_fails_at_aaaa_alone_is_forgiven() -> None:
    with serving({(NAME, "A"): ["192.0.2.1"], (NAME, "AAAA"): None}) as server:
        assert Resolver((server,)).addresses(NAME) == ("192.0.2.1",)


@pytest.mark.parametrize("zone", [{(NAME, "A"): None}, {(NAME, "AAAA"): None}])
def test_a_server_that_fails_is_named_with_its_answer(zone: dict[tuple[str, str], None]) -> None:
    with serving(zone) as server, pytest.raises(NamesError) as failure:
        Resolver((server,)).addresses(NAME)
    asked = f"(asked: 127.0.0.1:{server[1]})"
    assert str(failure.value) == f"DNS gives no answer about {NAME}: SERVFAIL {asked}"
    assert not isinstance(failure.value, NoAddressError)


def test_a_server_that_is_silent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "ANSWER_SECONDS", 0.2)
    with socket.socket(type=socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = silent.getsockname()
        with pytest.raises(NamesError) as failure:
            Resolver((server,)).addresses(NAME)
    assert str(failure.value) == f"No DNS server answers about {NAME} (asked: 127.0.0.1:{server[1]})"


def test_what_is_no_name() -> None:
    with pytest.raises(NamesError, match=r"about 'vote\.\.org': A DNS label is empty"):
        Resolver((("127.0.0.1", 53),)).addresses("vote..org")


CLOSE, FAR = '0 issue "close.example"', '128 issue "far.example; validationmethods=dns-01"'
FOUND = {
    "its own": ({(NAME, "CAA"): [CLOSE], ("example.org", "CAA"): [FAR]}, "close.example"),
    "the nearest above": ({(NAME, "A"): ["192.0.2.1"], ("example.org", "CAA"): [CLOSE]}, "close.example"),
    "the highest": ({("org", "CAA"): [CLOSE]}, "close.example"),
    "above a name that does not exist": ({("example.org", "CAA"): [CLOSE]}, "close.example"),
}


@pytest.mark.parametrize("case", FOUND)
def test_the_nearest_caa_records_hold(case: str) -> None:
    zone, issuer = FOUND[case]
    with serving(zone) as server:
        assert Resolver((server,)).caa(NAME) == (CaaRecord(0, "issue", issuer),)


def test_a_caa_record_is_read_as_it_is() -> None:
    with serving({(NAME, "CAA"): [FAR]}) as server:
        [record] = Resolver((server,)).caa(f"{NAME}.")
    assert record == CaaRecord(128, "issue", "far.example; validationmethods=dns-01")


def test_without_caa_records_there_are_none() -> None:
    with serving({(NAME, "A"): ["192.0.2.1"]}) as server:
        assert Resolver((server,)).caa(NAME) == ()


@pytest.mark.parametrize("broken", [NAME, "example.org"])
def test_caa_records_that_cannot_be_read_are_not_taken_for_none(broken: str) -> None:
    zone = {(broken, "CAA"): None, ("org", "CAA"): [CLOSE]}
    with serving(zone) as server, pytest.raises(NamesError, match=f"no answer about {broken}: SERVFAIL"):
        Resolver((server,)).caa(NAME)


def test_texts_are_put_together() -> None:
    with serving({(NAME, "TXT"): ['"one " "text"', "other"]}) as server:
        assert set(Resolver((server,)).texts(NAME)) == {"one text", "other"}
        assert Resolver((server,)).texts("nowhere.example.org") == ()


def test_an_error_has_a_reason_without_docstrings() -> None:
    """As in the image; dnspython's errors have theirs from there."""
    ask = "from certificates.outside.names import Resolver; Resolver(()).addresses('a' * 64 + '.example.org')"
    folder = str(Path(names.__file__).parents[2])
    asked = (sys.executable, "-OO", "-c", ask)
    done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stderr.rstrip().endswith("a.example.org': LabelTooLong")


def test_without_an_acme_server_its_libraries_are_not_loaded() -> None:
    look = "import sys, certificates.__main__; print(*sys.modules)"
    folder = str(Path(names.__file__).parents[2])
    done = subprocess.run(
        (sys.executable, "-c", look), cwd=folder, capture_output=True, text=True, check=True
    )
    assert not {"acme", "josepy", "dns", "requests", "flask"} & set(done.stdout.split())
