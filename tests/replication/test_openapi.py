"""The served OpenAPI description, held against the service: as anonymous, as a member, as staff."""

import copy
import json
import os
import subprocess
import sys
import uuid
from collections import Counter
from typing import Any
from zlib import crc32

import jsonschema
import pytest
import requests
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    ignored_auth,
    negative_data_rejection,
    positive_data_acceptance,
    use_after_free,
)

from tests.replication.cluster import ROOT, Client, Service

# What a description in OpenAPI cannot say: which values the state, or a rule between fields, allows.
NOT_SAID = [negative_data_rejection, positive_data_acceptance, use_after_free, ignored_auth]


LONG = os.environ.get("LONG_FAULTS") == "1"
EXAMPLES = 150 if LONG else 4  # besides the systematic ones of each operation, for each caller
CALLS = 10_000 if LONG else 15  # of each operation at most, by each caller
COSTLY_CALLS = 1_000 if LONG else 10  # a password costs the service a fifth of a second, an export more
RENEWALS = 2  # of a token in one operation: those that revoke it would cost a password each time


class Caller:
    """Somebody whose token works: whoever logs out, or is erased, comes back as somebody else."""

    def __init__(self, service: Service, kind: str) -> None:
        self.client, self.kind = Client(service), kind
        self.order = 0
        self.renewals, self.calls = Counter[str](), Counter[str]()

    def has_had_enough_of(self, case: schemathesis.Case) -> bool:
        self.calls[case.operation.label] += 1
        hashes = any(word in case.path for word in ("login", "password", "users")) and case.method == "POST"
        costly = hashes or "export" in case.path
        return self.calls[case.operation.label] > (COSTLY_CALLS if costly else CALLS)

    def call(self, case: schemathesis.Case) -> schemathesis.Response:
        label = case.operation.label
        if self.kind != "anonymous" and self.client.token is None:
            self._arrive()
        self._name_something_that_is_there(case)
        answer = self._call(case)
        if answer.status_code == 401 and self.renewals[label] < RENEWALS and self._is_out():
            self.renewals[label] += 1
            self._arrive()
            answer = self._call(case)
        return answer

    def _is_out(self) -> bool:
        """A case may also send credentials of its own, which are wrong."""
        return self.client.token is not None and self.client.call("GET", "/auth/sessions").status_code == 401

    def _call(self, case: schemathesis.Case) -> schemathesis.Response:
        headers = {"Authorization": f"Token {self.client.token}"} if self.client.token else {}
        return case.call(base_url=self.client.service.url, headers=headers)

    def _arrive(self) -> None:
        email = f"{self.kind}.{uuid.uuid4().hex[:10]}@example.com"
        if self.kind == "staff":
            command = [sys.executable, "manage.py", "ensure_staff", "--email", email]
            environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "drf_oms.settings"}
            subprocess.run(
                command, cwd=ROOT, env=environment, input=self.client.password, text=True, check=True
            )
            assert self.client.log_in(email).status_code == 200
        else:
            assert self.client.register(email).status_code == 201
        self.order = self.client.call("POST", "/orders/", product_name="Mug", status="pending").json()["id"]

    def _name_something_that_is_there(self, case: schemathesis.Case) -> None:
        """In half of the cases; to be erased, nobody but ourselves, for others are still needed."""
        erases = case.method == "DELETE" and case.path.startswith("/accounts")
        chance = crc32(repr(case.path_parameters).encode()) % 2
        for name, own in (("reference", self.order), ("id", self.client.member)):
            if name in case.path_parameters and own and (chance or erases):
                case.path_parameters[name] = str(own)


@schemathesis.serializer("application/x-ndjson", "application/jsonl")
def lines_of_json(context: Any, value: Any) -> bytes:
    """Described as text: sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode(errors="surrogatepass")


DESCRIPTION = SchemaGenerator().get_schema(request=None, public=True)
schema = schemathesis.openapi.from_dict(DESCRIPTION)


@pytest.fixture(scope="module")
def service(cluster, tmp_path_factory):
    """One that is not annoyed by wrong passwords."""
    with Service(tmp_path_factory.mktemp("service"), LOGIN_FREE_FAILURES="1000000") as service:
        yield service


@pytest.fixture(scope="module")
def callers(service) -> list[Caller]:
    return [Caller(service, kind) for kind in ("anonymous", "member", "staff")]


def test_the_description_is_the_one_that_is_served(service):
    assert requests.get(f"{service.url}/schema/", timeout=30).json() == json.loads(json.dumps(DESCRIPTION))


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case, callers):
    """No 5xx, no status, content type or shape that the description does not name."""
    for caller in callers:
        if not caller.has_had_enough_of(case):
            case.validate_response(caller.call(case), excluded_checks=NOT_SAID)


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path, ops in DESCRIPTION["paths"].items() for method in ops]
)
def test_every_documented_error_has_an_example_that_fits(path, method):
    for code, response in DESCRIPTION["paths"][path][method]["responses"].items():
        if int(code) >= 400:
            for content in response["content"].values():
                [example] = content["examples"].values()
                jsonschema.validate(example["value"], DESCRIPTION["components"]["schemas"]["Error"])


def test_an_answer_that_is_not_described_is_noticed(service):
    doctored = copy.deepcopy(DESCRIPTION)
    doctored["paths"]["/orders/"]["get"]["responses"] = {"418": {"description": "never given"}}
    case = schemathesis.openapi.from_dict(doctored)["/orders/"]["GET"].Case()
    answer = case.call(base_url=service.url)

    with pytest.raises(FailureGroup, match="Undocumented status code"):
        case.validate_response(answer, excluded_checks=NOT_SAID)
