"""Times come from MySQL as Django's own engine has them."""

import pytest
from django.db import connection
from django.db.backends.mysql import base

from routers.mysql.conversions import moment

TIMES = [
    "2026-01-31 09:08:07",
    "2026-01-31 09:08:07.120",
    "2026-01-31 09:08:07.000001",
    "1000-01-01 00:00:00.000000",
    "9999-12-31 23:59:59.999999",
    "0000-00-00 00:00:00",
    "2026-02-00 00:00:00",
]


@pytest.mark.parametrize("text", TIMES)
def test_a_time_is_what_django_makes_of_it(text):
    assert moment(text) == base.django_conversions[base.FIELD_TYPE.DATETIME](text)


@pytest.mark.django_db
@pytest.mark.parametrize("digits", [0, 3, 6])
@pytest.mark.parametrize("text", TIMES[:4])
def test_as_the_server_sends_it(text, digits):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT CAST(%s AS DATETIME({digits}))", [text])
        ours = cursor.fetchone()[0]
        cursor.execute(f"SELECT CAST(CAST(%s AS DATETIME({digits})) AS CHAR)", [text])
        sent = cursor.fetchone()[0]

    assert ours == base.django_conversions[base.FIELD_TYPE.DATETIME](sent)
    assert connection.connection.converter[base.FIELD_TYPE.DATETIME] is moment
