"""Each rule of the profile "restricted" is broken once."""

from copy import deepcopy
from typing import Any

import pytest

from kit.pod_security import violations

ALLOWED: dict[str, Any] = {
    "securityContext": {
        "runAsNonRoot": True,
        "runAsUser": 999,
        "seccompProfile": {"type": "RuntimeDefault"},
        "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}],
    },
    "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory"}}],
    "containers": [
        {
            "name": "redis",
            "ports": [{"containerPort": 6379}],
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}},
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
            },
        }
    ],
}


def with_pod(**changes: Any) -> dict[str, Any]:
    return {**deepcopy(ALLOWED), **changes}


def with_pod_context(**changes: Any) -> dict[str, Any]:
    return with_pod(securityContext={**ALLOWED["securityContext"], **changes})


def with_container(kind: str = "containers", **changes: Any) -> dict[str, Any]:
    return with_pod(**{kind: [{**deepcopy(ALLOWED["containers"][0]), **changes}]})


def with_context(**changes: Any) -> dict[str, Any]:
    return with_container(securityContext={**ALLOWED["containers"][0]["securityContext"], **changes})


def test_a_pod_that_keeps_to_every_rule_is_allowed() -> None:
    assert violations(ALLOWED) == []


UNCONFINED = {"type": "Unconfined"}
OF_A_POD = [
    (with_pod(hostNetwork=True), "hostNetwork"),
    (with_pod(hostPID=True), "hostPID"),
    (with_pod(hostIPC=True), "hostIPC"),
    (with_pod(volumes=[{"name": "etc", "hostPath": {"path": "/etc"}}]), "volume of the type hostPath"),
    (with_pod(volumes=[{"name": "nfs", "nfs": {"server": "x", "path": "/"}}]), "volume of the type nfs"),
    (with_pod_context(sysctls=[{"name": "kernel.msgmax", "value": "1"}]), "sysctl kernel.msgmax"),
    (with_pod_context(windowsOptions={"hostProcess": True}), "hostProcess"),
    (with_pod_context(runAsUser=0), "runAsUser 0"),
    (with_pod_context(appArmorProfile=UNCONFINED), "AppArmor unconfined"),
    (with_pod_context(seccompProfile=UNCONFINED), "seccomp unconfined"),
    (with_pod_context(seLinuxOptions={"type": "spc_t"}), "SELinux options"),
    (with_pod_context(seLinuxOptions={"user": "system_u"}), "SELinux options"),
    (with_pod_context(seLinuxOptions={"role": "system_r"}), "SELinux options"),
]
OF_A_CONTAINER = [
    (with_context(windowsOptions={"hostProcess": True}), "hostProcess"),
    (with_context(runAsUser=0), "runAsUser 0"),
    (with_context(appArmorProfile=UNCONFINED), "AppArmor unconfined"),
    (with_context(seccompProfile=UNCONFINED), "seccomp unconfined"),
    (with_context(seLinuxOptions={"type": "spc_t"}), "SELinux options"),
    (with_context(privileged=True), "privileged"),
    (with_context(allowPrivilegeEscalation=True), "allowPrivilegeEscalation"),
    (with_context(capabilities={"drop": ["NET_RAW"]}), "capabilities not dropped"),
    (with_context(capabilities={"drop": ["ALL"], "add": ["CHOWN"]}), "capabilities added"),
    (with_context(procMount="Unmasked"), "procMount"),
    (with_context(runAsNonRoot=False), "runAsNonRoot"),
    (with_pod_context(runAsNonRoot=None), "runAsNonRoot"),
    (with_pod_context(seccompProfile={}), "no seccomp profile"),
    (with_container(ports=[{"containerPort": 80, "hostPort": 80}]), "hostPort"),
    (with_container(startupProbe={"tcpSocket": {"host": "x"}}), "a probe or hook names a host"),
    (with_container(lifecycle={"preStop": {"httpGet": {"host": "x"}}}), "a probe or hook names a host"),
]


@pytest.mark.parametrize(("pod", "rule"), OF_A_POD)
def test_each_rule_for_a_pod_is_kept(pod: dict[str, Any], rule: str) -> None:
    assert violations(pod) == [f"pod: {rule}"]


@pytest.mark.parametrize(("pod", "rule"), OF_A_CONTAINER)
def test_each_rule_for_a_container_is_kept(pod: dict[str, Any], rule: str) -> None:
    assert violations(pod) == [f"redis: {rule}"]


def test_a_container_that_says_nothing_breaks_what_must_be_said() -> None:
    assert violations({"containers": [{"name": "bare"}]}) == [
        "bare: allowPrivilegeEscalation",
        "bare: capabilities not dropped",
        "bare: runAsNonRoot",
        "bare: no seccomp profile",
    ]


@pytest.mark.parametrize("kind", ["initContainers", "ephemeralContainers"])
def test_no_kind_of_container_is_forgotten(kind: str) -> None:
    assert violations(with_container(kind, securityContext={})) != []
