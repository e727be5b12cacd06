"""The rules that lose packets, and their removal."""

from swarm import firewall

ARRIVING, LEAVING = firewall.ARRIVING, firewall.LEAVING


def test_both_ways() -> None:
    assert firewall.cutting(["10.0.0.1"]).splitlines() == [
        "*mangle",
        f":{ARRIVING} - [0:0]",
        f":{LEAVING} - [0:0]",
        f"-A {ARRIVING} -s 10.0.0.1 -j DROP",
        f"-A {LEAVING} -d 10.0.0.1 -j DROP",
        f"-I PREROUTING -j {ARRIVING}",
        f"-I POSTROUTING -j {LEAVING}",
        "COMMIT",
    ]


def test_one_way_loses_what_arrives() -> None:
    rules = firewall.cutting(["10.0.0.1"], one_way=True)
    assert "-s 10.0.0.1" in rules
    assert "-d 10.0.0.1" not in rules


def test_a_share_of_the_packets() -> None:
    assert "-m statistic --mode random --probability 0.2 -j DROP" in firewall.cutting(["10.0.0.1"], share=0.2)


def test_healing_removes_what_cutting_added() -> None:
    assert firewall.healing().splitlines() == [
        "*mangle",
        f"-D PREROUTING -j {ARRIVING}",
        f"-D POSTROUTING -j {LEAVING}",
        f"-F {ARRIVING}",
        f"-F {LEAVING}",
        f"-X {ARRIVING}",
        f"-X {LEAVING}",
        "COMMIT",
    ]


def test_packets_of_a_kind_are_lost() -> None:
    rules = firewall.cutting(["10.0.0.1"], one_way=True, packets="-p tcp --dport 7946")
    assert "-A FAULTS-ARRIVING -s 10.0.0.1 -p tcp --dport 7946 -j DROP" in rules.splitlines()
