"""POST /accounts/users"""

import threading

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import Member

pytestmark = pytest.mark.django_db

PATH = "/accounts/users"


def details(**changes):
    return {
        "email": "haneul@example.com",
        "password": "Correct-horse-7",
        "name": "김하늘",
        "nickname": "haneul_7",
        "phone": "+82 10-1234-5678",
        **changes,
    }


def test_answers_the_member_and_a_token_that_works(anonymous):
    answer = anonymous.post(PATH, details())

    assert answer.status_code == 201
    assert set(answer.json()) == {"user", "token", "expiry"}
    user = answer.json()["user"]
    assert user == {
        "id": user["id"],
        "email": "haneul@example.com",
        "name": "김하늘",
        "nickname": "haneul_7",
        "phone": "821012345678",
        "gender": None,
        "last_order": None,
        "email_verified": False,
        "erased_at": None,
        "order_count": 0,
        "order_total": {},
    }
    anonymous.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")
    assert anonymous.get(f"{PATH}/{user['id']}").json() == user


def test_stores_a_hash_of_the_password(anonymous):
    anonymous.post(PATH, details())

    member = Member.objects.get()
    assert "Correct-horse-7" not in member.password
    assert member.check_password("Correct-horse-7")


@pytest.mark.parametrize("path", [PATH, PATH + "/"])
def test_answers_with_and_without_a_trailing_slash(anonymous, path):
    assert anonymous.post(path, details()).status_code == 201


@pytest.mark.parametrize("email", ["haneul@example.com", "HANEUL@Example.COM"])
def test_a_second_member_with_the_email_is_an_error_whatever_the_case(anonymous, email):
    anonymous.post(PATH, details())

    answer = anonymous.post(PATH, details(email=email))

    assert answer.status_code == 400
    assert "exists already" in answer.json()["email"][0]
    assert Member.objects.count() == 1


def test_an_accent_makes_another_email(anonymous):
    Member.objects.create_user("jose@example.com")

    assert not Member.objects.filter(email="josé@example.com").exists()


@pytest.mark.django_db(transaction=True)
def test_simultaneous_registrations_of_one_email_make_one_member():
    answers = []

    def register() -> None:
        answers.append(APIClient().post(PATH, details()))
        connection.close()

    threads = [threading.Thread(target=register) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [201] + [400] * 5
    assert Member.objects.count() == 1


@pytest.mark.parametrize("name", ["김하늘", "Ada Lovelace", "Ωμέγα", "山田 太郎", "प्रिया", "가나"])
def test_a_name_may_be_of_any_script(anonymous, name):
    assert anonymous.post(PATH, details(name=name)).json()["user"]["name"] == name


def test_a_name_in_decomposed_hangul_is_stored_composed(anonymous):
    decomposed = "\u1100\u1175\u11b7\u1112\u1161"  # 김하 as Jamo

    assert anonymous.post(PATH, details(name=decomposed)).json()["user"]["name"] == "김하"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no-at-sign"),
        ("email", "a@b"),
        ("email", "x" * 250 + "@example.com"),
        ("name", "김"),
        ("name", "a" * 21),
        ("name", "R2D2"),
        ("name", "<script>"),
        ("nickname", "a"),
        ("nickname", "A_b"),
        ("nickname", "하늘"),
        ("nickname", "a" * 31),
        ("phone", "123456"),
        ("phone", "1" * 21),
        ("phone", "call me"),
        ("phone", "٠١٢٣٤٥٦٧٨٩"),
        ("gender", "x" * 21),
        ("password", "Short-1a"),
        ("password", "no-upper-case-7"),
        ("password", "NO-LOWER-CASE-7"),
        ("password", "No-Digit-Here"),
        ("password", "NoSymbolHere7"),
        ("password", "Haneul_7@example.com"),
        ("name", None),
        ("name", ["a"]),
        ("email", {"a": 1}),
        ("nickname", True),
        ("password", "Nul\x00-Character-7"),
        ("name", "\u0000ab"),
    ],
)
def test_bad_input_names_the_field(anonymous, field, value):
    answer = anonymous.post(PATH, details(**{field: value}))

    assert answer.status_code == 400
    assert list(answer.json()) == [field]
    assert not Member.objects.exists()


@pytest.mark.parametrize("field", ["email", "password", "name", "nickname", "phone"])
def test_a_missing_field_is_named(anonymous, field):
    sent = details()
    del sent[field]

    assert anonymous.post(PATH, sent).json() == {field: ["This field is required."]}


def test_nobody_registers_as_staff(anonymous):
    anonymous.post(PATH, details(is_staff=True, is_superuser=True))

    member = Member.objects.get()
    assert not member.is_staff
    assert not member.is_superuser
