"""Routes of orders. `reference` is the numeric id or the order number."""

from django.urls import re_path

from orders.bulk_views import ExportView, ImportView
from orders.lifecycle import Action
from orders.stats_views import StatsView
from orders.views import EventViewSet, OrderMovesViewSet, OrderViewSet

REFERENCE = r"^orders/(?P<reference>[0-9A-Z]+)"
# `return` is a word of Python's own.
HANDLERS = {action: "return_" if action == Action.RETURN else action.value for action in Action}

urlpatterns = [
    re_path(r"^orders/?$", OrderViewSet.as_view({"get": "list", "post": "create"})),
    re_path(r"^orders/stats/?$", StatsView.as_view()),
    re_path(r"^orders/export\.csv/?$", ExportView.as_view()),
    re_path(r"^orders/import/?$", ImportView.as_view()),
    re_path(rf"{REFERENCE}/?$", OrderViewSet.as_view({"get": "retrieve", "patch": "partial_update"})),
    *(
        re_path(rf"{REFERENCE}/{action}/?$", OrderMovesViewSet.as_view({"post": handler}))
        for action, handler in HANDLERS.items()
    ),
    re_path(rf"{REFERENCE}/refunds/?$", OrderViewSet.as_view({"post": "refund"})),
    re_path(rf"{REFERENCE}/notes/?$", OrderViewSet.as_view({"post": "note"})),
    re_path(rf"{REFERENCE}/events/?$", EventViewSet.as_view({"get": "list"})),
]
