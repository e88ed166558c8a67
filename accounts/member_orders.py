"""A member's orders over HTTP."""

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import Http404

from orders import selectors
from orders.models import Order
from orders.permissions import VIEW, staff_may
from orders.views import OrderViewSet


class MemberOrdersViewSet(OrderViewSet):
    """One member's orders, newest first: for themselves, and for staff that may look at orders."""

    def get_queryset(self) -> QuerySet[Order]:
        member_id = int(self.kwargs["pk"])
        if member_id != self.request.user.pk:
            if not staff_may(self.request.user, VIEW):
                raise Http404
            if not get_user_model().objects.filter(pk=member_id).exists():
                raise Http404
        return selectors.orders_of(member_id)
