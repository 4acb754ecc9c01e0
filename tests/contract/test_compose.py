"""docker-compose.yml has the defaults of the settings, all components, and one style."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest
import yaml
from dotenv import dotenv_values

from alertdrill.config import ROOT
from alertdrill.config.components import COMPONENTS, TASKS
from alertdrill.config.compose_services import BASE
from alertdrill.config.derived import COMPOSE
from alertdrill.config.services import SERVICES as OURS
from alertdrill.config.settings import ImageVersions, StackSettings
from alertdrill.toolchain.cache import default_cache
from alertdrill.toolchain.find import resolve_programs
from alertdrill.toolchain.programs import PROGRAMS
from tests.contract.compose_files import OWN, SERVICES, TEXT

RUNNING = {name: values for name, values in SERVICES.items() if "profiles" not in values}
# One order of keys for all, as far as each has them.
ORDER = [
    *("<<", "profiles", "image", "pull_policy", "build", "entrypoint", "command", "init"),
    *("restart", "user", "env_file", "environment", "volumes", "working_dir", "tmpfs", "labels"),
    *("network_mode", "networks", "ports", "depends_on", "healthcheck", "stop_signal"),
    *("stop_grace_period", "memswap_limit", "deploy"),
]


def defaults() -> dict[str, set[str]]:
    """Return the defaults of every variable that the file reads."""
    values: dict[str, set[str]] = {}
    for name, default in re.findall(r"\$\{([A-Z_]+):?-([^}]*)\}", TEXT):
        values.setdefault(name, set()).add(default)
    return values


def settings() -> dict[str, str]:
    """Return the defaults of the settings that have a variable in the file."""
    stack_settings = StackSettings(home=Path())
    versions = {f"{name.upper()}_VERSION": value for name, value in asdict(ImageVersions()).items()}
    ports = {
        f"{name.upper()}_PORT": str(value) for name, value in asdict(stack_settings.ports).items()
    }
    replicas = {
        f"{name.upper()}_REPLICAS": str(value)
        for name, value in asdict(stack_settings.replicas).items()
    }
    return {
        **versions,
        **ports,
        **replicas,
        "COMPOSE_PROJECT_NAME": stack_settings.project,
        "DOCKER_ROOT": stack_settings.docker_root,
        "DOCKER_SOCKET": stack_settings.docker_socket,
        "GRAFANA_PASSWORD": stack_settings.grafana_password,
        "PROMETHEUS_RETENTION": stack_settings.retention,
        "PROMETHEUS_RETENTION_SIZE": stack_settings.retention_size,
        "LB_ADDRESS": stack_settings.lb_address,
        "LOG_LEVEL": stack_settings.log_level,
        "HEALING": stack_settings.healing,
        "FAULTS_ENABLED": "1",
    }


def test_every_variable_has_one_default() -> None:
    assert {name for name, values in defaults().items() if len(values) > 1} == set()
    assert re.findall(r"\$\{[A-Z_]+\}", TEXT) == []


def test_defaults_are_the_settings() -> None:
    expected = settings()
    read = {name: values.pop() for name, values in defaults().items() if name in expected}
    assert len(read) > 20
    assert read == {name: expected[name] for name in read}
    assert {name for name in expected if name.endswith("_VERSION")} <= set(read)


def test_components_are_the_services_of_the_file() -> None:
    assert set(COMPONENTS) == set(RUNNING) - set(OURS) - {"init-config"}
    assert set(TASKS) == set(SERVICES) - set(RUNNING) | {"init-config"}
    others = {name: values for name, values in RUNNING.items() if name not in OURS}
    pairs = {name for name, values in others.items() if values["deploy"].get("replicas") == 2}
    assert pairs == {name for name, component in COMPONENTS.items() if component.replicas == 2}


@pytest.mark.parametrize("name", [name for name, part in COMPONENTS.items() if part.optional])
def test_optional_component_can_be_disabled(name: str) -> None:
    assert RUNNING[name]["deploy"]["replicas"] == f"${{{COMPONENTS[name].optional}:-1}}"


@pytest.mark.parametrize("name", [name for name, part in COMPONENTS.items() if part.alias])
def test_component_has_its_network_alias(name: str) -> None:
    networks = RUNNING[name]["networks"]
    assert [COMPONENTS[name].alias] in [
        (values or {}).get("aliases") for values in networks.values()
    ]


@pytest.mark.parametrize("name", [name for name, part in COMPONENTS.items() if part.image])
def test_image_is_that_of_the_component(name: str) -> None:
    component = COMPONENTS[name]
    version = getattr(ImageVersions(), component.version)
    expected = f"{component.image}:${{{component.version_variable}:-{version}}}"
    assert RUNNING[name]["image"] == expected


@pytest.mark.parametrize("name", [name for name, part in COMPONENTS.items() if part.published])
def test_port_of_the_component_is_published(name: str) -> None:
    component = COMPONENTS[name]
    port = f"127.0.0.1:${{{component.setting.upper()}_PORT:-{component.port}}}:{component.port}"
    assert port in RUNNING[name]["ports"]


@pytest.mark.parametrize("name", [name for name, part in COMPONENTS.items() if part.ready])
def test_health_check_asks_the_path_of_the_component(name: str) -> None:
    component = COMPONENTS[name]
    check = RUNNING[name].get("healthcheck")
    if check is not None:  # the responder's is in its image
        assert check["test"][-1].endswith(f":{component.port}{component.ready}")


def test_every_component_has_a_health_check() -> None:
    ours = {*OURS, "responder", "init-config"}  # theirs is in the image; one just ends
    assert {name for name, values in RUNNING.items() if "healthcheck" not in values} == ours


@pytest.mark.parametrize("name", SERVICES)
def test_memory_limit_includes_swap(name: str) -> None:
    # Otherwise the engine allows as much swap again, on a host that has some.
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert SERVICES[name].get("memswap_limit") == limits.get("memory")


def test_internal_networks_do_not_reach_the_host() -> None:
    networks = yaml.safe_load(OWN)["networks"]
    assert {name for name, values in networks.items() if not values.get("internal")} == {"edge"}
    option = "com.docker.network.bridge.inhibit_ipv4"
    assert {values["driver_opts"].get(option) for values in networks.values()} == {None, "true"}
    assert networks["edge"]["driver_opts"].get(option) is None  # its ports are published


def test_no_container_has_a_fixed_name() -> None:
    assert "container_name" not in TEXT
    assert ":latest" not in TEXT


def test_every_service_has_a_comment() -> None:
    lines = OWN.partition("\nservices:")[2].partition("\nnetworks:")[0].splitlines()
    heads = [at for at, line in enumerate(lines) if re.fullmatch(r"  [a-z-]+:( &[a-z-]+)?", line)]
    services = [at for at in heads if lines[at].strip(" :").partition(":")[0] in SERVICES]
    assert len(services) == len(SERVICES) - len(OURS)
    assert [lines[at] for at in services if not re.match(r"  # .+", lines[at - 1])] == []


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - OURS.keys()))
def test_keys_have_one_order(name: str) -> None:
    block = re.search(rf"(?ms)^  {name}:.*?(?=^  #|^networks|\Z)", OWN)
    assert block
    keys = re.findall(r"(?m)^    ([a-z_<]+):", block[0])
    assert [key for key in keys if key not in ORDER] == []
    assert keys == sorted(keys, key=ORDER.index)


def test_node_exporter_measures_what_it_does_natively() -> None:
    [target] = [
        mount.split(":")[1]
        for mount in SERVICES["node-exporter"]["volumes"]
        if mount.startswith("./prometheus/node-exporter.args:")
    ]
    assert f"@{target}" in SERVICES["node-exporter"]["command"]


def test_proxy_knows_every_service() -> None:
    file = ROOT / SERVICES["docker-proxy"]["env_file"]
    derived = yaml.safe_load((ROOT / COMPOSE).read_text())["services"].keys() - {BASE}
    assert dotenv_values(file)["SERVICES"] == "|".join(sorted({*SERVICES, *derived}))


@pytest.mark.parametrize("more", [{}, {"EXTERNAL_NAMES": "|shop"}], ids=["own", "external"])
def test_configuration_of_the_proxy_is_valid(more: dict[str, str]) -> None:
    specs = [program for program in PROGRAMS if program.name == "haproxy"]
    program = resolve_programs(specs, default_cache(), print).programs["haproxy"]
    own = {"PROJECT": "a", "SERVICES": "web|lb", "PROXY_ADDRESS": "127.0.0.1:2375", **more}
    done = subprocess.run(
        [program.path, "-c", "-f", ROOT / "deploy/compose/docker-proxy.cfg"],
        env={**os.environ, **program.environment, **own},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
