"""What is kept of the local authority."""

import base64
import os
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from docker import DockerClient

from deployment import credentials


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
