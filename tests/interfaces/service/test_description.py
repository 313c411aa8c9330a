"""Requests made from the OpenAPI description, sound and unsound: no error of the service, no file out of its folder."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy, one_of
from running_service import Running, running
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

pytestmark = [pytest.mark.doors, pytest.mark.timeout(400)]
MOST = 12  # requests of each operation
CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    with running(folder / "work", "--max-megapixels", "1", "--max-body", "1", "--seconds", "60") as service:
        yield service
        assert {path.name for path in folder.iterdir()} == {"work"}
        found = {path.name for path in (folder / "work").iterdir()}
        assert found <= {"pictures", "jobs", "temporary", "queue.sqlite3", "queue.sqlite3-wal", "queue.sqlite3-shm"}


def test_no_request_brings_the_service_down(served: Running) -> None:
    description = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    operations = [found.ok() for found in description.get_all_operations()]
    assert len(operations) >= 20
    for operation in operations:

        @settings(max_examples=MOST, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=strategy_of(operation))
        def check(case: schemathesis.Case) -> None:
            response = case.call()
            case.validate_response(response, checks=CHECKS)
            assert "Traceback" not in response.text
            assert str(served.work) not in response.text
            assert "site-packages" not in response.text

        check()


def strategy_of(operation: Any) -> SearchStrategy:
    """Requests as they are described, and others."""
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    return one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
