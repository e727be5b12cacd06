"""What the stack file says of files is what the servers in the images write."""

import re

import pytest
import yaml

from deployment.configuration.layout import STACK_FILE
from deployment.plan.release import formats
from kit.containers import docker
from kit.images import reference

POSTGRES = "/usr/lib/postgresql/*/bin/postgres --version"
SERVERS = {
    "redis-1": ("redis", "redis-server --version", r"v=(\d+)", "redis"),
    "postgres-1": ("postgres", POSTGRES, r"PostgreSQL\) (\d+)", "postgresql"),
}
"""The image of a data node, what says its version, where in that, and the name of the format."""


@pytest.mark.parametrize("service", SERVERS)
def test_files_are_named_by_the_version_that_writes_them(service: str) -> None:
    image, command, version, name = SERVERS[service]
    said = docker("run", "--rm", "--entrypoint", "sh", reference(image), "-c", command)
    found = re.search(version, said)
    assert found, said
    services = yaml.safe_load(STACK_FILE.read_text())["services"]
    (told,) = formats.of_services({service: services[service]})
    assert told.writes == told.reads == {f"{name}-{found[1]}"}
