"""What `up` does to the stack that is up when its options change: nothing, where votes would vanish."""

from typing import Any

import pytest
import requests

from deployment.configuration.layout import NAMESPACE
from deployment.configuration.settings import Settings
from deployment.engine.records import options
from kit.local import LocalStack, deploy, running
from kit.waiting import wait_until

STORED_SECONDS = 20


def described(local: LocalStack) -> list[Any]:
    """Return what Swarm was told last of each service, and what is recorded of the options."""
    services = local.client.services.list(filters={"label": NAMESPACE})
    return [sorted((s.name, s.attrs["Version"]["Index"]) for s in services), options.recorded(local.client)]


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_an_option_with_votes_is_not_replaced_in_passing(chosen: Settings) -> None:
    local = running()
    known = options.recorded(local.client)
    assert known
    key = known.offered[0]
    url = f"https://127.0.0.1:{chosen.https_port}/"
    voted = requests.post(
        url, data={"vote": key}, headers={"Host": chosen.vote_host}, verify=False, timeout=15
    )
    assert voted.ok
    wait_until(
        lambda: bool((local.status()["votes"]["tally"] or {}).get(key)),
        STORED_SECONDS,
        lambda: str(local.status()),
    )
    before = described(local)
    names = ["Somebody else", *(known.names[each] for each in known.offered[1:])]
    done = deploy(VOTE_OPTIONS=",".join(names))
    assert done.returncode == 1
    assert f"{known.names[key]} (" in done.stderr
    assert "--change-options rename" in done.stderr
    assert described(local) == before
