"""The lab, the voters and the viewers of a whole session of faults."""

import os
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from deployment.configuration.settings import Settings
from deployment.errors import DeployError
from deployment.operations import suite
from deployment.operations.runner import lock
from kit.images import absent
from kit.machine import this_machine
from swarm import results, table
from swarm.audience import Audience
from swarm.catalogue import FAULTS
from swarm.cluster import Cluster
from swarm.edges import Site
from swarm.lab import lab as laboratory
from swarm.lab.lab import Lab
from swarm.ledger import Ledger
from swarm.outcome import Outcome
from swarm.stage import Stage
from swarm.voters import Voters

STAGE = pytest.StashKey[Stage]()
VOTES_PER_SECOND = 100
SOAK = "test_soak.py"
# Like most faults, too long for every run.
LONG = "test_certificates.py"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of one fault for each that was chosen, as often as asked."""
    if "fault" in metafunc.fixturenames:
        everything = metafunc.config.getoption("all_faults")
        chosen = [fault for fault in FAULTS if fault.ci or everything]
        runs = [fault for fault in chosen for _ in range(metafunc.config.getoption("runs"))]
        metafunc.parametrize("fault", runs, ids=str)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With `--soak` only the soak runs here, without it everything else, after what needs no lab."""
    ours = [item for item in items if Path(__file__).parent in item.path.parents]
    unwanted = [item for item in ours if not _wanted(item.path.name, config)]
    config.hook.pytest_deselected(items=unwanted)
    items[:] = [item for item in items if item not in ours] + [item for item in ours if item not in unwanted]


def _wanted(file: str, config: pytest.Config) -> bool:
    if config.getoption("soak") is not None:
        return file == SOAK
    return file != SOAK and (file != LONG or bool(config.getoption("all_faults")))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table of faults as Markdown."""
    if (stage := config.stash.get(STAGE, None)) and stage.outcomes:
        terminalreporter.section("faults under load")
        terminalreporter.write_line(table.markdown(results.merge(stage.outcomes)))


@pytest.fixture(scope="session")
def alone() -> Iterator[None]:
    """Let no other run strike the lab: each would be blamed for the other's faults."""
    if os.geteuid():
        yield  # Without root there will be no lab.
        return
    try:
        with lock.held(lock.LAB_LOCK_FILE, "run of the faults"):
            yield
    except DeployError as refused:
        pytest.exit(f"{refused.what} {refused.remedy}", returncode=1)


@pytest.fixture(scope="session")
def lab(alone: None, pytestconfig: pytest.Config) -> Iterator[Lab]:
    """The lab that is up, or one for this session only."""
    found = laboratory.current()
    # Also where one is up: what runs there must be what is in this checkout.
    size = max(laboratory.USUAL_SIZE, len(found.nodes) if found else 0)
    if suite.lab(["up", "--nodes", str(size)]):
        _without_lab(pytestconfig)
    ready = laboratory.current()
    assert ready
    yield ready
    if not found:
        assert suite.lab(["down"]) == 0


def _without_lab(config: pytest.Config) -> NoReturn:
    reason = "no lab can be brought up here (it says why above): python3 deploy.py lab up"
    if config.getoption("all_faults") or config.getoption("soak"):
        pytest.fail(reason)
    absent(reason)


@pytest.fixture(scope="session")
def trust(lab: Lab) -> ssl.SSLContext:
    """Trust the lab's own authority, and nobody else."""
    return lab.trust()


@pytest.fixture(scope="session")
def say(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Tell the person who watches a long run, whatever is captured."""
    plugins = pytestconfig.pluginmanager
    reporter, capture = plugins.get_plugin("terminalreporter"), plugins.get_plugin("capturemanager")
    assert isinstance(reporter, pytest.TerminalReporter)
    assert capture

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    return line


@pytest.fixture(scope="session")
def stage(
    lab: Lab, chosen: Settings, trust: ssl.SSLContext, say: Callable[[str], None], pytestconfig: pytest.Config
) -> Iterator[Stage]:
    """Everything a fault needs; at the end every ballot of the session is judged again."""
    slack = pytestconfig.getoption("slack")
    cluster = Cluster(lab, slack)
    cluster.wait_healthy()
    addresses = tuple(node.address for node in lab.nodes)
    vote, result = (Site(host, chosen.https_port, addresses, trust) for host in chosen.hosts)
    cluster.drain()
    rows = sum(cluster.stored([]).counted.values())
    machine = this_machine(str(lab.manager.version()["Version"]))
    # Beside other things the machine's cores are shared with them.
    usual = VOTES_PER_SECOND if slack <= 1 else VOTES_PER_SECOND // 2
    rate = pytestconfig.getoption("rate") or usual
    with Audience(result) as audience, Voters(vote, per_second=rate) as voters:
        ledger = Ledger(voters.ballots, rows)
        keep = _keeper(pytestconfig)
        stage = Stage(cluster, voters, audience, ledger, machine, results.this_source(), say, keep, slack)
        pytestconfig.stash[STAGE] = stage
        yield stage
        problems = stage.judge_all()
        assert not problems, problems


def _keeper(config: pytest.Config) -> Callable[[Outcome], None]:
    """Return what keeps each outcome at once, so that a long run that is cut short is not lost."""
    paths = [Path(config.getoption("results"))] if config.getoption("results") else []
    paths += [results.RECORD] if config.getoption("record") else []

    def keep(outcome: Outcome) -> None:
        for path in paths:
            results.save(path, [outcome])

    return keep
