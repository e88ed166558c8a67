"""The OpenAPI description: drf-spectacular's, with every error that an operation may answer."""

from typing import Any

from drf_spectacular.openapi import AutoSchema as BaseAutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import Direction

from orders.openapi import SCHEMA, SCHEMA_NAME, response_of

OF_EVERY_OPERATION = {400, 406, 503}
OF_BODIES = {413, 415}


class AutoSchema(BaseAutoSchema):
    """Adds the errors that follow from what an operation is; a view names the others (`refusals`)."""

    def _get_response_bodies(self, direction: Direction = "response") -> dict[str, Any]:
        bodies = super()._get_response_bodies(direction)
        declared = {int(code) for code in bodies if code.isdigit() and int(code) >= 400}
        for code in sorted(declared | self._errors()):
            bodies[str(code)] = response_of(code)
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=SCHEMA_NAME, type=ResolvedComponent.SCHEMA, object=SCHEMA_NAME, schema=SCHEMA
        )
        self.registry.register_on_missing(component)
        return dict(sorted(bodies.items()))

    def _errors(self) -> set[int]:
        codes = set(OF_EVERY_OPERATION)
        if self.view.get_authenticators():
            codes.add(401)
        if "{" in self.path:
            codes.add(404)
        if self.method != "GET" and self.get_request_serializer() is not None:
            codes |= OF_BODIES
        if self.view.get_throttles():
            codes.add(429)
        return codes
