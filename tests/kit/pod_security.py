"""The profile "restricted" of Kubernetes' Pod Security Standards, as a decision over a pod's specification.

The rules are those of https://kubernetes.io/docs/concepts/security/pod-security-standards/, with those of the
profile "baseline".
"""

from collections.abc import Iterator, Mapping
from typing import Any

Spec = Mapping[str, Any]

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ping_group_range",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.tcp_wmem",
}
SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
CONFINED = {"RuntimeDefault", "Localhost"}
KINDS = ("initContainers", "containers", "ephemeralContainers")
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS = ("postStart", "preStop")


def violations(pod: Spec) -> list[str]:
    """Return what a pod's specification breaks of the profile, by place and rule."""
    containers = [
        c for kind in ("initContainers", "containers", "ephemeralContainers") for c in pod.get(kind, [])
    ]
    found = [*_of_pod(pod), *(f"pod: {rule}" for rule in _of_context(pod.get("securityContext", {})))]
    for container in containers:
        found += [f"{container['name']}: {rule}" for rule in _of_container(container, pod)]
    return found


def _of_pod(pod: Spec) -> Iterator[str]:
    for namespace in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(namespace):
            yield f"pod: {namespace}"
    for volume in pod.get("volumes", []):
        for kind in volume.keys() - VOLUMES - {"name"}:
            yield f"pod: volume of the type {kind}"
    for sysctl in pod.get("securityContext", {}).get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"pod: sysctl {sysctl['name']}"


def _of_context(context: Spec) -> Iterator[str]:
    """Check what a pod and a container can both say."""
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    if context.get("runAsUser") == 0:
        yield "runAsUser 0"
    if context.get("appArmorProfile", {}).get("type", "RuntimeDefault") not in CONFINED:
        yield "AppArmor unconfined"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in CONFINED:
        yield "seccomp unconfined"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type", "") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "SELinux options"


def _of_container(container: Spec, pod: Spec) -> Iterator[str]:
    context = container.get("securityContext", {})
    yield from _of_context(context)
    yield from _of_privileges(context)
    yield from _of_inheritance(context, pod.get("securityContext", {}))
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"
    if any(
        action.get(way, {}).get("host") for action in _actions(container) for way in ("httpGet", "tcpSocket")
    ):
        yield "a probe or hook names a host"


def _of_privileges(context: Spec) -> Iterator[str]:
    capabilities = context.get("capabilities", {})
    if context.get("privileged"):
        yield "privileged"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities not dropped"
    if set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
        yield "capabilities added"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"


def _of_inheritance(context: Spec, of_pod: Spec) -> Iterator[str]:
    """Check what must be said by the container or, where it is silent, by its pod."""
    if context.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot"
    if "type" not in context.get("seccompProfile", of_pod.get("seccompProfile", {})):
        yield "no seccomp profile"


def _actions(container: Spec) -> Iterator[Spec]:
    """Yield what is asked of a container, and what it does at its start and end."""
    yield from (container[probe] for probe in PROBES if probe in container)
    hooks = container.get("lifecycle", {})
    yield from (hooks[hook] for hook in HOOKS if hook in hooks)
