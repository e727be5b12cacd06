"""The local setup, as somebody has it who works on the app: `deploy.py local` on this machine's engine."""

from __future__ import annotations

import http.cookiejar
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Network
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from deployment.configuration.layout import LOCAL
from deployment.engine.machine import compose
from deployment.errors import DeployError
from kit.checkout import copied
from kit.containers import docker
from kit.images import absent, reference
from kit.local import verb
from kit.services import free_port
from kit.waiting import wait_until

IMAGES = ("vote", "result", "worker", "redis", "postgres", "traefik")
DATA = {"redis": 6379, "postgres": 5432}
NO_ENGINE_TAKES = IPv4Network("198.18.0.0/15")
RELOAD_SECONDS = 20
# Asks servers what only they can answer: who is on the way may take a connection to any address.
KNOCK = """
import socket, sys
said = {6379: (b"PING\\r\\n", b"-NOAUTH"), 5432: (bytes.fromhex("0000000804d2162f"), b"N")}
for host, port in zip(sys.argv[1::2], map(int, sys.argv[2::2])):
    question, answer = said.get(port, (b"GET / HTTP/1.0\\r\\n\\r\\n", b"HTTP"))
    try:
        with socket.create_connection((host, port), 2) as connection:
            connection.sendall(question)
            print(host, "answers" if connection.recv(len(answer)) == answer else "is another")
    except OSError:
        print(host, "is away")
"""

LONG_AND_SHORT = ("PAGE_SECONDS = 60", "PAGE_SECONDS = 15")
WHOLE_AND_DYING = ("def main() -> None:\n", "def main() -> None:\n    raise SystemExit(1)\n")
# Ends what local.reload runs, and tells nobody.
KILL = """
import os, pathlib, signal
def words(pid):
    return pathlib.Path("/proc", pid, "cmdline").read_bytes().split(b"\\0")
def parent(pid):
    return pathlib.Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[1]
pids = [name for name in os.listdir("/proc") if name.isdigit()]
(outer,) = (pid for pid in pids if words(pid)[1:3] == [b"-m", b"local.reload"])
(inner,) = (pid for pid in pids if parent(pid) == outer)
os.kill(int(inner), signal.SIGKILL)
"""


@dataclass(frozen=True)
class Answer:
    """What a browser got."""

    status: int
    text: str
    address: str = ""


class Browser:
    """A visitor with cookies."""

    def __init__(self) -> None:
        self.cookies = http.cookiejar.CookieJar()
        self._opener = build_opener(HTTPCookieProcessor(self.cookies))

    def get(self, address: str, data: dict[str, str] | None = None) -> Answer:
        """Ask for a page, or send a form; a status of 0 is no answer."""
        body = urlencode(data).encode() if data else None
        try:
            with self._opener.open(Request(address, body), timeout=15) as answer:
                return Answer(answer.status, answer.read().decode(), answer.url)
        except HTTPError as error:
            return Answer(error.code, error.read().decode())
        except (URLError, OSError):
            return Answer(0, "")


@dataclass(frozen=True)
class Setup:
    """A local setup that is up, from a checkout that can be changed."""

    checkout: Path
    environment: dict[str, str]

    @property
    def vote(self) -> str:
        """Address of the vote page."""
        return f"http://localhost:{self.environment['VOTE_PORT']}/"

    @property
    def result(self) -> str:
        """Address of the result page."""
        return f"http://localhost:{self.environment['RESULT_PORT']}/"

    @property
    def paths(self) -> str:
        """Address below which both pages are."""
        return f"http://localhost:{self.environment['PATHS_PORT']}/"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `deploy.py local`."""
        return verb("local", *arguments, checkout=self.checkout, environment=self.environment)

    def cast(self, choice: str) -> Answer:
        """Vote as somebody who was never here."""
        return Browser().get(self.vote, {"vote": choice})

    def counts(self) -> dict[str, int]:
        """Return the votes by option's key, as programs are told as soon as the page is there."""
        address = f"{self.result}results.json"
        wait_until(lambda: Browser().get(address).status == 200, RELOAD_SECONDS, self.logs)
        return {bar["key"]: bar["votes"] for bar in json.loads(Browser().get(address).text)["options"]}

    def replace(self, path: str, old: str, new: str) -> None:
        """Change a source file as an editor does: by another file in its place."""
        file, draft = self.checkout / path, self.checkout / f"{path}.new"
        text = file.read_text(encoding="utf-8")
        assert old in text
        draft.write_text(text.replace(old, new), encoding="utf-8")
        draft.replace(file)

    def wait_shown(self, address: str, text: str) -> None:
        """Return once a page shows a text."""
        wait_until(lambda: text in Browser().get(address).text, RELOAD_SECONDS, self.logs)

    def logs(self) -> str:
        """Return what the containers said."""
        return self.run("logs").stdout


def container(service: str) -> str:
    return f"{LOCAL}-{service}-1"


def inspected(name: str) -> dict[str, Any]:
    return dict(json.loads(docker("inspect", name))[0])


def data_addresses() -> list[str]:
    """Return host and port of each data service, by address and by name, one after the other."""
    found = []
    for service, port in DATA.items():
        (network,) = inspected(container(service))["NetworkSettings"]["Networks"].values()
        found += [network["IPAddress"], str(port), service, str(port)]
    return found


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setup]:
    """Bring it up from a copy of this checkout; never in the place of somebody's own."""
    try:
        compose.find()
    except DeployError as error:
        absent(error.what)
    for component in IMAGES:
        reference(component)
    if docker("volume", "ls", "--quiet", "--filter", f"label={compose.LABEL}"):
        absent("a local setup is here: its votes would go. Run `deploy.py local down --volumes` first")
    ports = {name: str(free_port()) for name in ("VOTE_PORT", "RESULT_PORT", "PATHS_PORT")}
    made = Setup(copied(tmp_path_factory.mktemp("local")), ports)
    try:
        begun = made.run("up")
        assert begun.returncode == 0, begun.stderr
        assert begun.stdout.splitlines() == [made.vote, made.result]
        yield made
    finally:
        made.run("down", "--volumes", "--yes")


def test_a_vote_comes_to_the_result_and_its_page_says_that_there_is_one_copy(setup: Setup) -> None:
    before = setup.counts()
    answer = setup.cast("a")
    assert answer.status == 200
    assert "Your vote for Cats is recorded." in answer.text
    assert "local: one copy" in answer.text
    wait_until(lambda: setup.counts() == before | {"a": before["a"] + 1}, describe=setup.logs)


def test_the_result_page_has_all_that_it_needs(setup: Setup) -> None:
    for path in ("", "static/page.css", "static/result.js", "static/vendor/socket.io.esm.min.js"):
        assert Browser().get(setup.result + path).status == 200


@pytest.mark.parametrize("page", ["vote", "result"])
def test_a_changed_template_is_shown(setup: Setup, page: str) -> None:
    setup.replace(f"{page}/{page}/templates/{page}.html", "<h1 ", '<h1 id="changed-template" ')
    setup.wait_shown(getattr(setup, page), "changed-template")


@pytest.mark.parametrize("page", ["vote", "result"])
def test_a_changed_style_is_shown_and_in_the_error_page_that_carries_it(setup: Setup, page: str) -> None:
    address = getattr(setup, page)
    setup.replace(f"{page}/{page}/static/page.css", "body {", "body {\n  --changed-style: 0;")
    setup.wait_shown(f"{address}static/page.css", "--changed-style")
    setup.wait_shown(f"{address}no-such-page", "--changed-style")


def test_changed_words_are_shown(setup: Setup) -> None:
    setup.replace("vote/vote/words.toml", "Choose one.", "Choose one, please.")
    setup.wait_shown(setup.vote, "Choose one, please.")


@pytest.mark.parametrize("page", ["vote", "result"])
def test_changed_python_is_run_and_an_error_in_it_can_be_mended(setup: Setup, page: str) -> None:
    address, module = getattr(setup, page), f"{page}/{page}/health.py"
    setup.replace(module, "or 'ok'", "or 'changed'")
    setup.wait_shown(f"{address}healthz", "changed")
    setup.replace(module, "def alive()", "def alive(")
    wait_until(lambda: Browser().get(address).status == 0, RELOAD_SECONDS)
    setup.replace(module, "def alive(", "def alive()")
    setup.wait_shown(f"{address}healthz", "changed")


def test_changed_python_of_the_worker_is_run(setup: Setup) -> None:
    setup.replace("worker/worker/__main__.py", '"worker started"', '"worker changed"')
    wait_until(lambda: "worker changed" in setup.run("logs", "worker").stdout, RELOAD_SECONDS, setup.logs)
    before = setup.counts()
    assert setup.cast("b").status == 200
    wait_until(lambda: setup.counts() == before | {"b": before["b"] + 1}, describe=setup.logs)


def test_votes_outlive_the_containers(setup: Setup) -> None:
    before = setup.counts()
    assert sum(before.values()) > 0
    assert setup.run("down").returncode == 0
    assert docker("ps", "--all", "--quiet", "--filter", f"label={compose.LABEL}") == ""
    again = setup.run("up")
    assert again.returncode == 0, again.stderr
    assert setup.counts() == before


def test_a_vote_that_only_redis_has_outlives_its_end_without_warning(setup: Setup) -> None:
    before = setup.counts()
    docker("stop", container("worker"))
    assert setup.cast("a").status == 200
    docker("restart", "--time", "0", container("redis"))
    docker("restart", "--time", "0", container("postgres"))
    docker("start", container("worker"))
    wait_until(lambda: setup.counts() == before | {"a": before["a"] + 1}, 60, setup.logs)


@pytest.mark.parametrize("service", ["vote", "result", "worker"])
def test_what_dies_is_started_again(setup: Setup, service: str) -> None:
    assert setup.run("up").returncode == 0
    began = inspected(container(service))["State"]["StartedAt"]
    docker("exec", container(service), "python", "-c", KILL)
    wait_until(lambda: inspected(container(service))["State"]["StartedAt"] != began, 60, setup.logs)
    before = setup.counts()
    wait_until(lambda: setup.cast("a").status == 200, RELOAD_SECONDS, setup.logs)
    wait_until(lambda: setup.counts() == before | {"a": before["a"] + 1}, describe=setup.logs)


def test_up_is_not_done_while_a_part_is_not_healthy(setup: Setup) -> None:
    setup.replace("stack/deployment/operations/local.py", *LONG_AND_SHORT)
    setup.replace("worker/worker/__main__.py", *WHOLE_AND_DYING)
    refused = setup.run("up")
    setup.replace("worker/worker/__main__.py", *reversed(WHOLE_AND_DYING))
    setup.replace("stack/deployment/operations/local.py", *reversed(LONG_AND_SHORT))
    assert refused.returncode == 1
    assert "worker is not healthy" in refused.stderr
    assert refused.stdout == ""
    assert setup.run("up").returncode == 0


def test_a_second_up_changes_nothing(setup: Setup) -> None:
    services = ("vote", "result", "worker", *DATA)
    before = [inspected(container(service))["State"]["StartedAt"] for service in services]
    assert setup.run("up").returncode == 0
    assert [inspected(container(service))["State"]["StartedAt"] for service in services] == before


def test_passwords_are_in_no_file_of_the_checkout_and_in_nobody_s_environment(setup: Setup) -> None:
    redis = container("redis")
    names = [n for n in docker("exec", redis, "ls", "/run/secrets").split() if n != "users.acl"]
    passwords = {docker("exec", redis, "cat", f"/run/secrets/{name}") for name in names}
    assert len(passwords) == 5
    files = [path.read_bytes() for path in setup.checkout.rglob("*") if path.is_file()]
    told = [json.dumps(inspected(container(name))).encode() for name in ("passwords", "vote", *DATA)]
    assert not [password for password in passwords if any(password.encode() in text for text in files + told)]


def test_nobody_outside_reaches_the_data(setup: Setup) -> None:
    knocks = data_addresses()
    told = ("python", "-c", KNOCK, *knocks)
    here = subprocess.run([sys.executable, *told[1:]], capture_output=True, text=True, check=True).stdout
    assert "answers" not in here
    in_front = ("--network", f"{LOCAL}_front", "--entrypoint", "", reference("worker"))
    assert "answers" not in docker("run", "--rm", *in_front, *told)
    behind = docker("exec", container("worker"), *told).splitlines()
    assert behind == [f"{host} answers" for host in knocks[::2]]


def test_the_rules_of_an_engine_that_was_removed_are_for_other_ranges(setup: Setup) -> None:
    """They hide who sends behind the network's address on this machine. It has none: nothing would arrive."""
    (given,) = inspected("vote-app-local_back")["IPAM"]["Config"]
    assert IPv4Network(given["Subnet"]).subnet_of(NO_ENGINE_TAKES)


def test_who_has_no_business_outside_gets_nowhere(setup: Setup) -> None:
    gateway = inspected("vote-app-local_front")["IPAM"]["Config"][0]["Gateway"]
    with HTTPServer((gateway, 0), BaseHTTPRequestHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        knock = ("python", "-c", KNOCK, gateway, str(server.server_port))
        said = {name: docker("exec", container(name), *knock) for name in ("worker", "vote")}
        server.shutdown()
    assert said == {"worker": f"{gateway} is away", "vote": f"{gateway} answers"}


@pytest.mark.parametrize("page", ["vote", "result"])
def test_the_pages_are_there_for_this_machine_alone(setup: Setup, page: str) -> None:
    gateway = inspected("vote-app-local_front")["IPAM"]["Config"][0]["Gateway"]
    assert Browser().get(getattr(setup, page)).status == 200
    assert Browser().get(getattr(setup, page).replace("localhost", gateway)).status == 0


@pytest.mark.parametrize("service", ["vote", "result", "worker", "redis", "postgres"])
def test_nobody_is_root_or_may_become_it(setup: Setup, service: str) -> None:
    assert docker("exec", container(service), "id", "-u") != "0"
    status = docker("exec", container(service), "cat", "/proc/1/status")
    lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert {lines[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert lines["NoNewPrivs"] == "1"


def test_a_taken_port_is_refused_with_the_way_out(setup: Setup) -> None:
    with socket.create_server(("", 0)) as listener:
        port = str(listener.getsockname()[1])
        environment = setup.environment | {"VOTE_PORT": port}
        refused = verb("local", "up", checkout=setup.checkout, environment=environment)
    assert refused.returncode == 1
    assert f"ERROR: Port {port} is taken" in refused.stderr
    assert "VOTE_PORT=" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert setup.cast("a").status == 200  # what was up is as it was


def test_both_pages_under_one_address(setup: Setup) -> None:
    begun = setup.run("up", "--profile", "paths")
    assert begun.returncode == 0, begun.stderr
    assert begun.stdout.splitlines()[2:] == [f"{setup.paths}vote/", f"{setup.paths}result/"]
    voter, before = Browser(), setup.counts()
    answer = voter.get(f"{setup.paths}vote/", {"vote": "a"})
    assert "Your vote for Cats is recorded." in answer.text
    assert {cookie.path for cookie in voter.cookies} == {"/vote"}
    wait_until(lambda: setup.counts() == before | {"a": before["a"] + 1}, describe=setup.logs)


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("", "vote/"),
        ("?from=mail", "vote/?from=mail"),
        ("vote", "vote/"),
        ("vote?x=1", "vote/?x=1"),
        ("vote/?x=1", "vote/?x=1"),
        ("result", "result/"),
        ("result?x=1", "result/?x=1"),
    ],
)
def test_an_address_without_its_slash_leads_to_its_page(setup: Setup, asked: str, led: str) -> None:
    assert setup.run("up", "--profile", "paths").returncode == 0
    answer = Browser().get(setup.paths + asked)
    assert (answer.status, answer.address) == (200, setup.paths + led)


def test_made_up_votes_are_brought_on_request_and_all_are_in_the_result(setup: Setup) -> None:
    before = setup.counts()
    command = [*compose.find().words, "run", "--rm", "--no-deps", "seed", "--votes", "60"]
    variables = os.environ | setup.environment | {"WORKER_IMAGE": reference("worker")}
    done = subprocess.run(
        command, cwd=setup.checkout, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "60 of 60 votes acknowledged" in done.stdout
    assert setup.counts() == before | {"a": before["a"] + 40, "b": before["b"] + 20}
