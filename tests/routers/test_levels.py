"""How fresh a view's reads must be: said by the view, heeded by the router."""

import itertools

import pytest
from django.db import connections, router
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from django.views import View
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from accounts.models import Member
from orders.models import Order
from routers import consistency, pool, positions, probe, testing
from routers.levels import EVENTUAL, SESSION, STRONG, bounded, level_of, parse_level
from routers.levels import consistency as declare
from tests.routers.test_middleware import answered_by

REPLICAS = {"replica1", "replica2"}
REAL_EXECUTED = probe.executed  # the Twin plays it


# --- the values ------------------------------------------------------------------------------


def test_levels_are_ordered_by_what_they_ask_for():
    ascending = [EVENTUAL, bounded(60), bounded(1.5), bounded(0), SESSION, STRONG]

    for weaker, stronger in itertools.pairwise(ascending):
        assert weaker < stronger
        assert max(weaker, stronger) == stronger


def test_a_bounded_level_says_how_many_seconds():
    assert bounded(2.5).seconds == 2.5
    assert bounded(5) == bounded(5.0)


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("eventual", EVENTUAL),
        ("session", SESSION),
        ("strong", STRONG),
        (" Strong ", STRONG),
        ("bounded=5", bounded(5)),
        ("bounded=0.25", bounded(0.25)),
        ("BOUNDED=0", bounded(0)),
    ],
)
def test_a_level_is_read(text, level):
    assert parse_level(text) == level


@pytest.mark.parametrize(
    "text",
    [
        *("", "stronger", "strong=1", "eventual strong", "bounded", "bounded=", "bounded=.", "bounded=x"),
        *("bounded=-1", "bounded=1.2.3", "bounded=nan", "bounded=inf", "bounded=1e3", "bounded=²"),
    ],
)
def test_what_is_no_level_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_level(text)


# --- where a view says it ----------------------------------------------------------------------


@declare(EVENTUAL)
def eventual_function(request):
    return HttpResponse(Order.objects.count())


@declare(STRONG)
def strong_function(request):
    return HttpResponse(Order.objects.count())


@declare(bounded(5))
def bounded_function(request):
    return HttpResponse(Order.objects.count())


def plain_function(request):
    return HttpResponse(Order.objects.count())


class EventualView(View):
    consistency = EVENTUAL

    def get(self, request):
        return HttpResponse(Order.objects.count())

    @declare(STRONG)
    def options(self, request):
        return HttpResponse(Order.objects.count())


class Heir(EventualView):
    """Declares nothing itself."""


class Orders(ViewSet):
    consistency = bounded(5)

    @declare(STRONG)
    def list(self, request):
        return Response(Order.objects.count())

    def retrieve(self, request, pk):
        return Response(Order.objects.count())


class TestTheLevelOf:
    def test_a_function(self):
        assert level_of(eventual_function, "GET") == EVENTUAL
        assert level_of(plain_function, "GET") == SESSION

    def test_a_class(self):
        assert level_of(EventualView.as_view(), "GET") == EVENTUAL
        assert level_of(Heir.as_view(), "GET") == EVENTUAL
        assert level_of(View.as_view(), "GET") == SESSION

    def test_a_method_of_a_class(self):
        assert level_of(EventualView.as_view(), "OPTIONS") == STRONG

    def test_an_action_of_a_viewset(self):
        assert level_of(Orders.as_view({"get": "list"}), "GET") == STRONG
        assert level_of(Orders.as_view({"get": "retrieve"}), "GET") == bounded(5)

    def test_head_is_that_of_get(self):
        assert level_of(Orders.as_view({"get": "list"}), "HEAD") == STRONG

    def test_something_that_is_no_level_is_passed_over(self):
        view = View.as_view()
        view.consistency = "strong"

        assert level_of(view, "GET") == SESSION


# --- how the router heeds it ---------------------------------------------------------------------


class EventualOrders(APIView):
    """Behind the project's token authentication; answers where it reads."""

    consistency = EVENTUAL

    def get(self, request):
        return Response({"data": router.db_for_read(Order)})


class SecondLook(APIView):
    """Looks at what credentials rest on in the middle of a view, and answers where it did so."""

    authentication_classes = ()
    permission_classes = ()
    consistency = EVENTUAL

    def get(self, request):
        consistency.acts_for(int(request.GET["member"]))
        data = router.db_for_read(Order)
        with consistency.for_credentials():
            credentials = router.db_for_read(Member)
        return Response({"data": data, "credentials": credentials, "after": router.db_for_read(Order)})


class BoundedSecondLook(SecondLook):
    """Less may be asked for, and what is read first need not be what has it all."""

    consistency = bounded(5)


urlpatterns = [
    path("eventual", eventual_function),
    path("strong", strong_function),
    path("bounded", bounded_function),
    path("plain", plain_function),
    path("members-eventual", EventualOrders.as_view()),
    path("second-look", SecondLook.as_view()),
    path("bounded-second-look", BoundedSecondLook.as_view()),
]


@pytest.mark.urls(__name__)
@pytest.mark.django_db(transaction=True, databases="__all__")
class TestThroughTheMiddleware:
    @pytest.fixture(autouse=True)
    def twin(self):
        with testing.Twin("replica1", "replica2") as twin:
            yield twin

    @pytest.fixture
    def visitor(self) -> Client:
        return Client()

    @pytest.fixture
    def member_client(self, member, client_of, twin):
        """Its member wrote nothing that replicas lack."""
        client = client_of(member)
        twin.nodes.primary.executed = REAL_EXECUTED(connections["default"])
        twin.apply()
        client.get("/plain")
        return client

    @pytest.fixture
    def written(self, member, twin, member_client) -> None:
        """The member has written something that no replica has."""
        assert positions.record({member.pk}, twin.commit(), {})

    @staticmethod
    def take_out_replicas(twin):
        for node in twin.nodes.replicas.values():
            node.take_out("lagging")

    def test_strong_reads_the_primary(self, visitor):
        answer = visitor.get("/strong")

        assert answered_by(answer) == ["default"]
        assert "X-Consistency" not in answer.headers

    def test_session_is_what_a_view_has_that_says_nothing(self, visitor):
        assert answered_by(visitor.get("/plain"))[0] in REPLICAS

    class TestEventual:
        def test_is_not_marked_when_the_replica_has_it_all(self, member_client):
            answer = member_client.get("/members-eventual")

            assert set(answered_by(answer)) < REPLICAS
            assert answer.json()["data"] in REPLICAS
            assert "X-Consistency" not in answer.headers

        @pytest.mark.usefixtures("written")
        def test_is_answered_by_a_replica_that_lacks_the_write_and_says_so(self, member_client):
            answer = member_client.get("/members-eventual")

            assert answer.json()["data"] in REPLICAS
            assert answer.headers["X-Consistency"] == "eventual"

        @pytest.mark.usefixtures("written")
        def test_takes_no_replicas_word_on_the_token(self, member_client):
            assert "default" in answered_by(member_client.get("/members-eventual"))

        def test_is_answered_by_one_out_of_service_that_answers(self, visitor, twin):
            TestThroughTheMiddleware.take_out_replicas(twin)
            twin.nodes["replica2"].facts = probe.Facts(
                "uuid", read_only=True, gtid_mode="ON", executed=twin.nodes.primary.executed
            )

            answer = visitor.get("/eventual")
            assert answered_by(answer) == ["replica2"]
            assert answer.headers["X-Consistency"] == "eventual"

        def test_is_answered_by_the_primary_when_no_replica_answers(self, visitor, twin):
            TestThroughTheMiddleware.take_out_replicas(twin)

            answer = visitor.get("/eventual")
            assert answered_by(answer) == ["default"]
            assert "X-Consistency" not in answer.headers

        def test_is_answered_with_the_primary_down(self, visitor, twin):
            twin.nodes.primary.take_out("test")

            assert answered_by(visitor.get("/eventual"))[0] in REPLICAS

        @pytest.mark.usefixtures("written")
        def test_is_not_answered_with_the_primary_down_to_whom_it_alone_knows(self, member_client, twin):
            """For the token's revocation may be what the replicas lack."""
            twin.nodes.primary.take_out("test")

            assert member_client.get("/members-eventual").status_code == 503

    class TestBounded:
        @pytest.fixture
        def lags(self, twin):
            """Call it with the lag of each replica."""

            def set_lags(*lags: float) -> None:
                for node, lag in zip(twin.nodes.replicas.values(), lags, strict=True):
                    node.lag_at_most = lag

            return set_lags

        @pytest.mark.parametrize(
            ("lags_of", "expected"),
            [
                ((9.0, 1.0), "replica2"),
                ((1.0, 9.0), "replica1"),
                ((9.0, 9.0), "default"),
                ((5.0, 9.0), "replica1"),
            ],
        )
        def test_chooses_by_lag(self, visitor, lags, lags_of, expected):
            lags(*lags_of)

            assert answered_by(visitor.get("/bounded")) == [expected]

        def test_is_not_answered_by_one_out_of_service(self, visitor, twin):
            TestThroughTheMiddleware.take_out_replicas(twin)

            assert answered_by(visitor.get("/bounded")) == ["default"]

    class TestCredentials:
        def test_are_checked_on_the_replica_when_its_word_counts(self, member, visitor):
            read = visitor.get("/second-look", {"member": member.pk}).json()

            assert read["data"] in REPLICAS
            assert set(read.values()) == {read["data"]}

        @pytest.mark.usefixtures("written")
        def test_are_checked_on_the_primary_when_it_does_not(self, member, visitor):
            read = visitor.get("/second-look", {"member": member.pk}).json()

            assert read["credentials"] == "default"
            assert read["data"] in REPLICAS
            assert read["after"] == read["data"]

        @pytest.mark.usefixtures("written")
        def test_are_not_checked_on_a_replica_for_what_another_one_has(self, member, visitor, twin):
            first, second = (node.alias for node in pool.ranked(str(member.pk)))
            twin.apply(second)

            read = visitor.get("/bounded-second-look", {"member": member.pk}).json()

            assert read == {"data": first, "credentials": "default", "after": first}

        @pytest.mark.usefixtures("written")
        def test_cannot_be_checked_with_the_primary_down(self, member, visitor, twin):
            twin.nodes.primary.take_out("test")

            assert visitor.get("/second-look", {"member": member.pk}).status_code == 503
