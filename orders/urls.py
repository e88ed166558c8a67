"""Routes of orders. `reference` is the numeric id or the order number."""

from django.urls import re_path

from orders.views import OrderViewSet

urlpatterns = [
    re_path(r"^orders/?$", OrderViewSet.as_view({"get": "list", "post": "create"})),
    re_path(
        r"^orders/(?P<reference>[0-9A-Z]+)/?$",
        OrderViewSet.as_view({"get": "retrieve", "patch": "partial_update"}),
    ),
]
