"""docker/kubernetes/, held against Kubernetes' own schemas and against what the service and its image are"""

import copy
import re
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml
from django.conf import settings

from drf_oms import gunicorn
from drf_oms import settings as production

FILES = sorted((settings.BASE_DIR / "docker" / "kubernetes").glob("*.yaml"))
MANIFESTS = {path.stem: yaml.safe_load(path.read_text()) for path in FILES}
VERSIONS = ["1.30", kubernetes_validate.latest_version()]
DEPLOYMENT = MANIFESTS["deployment"]
POD = DEPLOYMENT["spec"]["template"]
[APP] = POD["spec"]["containers"]


def pods() -> Iterator[dict[str, Any]]:
    for manifest in MANIFESTS.values():
        if "template" in manifest.get("spec", {}):
            yield manifest["spec"]["template"]["spec"]


def containers() -> list[dict[str, Any]]:
    return [one for pod in pods() for kind in ("initContainers", "containers") for one in pod.get(kind, ())]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_kubernetes_would_accept_it(name, version):
    """Strictly: a field that there is not is a fault, too."""
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("spec", "replicas"), "two"),
        (("spec", "template", "spec", "readOnlyRootFilesystem"), True),  # of a container, not of a pod
        (("spec", "template", "spec", "containers"), None),
        (("spec", "strategy", "rollingUpdat"), {}),
    ],
)
def test_a_wrong_manifest_is_noticed(path, wrong):
    manifest = copy.deepcopy(DEPLOYMENT)
    *parents, last = path
    place = manifest
    for parent in parents:
        place = place[parent]
    place[last] = wrong

    for version in VERSIONS:
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(manifest, version, strict=True)


def test_all_mean_the_same_pods():
    labels = POD["metadata"]["labels"]
    selectors = [
        DEPLOYMENT["spec"]["selector"]["matchLabels"],
        POD["spec"]["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"],
        MANIFESTS["service"]["spec"]["selector"],
        MANIFESTS["poddisruptionbudget"]["spec"]["selector"]["matchLabels"],
        MANIFESTS["networkpolicy"]["spec"]["podSelector"]["matchLabels"],
    ]

    assert [selector for selector in selectors if selector != labels] == []
    assert MANIFESTS["migrate"]["spec"]["template"]["metadata"]["labels"] != labels


def test_all_mean_the_port_that_the_image_listens_on():
    [port] = APP["ports"]
    dockerfile = (settings.BASE_DIR / "docker" / "Dockerfile").read_text()
    [of_service] = MANIFESTS["service"]["spec"]["ports"]
    [of_policy] = MANIFESTS["networkpolicy"]["spec"]["ingress"]
    probes = [APP[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")]

    assert f"EXPOSE {port['containerPort']}\n" in dockerfile
    assert {of_service["targetPort"], of_policy["ports"][0]["port"], *probes} == {port["name"]}


def test_probes_ask_what_the_service_answers(anonymous, db):
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert anonymous.get(APP[probe]["httpGet"]["path"], HTTP_HOST="10.1.2.3:8000").status_code == 200


def test_a_pod_may_end_what_it_has_begun():
    pause = int(APP["lifecycle"]["preStop"]["exec"]["command"][-1])

    assert POD["spec"]["terminationGracePeriodSeconds"] >= pause + gunicorn.graceful_timeout + 5


def test_a_pod_may_do_little():
    dockerfile = (settings.BASE_DIR / "docker" / "Dockerfile").read_text()
    user = int(re.findall(r"^USER (\d+)$", dockerfile, flags=re.MULTILINE)[-1])
    for pod in pods():
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"].items() >= {"runAsNonRoot": True, "runAsUser": user}.items()
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["resources"]["limits"]["memory"]


def test_what_the_service_writes_to_is_mounted():
    mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in APP["volumeMounts"]}
    [static_files] = POD["spec"]["initContainers"]
    collected = {mount["mountPath"] for mount in static_files["volumeMounts"]}

    assert mounts == {"/app/var/static": True, "/tmp": False, gunicorn.worker_tmp_dir: False}  # noqa: S108
    assert f"/app/{production.STATIC_ROOT.relative_to(production.BASE_DIR)}" in collected
    assert MANIFESTS["configmap"]["data"]["CACHE_FILE"].startswith("/tmp/")  # noqa: S108


def test_settings_are_known_and_secrets_are_elsewhere():
    known = set(re.findall(r"^#?([A-Z_]+)=", (settings.BASE_DIR / ".env.example").read_text(), re.MULTILINE))
    plain = set(MANIFESTS["configmap"]["data"])
    variables = [variable for container in containers() for variable in container["env"]]

    assert plain | {variable["name"] for variable in variables} <= known
    assert plain & {variable["name"] for variable in variables} == set()
    assert all(set(variable) == {"name", "valueFrom"} for variable in variables)
    assert "Secret" not in {manifest["kind"] for manifest in MANIFESTS.values()}


def test_the_service_does_not_get_the_account_that_changes_tables():
    def secrets(pod: dict[str, Any]) -> set[str]:
        return set(re.findall(r"'secretKeyRef': {'name': '([\w-]+)'", str(pod)))

    assert secrets(POD["spec"]) == {"drf-oms"}
    assert "drf-oms-migrate" in secrets(MANIFESTS["migrate"]["spec"])
