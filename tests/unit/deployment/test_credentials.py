"""What is kept of the local authority."""

import base64
import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from docker import DockerClient

from deployment.engine.swarm import credentials
from deployment.engine.swarm.credentials import BOUND_TO_DATA, PASSWORDS
from deployment.errors import DeployError

VOLUMES = SimpleNamespace(volumes=SimpleNamespace(list=lambda: [SimpleNamespace(name="vote-app_postgres-1")]))
EMPTY = SimpleNamespace(volumes=SimpleNamespace(list=list))


@pytest.mark.parametrize("key", [key for key in PASSWORDS if key not in BOUND_TO_DATA])
def test_an_account_that_a_release_adds_does_not_stand_in_the_way_of_data(key: str) -> None:
    found = {other: other for other in PASSWORDS if other != key}
    assert key in credentials.missing(found, {})
    credentials.check_volumes(cast(DockerClient, VOLUMES), found)


@pytest.mark.parametrize("key", sorted(BOUND_TO_DATA))
def test_data_without_a_password_that_they_need_are_not_touched(key: str) -> None:
    found = {other: other for other in PASSWORDS if other != key}
    with pytest.raises(DeployError, match=f"vote-app_postgres-1.*{key}"):
        credentials.check_volumes(cast(DockerClient, VOLUMES), found)
    credentials.check_volumes(cast(DockerClient, EMPTY), {})


def test_the_authority_s_file_is_left_alone_unless_it_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Root made it; a member of the docker group, who runs the next `up`, may only read it.
    config = SimpleNamespace(attrs={"Spec": {"Data": base64.b64encode(b"certificate").decode()}})
    monkeypatch.setattr(credentials, "_authority", lambda *_: config)
    client, path = cast(DockerClient, None), tmp_path / "local-ca.crt"

    for before in (b"", b"another"):
        path.write_bytes(before)
        credentials.save_authority(client, ("a", "b"), path)
        assert path.read_bytes() == b"certificate"

    os.utime(path, (1, 1))
    credentials.save_authority(client, ("a", "b"), path)
    assert path.stat().st_mtime == 1
