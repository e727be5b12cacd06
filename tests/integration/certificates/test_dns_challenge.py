"""A server that wants a bound account, and a name that is shown to be ours by a DNS record alone."""

import secrets
from pathlib import Path

from kit.certificates import NAMES, running_world

IDENTIFIER = "operator-7"
HOOK = """#!/usr/bin/env python3
import json, sys, urllib.request
action, name, value = sys.argv[1:]
what = {{"present": "set-txt", "cleanup": "clear-txt"}}[action]
body = json.dumps({{"host": name + ".", "value": value}}).encode()
urllib.request.urlopen("{management}/" + what, body, timeout=5)
"""


def test_a_bound_account_and_dns_records(tmp_path: Path) -> None:
    key = secrets.token_urlsafe(32)
    with running_world(tmp_path, account_keys={IDENTIFIER: key}) as world:
        folder = world.edges.acme_folder
        (folder / "hmac").write_text(key)
        hook = folder / "hook"
        hook.write_text(HOOK.format(management=world.dns.management))
        hook.chmod(0o755)
        bound = {"ACME_EAB_KID": IDENTIFIER, "ACME_EAB_HMAC_KEY_FILE": "/authorities/hmac"}
        world.run("edge-1", ACME_DNS_HOOK="/authorities/hook", **bound)
        world.wait_valid("edge-1", seconds=150)
        assert all(not world.dns.texts(f"_acme-challenge.{name}") for name in NAMES)
