import base64
import json
from pathlib import Path

import bcrypt
import pytest
import yaml

from alertdrill.runtimes.alertmanager_login import write_login


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_login(tmp_path / "login", tmp_path / "etc", mode=0o600)
    return tmp_path / "login"


def test_hash_is_that_of_the_password(folder: Path) -> None:
    users = yaml.safe_load((folder / "web.yml").read_text())["basic_auth_users"]
    assert users.keys() == {"alertdrill"}
    password = (folder / "password").read_bytes()
    assert bcrypt.checkpw(password, users["alertdrill"].encode())


def test_password_is_long_enough_for_a_cheap_hash(folder: Path) -> None:
    assert len((folder / "password").read_text()) >= 43  # 256 bits


def test_files_are_private(folder: Path) -> None:
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o600}


def test_second_call_keeps_the_password_and_corrects_the_rest(folder: Path) -> None:
    password = (folder / "password").read_text()
    (folder / "web.yml").unlink()
    write_login(folder, folder.parent / "etc", mode=0o600)
    assert (folder / "password").read_text() == password
    assert (folder / "web.yml").exists()


def test_credentials_are_those_of_a_header(folder: Path) -> None:
    password = (folder / "password").read_text()
    decoded = base64.b64decode((folder / "credentials").read_text()).decode()
    assert decoded == f"alertdrill:{password}"


def test_amtool_reads_the_password_from_its_file(folder: Path) -> None:
    client = json.loads((folder / "amtool.yml").read_text())
    assert client["basic_auth"] == {
        "username": "alertdrill",
        "password_file": str(folder / "password"),
    }


def test_prometheus_finds_the_password_beside_its_configuration(folder: Path) -> None:
    link = folder.parent / "etc/prometheus/alertmanager_password"
    assert link.readlink() == folder / "password"
