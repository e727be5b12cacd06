"""A server that wants a bound account, and a name that is shown to be ours by a DNS record alone."""

import secrets
from pathlib import Path

from kit.certificates import NAMES, running_world

IDENTIFIER = "operator-7"


def test_a_bound_account_and_dns_records(tmp_path: Path) -> None:
    key = secrets.token_urlsafe(32)
    with running_world(tmp_path, account_keys={IDENTIFIER: key}) as world:
        folder = world.edges.acme_folder
        (folder / "hmac").write_text(key)
        world.dns.write_hook(folder / "hook")
        bound = {"ACME_EAB_KID": IDENTIFIER, "ACME_EAB_HMAC_KEY_FILE": "/authorities/hmac"}
        world.run("edge-1", ACME_DNS_HOOK="/authorities/hook", **bound)
        world.wait_valid("edge-1", seconds=150)
        assert all(not world.dns.texts(f"_acme-challenge.{name}") for name in NAMES)
