"""What a release may take is held against what the nodes have, and a number of tasks is a number."""

from dataclasses import replace

import pytest

from deployment.errors import DeployError
from deployment.operations import scale
from deployment.plan.release.release import Release
from deployment.plan.swarm import capacity
from deployment.plan.swarm.nodes import Node

STACK = """
services:
  edge:
    deploy:
      mode: global
      placement: {constraints: ["node.labels.vote-app.edge == true"]}
      resources: {limits: {memory: 1G}}
  proxy:
    deploy:
      mode: global
      placement: {constraints: ["node.role == manager"]}
      resources: {limits: {memory: 64M}}
  vote: {deploy: {replicas: "${VOTE_REPLICAS:-2}", resources: {limits: {memory: 192M}}}}
  redis: {deploy: {resources: {limits: {memory: 512M}}}}
"""
RELEASE = Release(("stack.yaml",), {"stack.yaml": STACK}, {"VOTE_REPLICAS": "2"})
MIB = 1 << 20
EDGE = frozenset({"vote-app.edge"})
NODES = [
    Node("1", "node-1", manager=True, labels=EDGE, memory=2048 * MIB),
    Node("2", "node-2", labels=EDGE, memory=1024 * MIB),
    Node("3", "node-3", "down", labels=EDGE, memory=4096 * MIB),
]


def test_each_task_counts_with_its_limit() -> None:
    assert capacity.needed(RELEASE, NODES) == (2 * 1024 + 64 + 2 * 192 + 512) * MIB
    assert capacity.available(NODES) == 3072 * MIB


@pytest.mark.parametrize(("replicas", "fits"), [(0, True), (2, True), (3, False)])
def test_more_than_the_nodes_have_is_said(replicas: int, fits: bool) -> None:
    wanted = RELEASE.scaled({"VOTE_REPLICAS": replicas})
    assert (capacity.excess(wanted, NODES) == "") == fits
    assert capacity.excess(wanted, [replace(node, availability="drain") for node in NODES])


def test_no_more_than_before_is_never_too_much() -> None:
    small = [replace(node, memory=64 * MIB) for node in NODES]
    assert capacity.excess(RELEASE, small, RELEASE) == ""
    assert capacity.excess(RELEASE.scaled({"VOTE_REPLICAS": 1}), small, RELEASE) == ""
    assert capacity.excess(RELEASE.scaled({"VOTE_REPLICAS": 3}), small, RELEASE)


def test_words_are_read_as_replicas() -> None:
    assert scale.parsed(["vote=5", "result=0"]) == {"VOTE_REPLICAS": 5, "RESULT_REPLICAS": 0}


@pytest.mark.parametrize("word", ["vote", "vote=", "vote=-1", "vote=101", "redis-1=2", "vote=2x", "=2"])
def test_a_word_that_is_none_is_named(word: str) -> None:
    with pytest.raises(DeployError) as refused:
        scale.parsed(["result=1", word])
    assert repr(word) in refused.value.what
