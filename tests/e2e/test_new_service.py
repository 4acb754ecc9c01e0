"""Two commands make a new service that answers, is scraped, and whose alert is proven."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.e2e.repository_copy import RepositoryCopy, copy_repository, ending, stack_of_copy
from tests.e2e.stack import TIMEOUT_S, poll_until

pytestmark = [pytest.mark.stack, pytest.mark.timeout(TIMEOUT_S)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RepositoryCopy]:
    home = tmp_path_factory.mktemp("home")
    copied = stack_of_copy(copy_repository(tmp_path_factory.mktemp("copy")), home)
    with ending(copied):
        copied.alertdrill("new", "service", "orders")
        copied.alertdrill("up")
        yield copied


def test_its_own_tests_pass(copy: RepositoryCopy) -> None:
    copy.alertdrill("test", "orders")


def test_it_keeps_the_contract(copy: RepositoryCopy) -> None:
    copy.alertdrill("check-service", "orders", "--requests", "50")


def test_all_checks_pass(copy: RepositoryCopy) -> None:
    tests = "tests/contract/test_alert_chain.py tests/contract/test_drills.py"
    copy.run(f".venv/bin/python -m pytest -n0 -q -p no:cacheprovider {tests}")
    copy.alertdrill("check")


def test_it_answers_and_is_scraped(copy: RepositoryCopy) -> None:
    assert requests.get(copy.url("lb", "/orders/3"), timeout=5).status_code == 200
    poll_until(lambda: copy.total('sum(up{service="orders",job="services"})') == 2, "targets", 30)


def test_its_load_passes(copy: RepositoryCopy) -> None:
    copy.alertdrill("load", "orders", "--duration", "20s")


def test_its_alert_is_proven(copy: RepositoryCopy) -> None:
    copy.alertdrill("drill", "run", "OrdersErrors", "--current-stack")
