"""Addresses that are somebody else's, and changes that Docker would ignore, are refused in time."""

from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from deployment.configuration import layout, overlays, settings
from deployment.configuration.settings import Settings
from deployment.errors import DeployError
from deployment.plan.swarm import networks
from deployment.plan.swarm.networks import Network, Route

TABLE = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
tun0\t000010AC\t00000000\t0001\t0\t0\t0\t0000F0FF\t0\t0\t0
lo\t0000007F\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0
"""
LAN = Route(IPv4Network("10.0.1.0/24"), "eth0")
VPN = Route(IPv4Network("172.16.0.0/12"), "tun0")
WITH_NETWORKS = ("encrypted-networks.yaml", "network-subnets.yaml")


@pytest.fixture(autouse=True)
def _no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(Settings.model_config, "env_file", None)


def network(name: str, subnet: str, **what: bool) -> Network:
    return Network(name, IPv4Network(subnet), **what)


def intended(**given: object) -> dict[str, Network]:
    return {one.name: one for one in planned(settings.load(**given), [], [networks.DOCKER_MESH])}


def planned(chosen: Settings, there: list[Network], taken: list[IPv4Network]) -> list[Network]:
    files = (layout.STACK_FILE, *overlays.chosen(chosen))
    subnets = networks.carve(chosen.network_subnets) if chosen.network_subnets else {}
    free = networks.unused(networks.DOCKER_POOL, taken)
    return networks.intended(networks.joined([path.read_text() for path in files]), subnets, there, free)


def test_routes_of_the_kernel() -> None:
    assert networks.routes(TABLE) == [LAN, VPN]


def test_a_new_network_in_the_way_of_a_lan_is_refused() -> None:
    with pytest.raises(DeployError) as refused:
        networks.require_sound(list(intended().values()), [], [LAN, VPN])
    assert "vote-app_edge (10.0.1.0/24) overlaps 10.0.1.0/24, which this machine reaches through eth0" in (
        refused.value.what
    )
    assert "NETWORK_SUBNETS=10.77.0.0/16" in refused.value.remedy
    networks.require_sound(list(intended(network_subnets="10.77.0.0/16").values()), [], [LAN, VPN])


@pytest.mark.parametrize("endpoint", ["10.0.2.9:9000", "10.77.1.9"])
def test_a_store_of_backups_among_the_addresses_of_the_stack_is_refused(endpoint: str) -> None:
    wanted = [network("data", "10.0.2.0/24"), network("store", "10.77.1.0/24")]
    with pytest.raises(DeployError, match=r"never be reached\. Nothing was deployed") as refused:
        networks.require_outside(wanted, endpoint, [VPN])
    pool = IPv4Network(refused.value.remedy.partition("NETWORK_SUBNETS=")[2].split()[0])
    assert not pool.overlaps(IPv4Network(endpoint.partition(":")[0]))


@pytest.mark.parametrize("endpoint", ["", "10.0.3.9:9000", "10.0.2.9.example.org", "minio.example.org:9000"])
def test_a_store_of_backups_elsewhere_is_in_nobodys_way(endpoint: str) -> None:
    networks.require_outside([network("data", "10.0.2.0/24")], endpoint, [])


def test_a_network_that_exists_is_left_alone_and_said() -> None:
    there = [network("edge", "10.0.1.0/24"), network("queue", "10.0.9.0/24", internal=True)]
    wanted = planned(settings.load(), there, [LAN.subnet])
    networks.require_sound(wanted, there, [LAN])
    (said,) = networks.weaknesses(wanted, there, [LAN])
    assert "overlaps 10.0.1.0/24, which this machine reaches through eth0" in said
    assert "NETWORK_SUBNETS=" in said


def test_a_network_that_should_be_internal_is_said() -> None:
    wanted, there = [network("data", "10.1.0.0/24", internal=True)], [network("data", "10.1.0.0/24")]
    (said,) = networks.weaknesses(wanted, there, [])
    assert said.startswith("vote-app_data: not internal")


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (
            {"network_subnets": "10.77.0.0/16"},
            "has 10.0.1.0/24, by NETWORK_SUBNETS it would have 10.77.0.0/24",
        ),
        ({"network_encryption": True}, "is not encrypted"),
    ],
)
def test_what_docker_cannot_change_is_refused(given: dict[str, object], complaint: str) -> None:
    there = [network("edge", "10.0.1.0/24")]
    with pytest.raises(DeployError) as refused:
        networks.require_sound(list(intended(**given).values()), there, [])
    assert complaint in refused.value.what
    assert "down" in refused.value.remedy


def test_what_is_there_already_is_no_change() -> None:
    wanted = list(intended(network_subnets="10.77.0.0/16", network_encryption=True).values())
    networks.require_sound(wanted, wanted, [LAN])
    assert networks.weaknesses(wanted, wanted, [LAN]) == []


def test_each_network_has_a_subnet_of_the_pool() -> None:
    made = intended(network_subnets="10.77.0.0/16")
    subnets = [one.subnet for one in made.values()]
    assert len(set(subnets)) == len(made) == len(yaml.safe_load(layout.STACK_FILE.read_text())["networks"])
    assert all(subnet and subnet.subnet_of(IPv4Network("10.77.0.0/16")) for subnet in subnets)


@pytest.mark.parametrize("name", WITH_NETWORKS)
def test_a_file_that_is_added_by_hand_opens_no_network(name: str) -> None:
    """Docker replaces a network by what the last file says of it: one that left out `internal` opened it."""
    watched = (layout.STACK_FILE, *(layout.OVERLAYS / one for one in (layout.MONITORING, "backup-s3.yaml")))
    whole, added = (
        networks.merged(path.read_text() for path in paths) for paths in (watched, [layout.OVERLAYS / name])
    )
    assert {name: {**part, **whole[name]} for name, part in added.items()} == added


@pytest.mark.parametrize(
    ("more", "ways_out"),
    [
        ({}, set()),
        ({"monitoring": True}, {"alerts"}),
        ({"monitoring": True, "backup": True}, {"alerts", "store"}),
    ],
)
def test_all_files_together_lose_nothing(more: dict[str, bool], ways_out: set[str], tmp_path: Path) -> None:
    (tmp_path / "key").write_text("hush\n")
    s3 = {name: str(tmp_path / "key") for name in ("backup_s3_key_file", "backup_s3_key_secret_file")}
    s3 |= {"backup_store": "s3", "backup_s3_endpoint": "s3.example.org", "backup_s3_bucket": "votes"}
    monitoring, chosen = more.get("monitoring", False), s3 if more.get("backup") else {}
    made = intended(network_subnets="10.77.0.0/16", network_encryption=True, monitoring=monitoring, **chosen)
    assert {name for name, one in made.items() if not one.internal} == {"edge", "acme"} | ways_out
    assert all(one.encrypted for one in made.values())
    assert len({one.subnet for one in made.values()}) == len(made) <= networks.MOST


def test_a_suggestion_is_free() -> None:
    assert networks.suggestion([]) == "10.77.0.0/16"
    assert networks.suggestion([Route(IPv4Network("10.0.0.0/8"), "eth0"), VPN]) == "192.168.224.0/20"


def test_a_network_of_the_api() -> None:
    described = {
        "Name": "vote-app_queue",
        "IPAM": {"Config": [{"Subnet": "10.0.2.0/24", "Gateway": "10.0.2.1"}]},
        "Options": {"encrypted": ""},
        "Internal": True,
    }
    assert networks.from_api(described) == network("queue", "10.0.2.0/24", internal=True, encrypted=True)


def test_a_new_edge_finds_its_way_out_and_waits_for_nothing() -> None:
    """Swarm takes a network away that nobody on the node is on: somebody is, wherever Traefik is."""
    services = yaml.safe_load(layout.STACK_FILE.read_text())["services"]
    places = {
        name: [service["deploy"].get("mode"), service["deploy"]["placement"]]
        for name, service in services.items()
        if "edge" in service["networks"]
    }
    assert [name for name, place in places.items() if place == places["traefik"]] == [
        "traefik",
        "certificates",
    ]
    assert services["traefik"]["deploy"]["restart_policy"] == {"condition": "any", "delay": "200ms"}
