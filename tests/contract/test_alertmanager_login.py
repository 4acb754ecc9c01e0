"""All that ask Alertmanager know its user and where the password is, in containers too."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from alertdrill.clients.alertmanager import USER
from alertdrill.config import ROOT
from alertdrill.runtimes.compose.init_config import ALERTMANAGER_LOGIN
from alerting.responder.clients import ALERTMANAGER_USER
from tests.contract.compose_files import SERVICES

FOLDER = str(ALERTMANAGER_LOGIN)
VOLUME = f"alertmanager-login:{FOLDER}"
READERS = {"alertmanager", "prometheus", "loki", "responder", "grafana", "drills"}


def document(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def test_all_use_the_same_user() -> None:
    sources = document("grafana/provisioning/datasources/alertdrill.yml")["datasources"]
    (grafana,) = [source for source in sources if source["name"] == "Alertmanager"]
    (alerting,) = document("prometheus/prometheus.yml")["alerting"]["alertmanagers"]
    users = {alerting["basic_auth"]["username"], grafana["basicAuthUser"], ALERTMANAGER_USER}
    assert users == {USER}


@pytest.mark.parametrize("runtime", ["native", "compose"])
def test_only_the_scrape_of_alertmanager_sends_the_password(runtime: str) -> None:
    jobs = document(f"prometheus/scrape/{runtime}.yml")["scrape_configs"]
    (job,) = [job for job in jobs if "basic_auth" in job]
    assert job["basic_auth"] == {
        "username": USER,
        "password_file": "../alertmanager_password",
    }
    keep, rename = job["relabel_configs"]
    assert keep == {"source_labels": ["service"], "regex": "alertmanager", "action": "keep"}
    # Rules and dashboards know the components by this job.
    assert rename == {"target_label": "job", "replacement": "stack"}
    (stack,) = [job for job in jobs if job["job_name"] == "stack"]
    assert {**keep, "action": "drop"} in stack["relabel_configs"]


def test_only_readers_mount_the_login() -> None:
    mounted = {
        name: volume
        for name, service in SERVICES.items()
        for volume in service.get("volumes", ())
        if str(volume).startswith("alertmanager-login:")
    }
    assert mounted == {"init-config": VOLUME, **dict.fromkeys(READERS, f"{VOLUME}:ro")}


def test_alertmanager_reads_its_web_configuration() -> None:
    assert f"--web.config.file={FOLDER}/web.yml" in SERVICES["alertmanager"]["command"]


def test_environments_have_paths_only() -> None:
    login = {
        (name, variable): value
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if variable.startswith("ALERTMANAGER_") and not variable.endswith("_URL")
    }
    assert login == {
        ("responder", "ALERTMANAGER_PASSWORD_FILE"): f"{FOLDER}/password",
        ("loki", "ALERTMANAGER_CREDENTIALS_FILE"): f"{FOLDER}/credentials",
        # A reference to the file. Compose turns `$$` into a dollar.
        ("grafana", "ALERTMANAGER_PASSWORD"): f"$$__file{{{FOLDER}/password}}",
    }


def test_amtool_in_the_container_has_the_login() -> None:
    assert "./alerting/amtool.yml:/etc/amtool/config.yml:ro" in SERVICES["alertmanager"]["volumes"]
    assert document("alerting/amtool.yml")["http.config.file"] == f"{FOLDER}/amtool.yml"


def test_health_check_needs_no_password() -> None:
    test = SERVICES["alertmanager"]["healthcheck"]["test"]
    assert FOLDER not in " ".join(test)
