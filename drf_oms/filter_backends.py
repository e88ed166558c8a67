"""Searching and sorting of every list, where bad input is an error and not a guess."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import filters
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView


class FieldFilter(DjangoFilterBackend):
    """Builds its form, a field for each parameter, only for a request that has one of them."""

    def filter_queryset(self, request: Request, queryset: Any, view: APIView) -> Any:
        known = self.get_filterset_class(view, queryset)
        if known is None or known.base_filters.keys().isdisjoint(request.query_params):
            return queryset
        return super().filter_queryset(request, queryset, view)


class OrderingFilter(filters.OrderingFilter):
    """Refuses an ordering that the list does not have."""

    ordering_description = "What to sort by, separated by commas; with - in front, downwards."

    def remove_invalid_fields(
        self, queryset: Any, fields: Iterable[str], view: APIView, request: Request
    ) -> list[str]:
        known = [name for name, label in self.get_valid_fields(queryset, view, {"request": request})]
        asked = [name for name in fields if name]
        if unknown := [name for name in asked if name.removeprefix("-") not in known]:
            sentence = _(
                "There is no ordering by %(unknown)s; possible: %(known)s, each with - for downwards."
            )
            facts = {"unknown": ", ".join(unknown), "known": ", ".join(known)}
            raise ValidationError({self.ordering_param: [sentence % facts]})
        return asked

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        (described,) = super().get_schema_operation_parameters(view)
        names = getattr(view, "ordering_fields", ())
        return [{**described, "description": f"{described['description']} Possible: {', '.join(names)}."}]


class SearchFilter(filters.SearchFilter):
    """Names the parameter in what it refuses."""

    def get_search_terms(self, request: Request) -> list[str]:
        if self.search_param not in request.query_params:
            return []
        try:
            return super().get_search_terms(request)
        except ValidationError as error:
            raise ValidationError({self.search_param: error.detail}) from error
