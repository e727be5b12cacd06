"""Where other nodes reach this one is given, or evident, or asked for; and it is said."""

import pytest

from deployment.engine.machine import advertise
from deployment.engine.machine.advertise import Addresses
from deployment.errors import DeployError

OFFICE = {"eth0": ("192.0.2.7",)}
TWO = {"eth0": ("192.0.2.7",), "eth1": ("198.51.100.7",)}


@pytest.mark.parametrize(
    ("given", "here", "chosen"),
    [
        pytest.param("", Addresses(OFFICE, "192.0.2.7"), "192.0.2.7", id="the default route's"),
        pytest.param("", Addresses(TWO, "198.51.100.7"), "198.51.100.7", id="of two the default route's"),
        pytest.param("", Addresses(OFFICE), "192.0.2.7", id="the only one, without a default route"),
        pytest.param("", Addresses(), "127.0.0.1", id="none"),
        pytest.param(
            "203.0.113.9", Addresses(TWO, "192.0.2.7"), "203.0.113.9", id="given, also one of a NAT"
        ),
        pytest.param("2001:db8::7", Addresses(TWO, "192.0.2.7"), "2001:db8::7", id="IPv6 given"),
        pytest.param("eth1", Addresses(TWO, "192.0.2.7"), "198.51.100.7", id="an interface given"),
    ],
)
def test_choice(given: str, here: Addresses, chosen: str) -> None:
    assert advertise.choose(given, here) == chosen


@pytest.mark.parametrize(
    ("given", "here", "complaint"),
    [
        pytest.param("", Addresses(TWO), "several addresses and no default route: 192.0.2.7, 198.51.100.7"),
        pytest.param("eth7", Addresses(TWO, "192.0.2.7"), "Interface eth7 has no IPv4 address"),
        pytest.param("eth0", Addresses({"eth0": ("192.0.2.7", "192.0.2.8")}), "192.0.2.7, 192.0.2.8"),
    ],
    ids=["several", "no such interface", "an interface with two"],
)
def test_nothing_is_guessed(given: str, here: Addresses, complaint: str) -> None:
    with pytest.raises(DeployError) as refused:
        advertise.choose(given, here)
    assert complaint in refused.value.what
    assert "`up " not in refused.value.remedy, "`kit open` makes a Swarm, too"


def test_the_choice_is_said() -> None:
    assert advertise.sentence("192.0.2.7", Addresses(TWO, "192.0.2.7")) == (
        "Other nodes will reach this one at 192.0.2.7. It has 198.51.100.7, too; --advertise-addr chooses."
    )
    assert "of this node alone" in advertise.sentence("127.0.0.1", Addresses())


def test_a_swarm_that_exists_keeps_its_address() -> None:
    assert advertise.kept("", "192.0.2.7") == advertise.kept("192.0.2.7", "192.0.2.7") == []
    (said,) = advertise.kept("198.51.100.7", "192.0.2.7")
    assert "has no effect" in said
