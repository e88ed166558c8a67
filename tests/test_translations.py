"""Korean, English and Japanese: the catalogues are complete, and requests are answered in their language."""

import ast
import io
import re
from pathlib import Path
from typing import NamedTuple

import django.contrib.auth.password_validation
import django.core.validators
import django.forms.fields
import knox.auth
import pytest
import rest_framework.authentication
import rest_framework.exceptions
import rest_framework.fields
import rest_framework.relations
import rest_framework.serializers
import rest_framework.validators
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.utils import translation

from orders.models import OrderEvent
from tests.factories import OrderFactory

ROOT = settings.BASE_DIR
PACKAGES = ("accounts", "drf_oms", "orders", "routers")
SCRIPTS = {"ko": "[가-힣]", "ja": "[ぁ-んァ-ン一-龠]"}  # what each is written in
LANGUAGES = {"ko": "ko-kr", "ja": "ja"}  # as Django names them

# Whose sentences clients read too.
LIBRARIES = (
    django.contrib.auth.password_validation,
    django.core.validators,
    django.forms.fields,
    knox.auth,
    rest_framework.authentication,
    rest_framework.exceptions,
    rest_framework.fields,
    rest_framework.relations,
    rest_framework.serializers,
    rest_framework.validators,
)


def path_of(language: str, ending: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{ending}"


def catalogue(language: str):
    with path_of(language, "po").open("rb") as file:
        return read_po(file, locale=language)


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[a-z]|\{[^}]*\}", text))


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """What the source marks, as scripts/translations.sh extracts it."""
    template = tmp_path_factory.mktemp("template") / "django.pot"
    sources = [str(ROOT / package) for package in PACKAGES]
    mapping = str(ROOT / "pyproject.toml")
    CommandLineInterface().run(["pybabel", "-q", "extract", "-F", mapping, "-o", str(template), *sources])
    with template.open("rb") as file:
        return {message.id for message in read_po(file) if message.id}


class TestTheCatalogues:
    @pytest.mark.parametrize("language", SCRIPTS)
    def test_have_each_sentence_of_the_source_and_no_other(self, sentences, language):
        known = {message.id for message in catalogue(language) if message.id}

        hint = "run scripts/translations.sh, translate what it has left empty, run it again"
        assert known == sentences, hint

    @pytest.mark.parametrize("language", SCRIPTS)
    def test_translate_each_with_the_same_placeholders(self, language):
        for message in catalogue(language):
            if not message.id:
                continue
            english = message.id if isinstance(message.id, str) else message.id[-1]
            [translated] = message.string if message.pluralizable else [message.string]
            assert re.search(SCRIPTS[language], translated), english
            assert placeholders(translated) == placeholders(english)
            assert not message.fuzzy, english

    @pytest.mark.parametrize("language", SCRIPTS)
    def test_are_compiled_as_they_are_written(self, language):
        compiled = io.BytesIO()
        write_mo(compiled, catalogue(language))

        assert path_of(language, "mo").read_bytes() == compiled.getvalue(), "run scripts/translations.sh"

    @pytest.mark.parametrize("language", SCRIPTS)
    @pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library.__name__)
    def test_say_what_the_catalogues_of_libraries_do_not(self, library, language):
        """What fails here is to be named in drf_oms/borrowed.py."""
        keywords = {**DEFAULT_KEYWORDS, "gettext_lazy": None, "ngettext_lazy": (1, 2)}
        marked = [message for _, message, *_ in extract_from_file("python", library.__file__, keywords)]
        found = [message for message in marked if " " in str(message)]  # else a name, such as "IPv4"

        assert found
        with translation.override(LANGUAGES[language]):
            for message in found:
                is_plural = isinstance(message, tuple)
                said = translation.ngettext(*message, 2) if is_plural else translation.gettext(message)
                assert re.search(SCRIPTS[language], said), message


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_translated_while_a_module_is_imported(package):
    """A constant would speak the language of the process for ever: it needs gettext_lazy."""
    for path in (ROOT / package).rglob("*.py"):
        tree = ast.parse(path.read_text())
        if any(at_once(node) for node in ast.walk(tree)):
            assert [f"{path}:{line}" for line in calls_on_import(tree)] == []


def at_once(node: ast.AST) -> bool:
    return isinstance(node, ast.ImportFrom) and any(
        (name.name, name.asname) == ("gettext", "_") for name in node.names
    )


def calls_on_import(node: ast.AST) -> list[int]:
    """The lines on which `_` is called outside of functions."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return []
    is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_"
    deeper = [line for child in ast.iter_child_nodes(node) for line in calls_on_import(child)]
    return [node.lineno, *deeper] if is_call else deeper


class Refused(NamedTuple):
    """A request of staff, and what `detail` says to it."""

    method: str
    path: str
    headers: dict[str, str]
    status: int
    korean: str
    japanese: str


REFUSED = [
    Refused(
        "POST",
        "/orders/{id}/pay",
        {},
        409,
        korean="주문 상태가 paid이므로 지금은 pay 작업을 할 수 없습니다. 가능한 작업: prepare, ship, cancel.",
        japanese="注文の状態が paid のため、現在 pay はできません。可能な操作: prepare, ship, cancel。",
    ),
    Refused(
        "POST",
        "/orders/{id}/cancel",
        {"If-Match": '"0-0"'},
        412,
        korean="조회하신 뒤에 주문이 변경되었습니다. 다시 조회해 주세요. 현재 ETag는 {etag}입니다.",
        japanese="ご覧になった後に注文が変更されました。もう一度取得してください。"
        "現在の ETag は {etag} です。",
    ),
    Refused(
        "POST",
        "/orders/{id}/cancel",
        {"Idempotency-Key": "used"},
        422,
        korean="다른 요청에 이미 사용된 키입니다. 새 키를 사용해 주세요.",
        japanese="このキーは別のリクエストで使用済みです。新しいキーをお使いください。",
    ),
    Refused(
        "GET",
        "/orders/0",
        {},
        404,
        korean="없거나 볼 수 없는 항목입니다.",
        japanese="存在しないか、閲覧できない項目です。",
    ),
    Refused(
        "DELETE",
        "/orders/",
        {},
        405,
        korean='메서드 "DELETE"는 허용되지 않습니다.',
        japanese='メソッド "DELETE" は許されていません。',
    ),
    Refused(
        "GET",
        "/orders/",
        {"Authorization": ""},
        401,
        korean="자격 인증 데이터가 제공되지 않았습니다.",
        japanese="認証情報が含まれていません。",
    ),
    Refused(
        "GET",
        "/orders/",
        {"X-Consistency": "psychic"},
        400,
        korean="X-Consistency: eventual, bounded=SECONDS, session, strong 중 하나여야 합니다.",
        japanese="X-Consistency: eventual、bounded=SECONDS、session、strong のいずれかを指定してください。",
    ),
]


@pytest.mark.django_db
class TestARequest:
    @pytest.mark.parametrize(
        ("accepted", "language", "sentence"),
        [
            (None, "en", "A whole number of at least 1 is expected."),
            ("en-GB", "en", "A whole number of at least 1 is expected."),
            ("ko", "ko-kr", "1 이상의 정수를 입력해 주세요."),
            ("ko-KR,ko;q=0.9,en;q=0.5", "ko-kr", "1 이상의 정수를 입력해 주세요."),
            ("ja", "ja", "1 以上の整数を入力してください。"),
            ("fr;q=0.9,ja-JP;q=0.8", "ja", "1 以上の整数を入力してください。"),
            ("tlh", "en", "A whole number of at least 1 is expected."),
            ("*", "en", "A whole number of at least 1 is expected."),
            ("-;q=x,\x00", "en", "A whole number of at least 1 is expected."),
        ],
    )
    def test_is_answered_in_the_first_language_that_we_speak(
        self, member_client, accepted, language, sentence
    ):
        headers = {"Accept-Language": accepted} if accepted is not None else {}
        answer = member_client.get("/orders/?limit=0", headers=headers)

        assert answer.json() == {"limit": [sentence]}
        assert answer.headers["Content-Language"] == language
        assert "Accept-Language" in answer.headers["Vary"]

    def test_does_not_leave_its_language_to_the_next_one(self, member_client):
        korean = member_client.get("/orders/?limit=0", headers={"Accept-Language": "ko"})
        next_one = member_client.get("/orders/?limit=0")

        assert korean.headers["Content-Language"] == "ko-kr"
        assert next_one.json() == {"limit": ["A whole number of at least 1 is expected."]}
        assert next_one.headers["Content-Language"] == "en"

    @pytest.mark.parametrize("refused", REFUSED, ids=lambda refused: refused.korean)
    def test_is_refused_in_its_language(self, staff_client, member, refused):
        staff_client.post("/orders/", {"product_name": "Mug"}, headers={"Idempotency-Key": "used"})
        order = OrderFactory(customer=member)
        path = refused.path.format(id=order.pk)

        for language, sentence in (("ko", refused.korean), ("ja", refused.japanese)):
            headers = {**refused.headers, "Accept-Language": language}
            answer = staff_client.generic(refused.method, path, headers=headers)
            assert answer.status_code == refused.status
            assert answer.json()["detail"] == sentence.replace("{etag}", order.etag)

    @pytest.mark.parametrize(
        ("language", "errors"),
        [
            (
                "ko",
                {
                    "email": ["유효한 이메일 주소를 입력하세요."],
                    "name": ["이 필드는 필수 항목입니다."],
                    "nickname": ["닉네임은 a-z, 0-9, 밑줄로 이루어진 2~30자여야 합니다."],
                },
            ),
            (
                "ja",
                {
                    "email": ["有効なメールアドレスを入力してください。"],
                    "name": ["この項目は必須です。"],
                    "nickname": [
                        "ニックネームは a-z、0-9、アンダースコアからなる 2～30 文字で入力してください。"
                    ],
                },
            ),
        ],
    )
    def test_with_wrong_fields_hears_of_each_in_its_language(self, anonymous, language, errors):
        sent = {"email": "x", "password": "Correct-horse-7", "nickname": "X", "phone": "01012345678"}
        answer = anonymous.post("/accounts/users", sent, headers={"Accept-Language": language})

        assert answer.json() == errors

    def test_with_a_weak_password_hears_it_from_django_and_from_us(self, anonymous):
        sent = {
            "email": "a@example.com",
            "password": "x",
            "name": "김하늘",
            "nickname": "sky",
            "phone": "0101234567",
        }
        answer = anonymous.post("/accounts/users", sent, headers={"Accept-Language": "ja"})

        said = answer.json()["password"]
        assert said[-1] == "パスワードに次のものが含まれていません: 大文字, 数字, 記号。"
        assert all(re.search(SCRIPTS["ja"], sentence) for sentence in said)


@pytest.mark.django_db
class TestWhatIsStored:
    def test_does_not_depend_on_the_language(self, staff_client):
        for language in ("ko", "ja", "en"):
            headers = {"Accept-Language": language}
            placed = staff_client.post("/orders/", {"product_name": "머그컵"}, headers=headers).json()
            staff_client.post(f"/orders/{placed['id']}/pay", headers=headers)  # refused
            staff_client.post(f"/orders/{placed['id']}/cancel", {"reason": "まちがい"}, headers=headers)

        stored = [
            tuple(OrderEvent.objects.filter(order=order).values_list("type", "role", "to_status", "data"))
            for order in OrderEvent.objects.values_list("order", flat=True).distinct().order_by("order")
        ]
        assert len(stored) == 3
        assert len(stored[0]) == 2
        assert stored[0] == stored[1] == stored[2]

    def test_is_shown_alike_in_every_language(self, member, member_client):
        order = OrderFactory(customer=member, product_name="Mug 머그컵 マグカップ")
        for path in (
            f"/orders/{order.pk}",
            f"/orders/{order.pk}/events",
            "/orders/export.csv",
            "/orders/stats",
        ):
            shown = [
                member_client.get(f"{path}?to=2099-01-01", headers={"Accept-Language": language})
                for language in ("en", "ko", "ja")
            ]
            assert {answer.status_code for answer in shown} == {200}
            assert len({answer.getvalue() for answer in shown}) == 1

    def test_an_answer_that_is_kept_for_a_key_fits_every_language(self, member_client):
        def post(language):
            headers = {"Idempotency-Key": "k", "Accept-Language": language}
            return member_client.post("/orders/", {"product_name": "Mug"}, headers=headers)

        korean, japanese = post("ko"), post("ja")

        assert japanese.content == korean.content
        assert (korean.headers["Content-Language"], japanese.headers["Content-Language"]) == ("ko-kr", "ja")
