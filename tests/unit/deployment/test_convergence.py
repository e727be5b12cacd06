"""When does a service count as deployed, and when is it given up?"""

from typing import Any

import pytest

from deployment.plan.cluster.convergence import SPECIFICATION, ServiceState, assess

START = "2026-01-01T00:00:00Z"
READY = {"n1", "n2"}
SPEC = {"ContainerSpec": {"Image": "new"}, "Resources": {}, "ForceUpdate": 0}
OLD_SPEC = {"ContainerSpec": {"Image": "old"}, "Resources": {}, "ForceUpdate": 0}


def service(
    replicas: int | None = 2, update: str | None = None, started: str = "2026-01-01T00:01:00Z"
) -> dict[str, Any]:
    mode = {"Global": {}} if replicas is None else {"Replicated": {"Replicas": replicas}}
    status = {"State": update, "StartedAt": started, "Message": "update paused"} if update else None
    return {
        "ID": "s1",
        "Spec": {"Name": "vote-app_vote", "Mode": mode, "TaskTemplate": SPEC},
        **({"UpdateStatus": status} if status else {}),
    }


def task(
    state: str,
    desired: str = "running",
    spec: dict[str, Any] = SPEC,
    at: str = "2026-01-01T00:01:00Z",
    node: str = "n1",
    why: str = "task: non-zero exit (1)",
) -> dict[str, Any]:
    return {
        "ServiceID": "s1",
        "NodeID": node,
        "Spec": spec,
        "DesiredState": desired,
        "Status": {"State": state, "Timestamp": at, "Err": why},
    }


@pytest.mark.parametrize("part", SPECIFICATION)
def test_a_task_made_from_another_specification_does_not_count(part: str) -> None:
    old = SPEC | {part: "of the release before"}
    assert assess(service(), [task("running", spec=old)] * 2, READY).running == 0


FAILED = [task("failed", "shutdown")] * 5


@pytest.mark.parametrize(
    ("given", "tasks", "expected"),
    [
        pytest.param(service(), [task("running")] * 2, (2, 2, True), id="all running"),
        pytest.param(service(), [task("running"), task("starting")], (1, 2, False), id="one not healthy yet"),
        pytest.param(
            service(), [task("running"), task("running", "shutdown")], (1, 2, False), id="one leaving"
        ),
        pytest.param(
            service(), [task("running", spec=OLD_SPEC)] * 2, (0, 2, False), id="still the old release"
        ),
        pytest.param(
            service(update="updating"), [task("running")] * 2, (2, 2, False), id="update still monitored"
        ),
        pytest.param(service(update="completed"), [task("running")] * 2, (2, 2, True), id="update complete"),
        pytest.param(service(replicas=0), [], (0, 0, True), id="scaled to zero"),
        pytest.param(service(replicas=None), [], (0, 1, False), id="global without a task"),
        pytest.param(
            service(replicas=None),
            [task("running", node="n1"), task("preparing", node="n2")],
            (1, 2, False),
            id="global on two nodes",
        ),
        pytest.param(
            service(replicas=None),
            [
                task("running", node="n1"),
                task("running", "shutdown", node="n2"),
                task("ready", "ready", node="n2"),
            ],
            (1, 2, False),
            id="global, the old task on its last node still leaving",
        ),
        pytest.param(
            service(),
            [task("running", node="n1"), task("running", node="away")],
            (1, 2, False),
            id="one on a node that is away",
        ),
        pytest.param(
            service(),
            [
                task("running", "shutdown", node="away"),
                task("running", node="n1"),
                task("running", node="n2"),
            ],
            (2, 2, True),
            id="replaced while its node is away",
        ),
        pytest.param(
            service(replicas=1), [task("running", node="away")], (0, 1, False), id="pinned to a node away"
        ),
        pytest.param(
            service(replicas=None),
            [task("running", node="n1"), task("running", node="n2"), task("running", node="away")],
            (2, 2, True),
            id="global, one node away",
        ),
        pytest.param(
            service(replicas=None),
            [task("running", node="n1"), task("running", "shutdown", node="n2")],
            (1, 1, True),
            id="global, one node drained",
        ),
        pytest.param(
            service(replicas=None), [task("running", node="away")], (0, 1, False), id="global, all nodes away"
        ),
    ],
)
def test_convergence(
    given: dict[str, Any], tasks: list[dict[str, Any]], expected: tuple[int, int, bool]
) -> None:
    state = assess(given, tasks, READY, since=START)
    assert (state.running, state.desired, state.converged) == expected
    assert state.failure is None


@pytest.mark.parametrize(
    ("given", "tasks", "reason"),
    [
        pytest.param(service(), FAILED, "failed 5 times, last: task: non-zero exit (1)", id="crash loop"),
        pytest.param(service(update="paused"), [], "paused: update paused", id="update paused"),
        pytest.param(
            service(update="rollback_completed"),
            [task("running")] * 2,
            "rollback completed: update paused",
            id="rolled back by Swarm",
        ),
    ],
)
def test_giving_up(given: dict[str, Any], tasks: list[dict[str, Any]], reason: str) -> None:
    state = assess(given, tasks, READY, since=START)
    assert state.failure == reason
    assert not state.converged


@pytest.mark.parametrize(
    ("given", "tasks"),
    [
        pytest.param(service(), FAILED[:4], id="a few failures while dependencies start"),
        pytest.param(
            service(), [task("failed", at="2025-12-31T00:00:00Z")] * 9, id="failures before this deployment"
        ),
        pytest.param(service(), [task("failed", spec=OLD_SPEC)] * 9, id="failures of the old release"),
        pytest.param(
            service(update="paused", started="2025-12-31T00:00:00Z"), [], id="an update of the past"
        ),
    ],
)
def test_not_giving_up(given: dict[str, Any], tasks: list[dict[str, Any]]) -> None:
    assert assess(given, tasks, READY, since=START).failure is None


BUSY = 'starting container failed: unable to remount dir "/var/lib/docker/…/secrets": device or resource busy'


@pytest.mark.parametrize(
    ("update", "tasks", "busy"),
    [
        pytest.param("rollback_started", [task("failed", why=BUSY)], False, id="under way to the former one"),
        pytest.param(
            "rollback_completed",
            [task("rejected", "shutdown", OLD_SPEC, why=BUSY), task("running")],
            True,
            id="back at the former one",
        ),
        pytest.param("paused", [task("failed", why=BUSY), task("running")], True, id="paused, and restarted"),
        pytest.param(
            None, [task("failed", why=BUSY)] * 5, False, id="busy again and again, and no update to repeat"
        ),
        pytest.param(None, [task("failed", why=BUSY)] * 4, False, id="on its way"),
        pytest.param("completed", [task("failed", why=BUSY)], False, id="arrived"),
        pytest.param("paused", [task("failed", why=BUSY), task("failed")], False, id="it fails as well"),
        pytest.param("paused", [task("failed")], False, id="it fails"),
        pytest.param("paused", [], False, id="nobody says why"),
        pytest.param(
            "paused",
            [task("failed", at="2026-01-01T00:00:59Z"), task("failed", why=BUSY)],
            True,
            id="what failed before this update does not count",
        ),
        pytest.param(
            "paused",
            [task("failed", at="2026-01-01T00:00:59Z", why=BUSY)],
            False,
            id="what was busy before this update does not count",
        ),
    ],
)
def test_a_busy_machine_is_told_from_a_release_that_fails(
    update: str | None, tasks: list[dict[str, Any]], busy: bool
) -> None:
    assert assess(service(update=update), tasks, READY, since=START).busy is busy


@pytest.mark.parametrize(
    ("why", "waits"), [(BUSY, True), ("task: non-zero exit (1)", False)], ids=["busy", "it fails"]
)
def test_while_swarm_goes_back_for_a_busy_machine_the_end_of_that_is_waited_for(
    why: str, waits: bool
) -> None:
    state = assess(service(update="rollback_started"), [task("failed", why=why)], READY, since=START)
    assert (state.updating, state.failure is None) == (waits, waits)


def test_tasks_of_other_services_do_not_count() -> None:
    other = task("running") | {"ServiceID": "s2"}
    assert assess(service(), [other, other], READY) == ServiceState("vote", 0, 2)


@pytest.mark.parametrize(
    ("state", "error", "homeless"),
    [
        ("pending", "no suitable node (scheduling constraints not satisfied on 3 nodes)", True),
        ("pending", "", False),
        ("preparing", "", False),
    ],
)
def test_what_no_node_takes_is_told_from_what_is_on_its_way(state: str, error: str, homeless: bool) -> None:
    waiting = task(state)
    waiting["Status"]["Err"] = error
    assert assess(service(1), [waiting], READY).homeless == (error if homeless else None)


@pytest.mark.parametrize(
    ("constraints", "labels"),
    [
        (None, set()),
        (["node.labels.vote-app.slot-1 == true"], {"vote-app.slot-1"}),
        (["node.labels.vote-app.slot-1==true", "node.role == manager"], {"vote-app.slot-1"}),
        (["node.labels.vote-app.slot-1 != true"], set()),
    ],
)
def test_which_labels_a_node_must_have(constraints: list[str] | None, labels: set[str]) -> None:
    placed = service()
    placed["Spec"]["TaskTemplate"] = {**SPEC, "Placement": {"Constraints": constraints}}
    assert assess(placed, [], READY).labels == labels
