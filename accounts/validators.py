"""What a member's details may look like."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

PHONE_SEPARATORS = re.compile(r"[\s().\-/]+")

validate_nickname = RegexValidator(
    r"\A[a-z0-9_]{2,30}\Z", _("A nickname is 2 to 30 characters of a-z, 0-9 and underscore.")
)
validate_phone = RegexValidator(
    r"\A[0-9]{7,20}\Z", _("A phone number is 7 to 20 digits; a leading + and separators may be given.")
)


def normalize_name(name: str) -> str:
    """Composed characters (so that a Hangul syllable counts as one), single spaces inside."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def normalize_phone(phone: str) -> str:
    """Digits only, where it is a phone number at all."""
    return PHONE_SEPARATORS.sub("", phone.strip().removeprefix("+"))


def validate_name(name: str) -> None:
    """2 to 20 letters of any script; marks belong to the letter before them, spaces may stand inside."""
    if not (2 <= len(name) <= 20 and all(_is_part_of_name(character) for character in name)):
        raise ValidationError(_("A name is 2 to 20 letters of any script, with spaces only inside."))


def _is_part_of_name(character: str) -> bool:
    return character == " " or unicodedata.category(character)[0] in "LM"


class CharacterClassesValidator:
    """A password validator: upper case, lower case, digit and symbol."""

    def validate(self, password: str, user: object = None) -> None:
        missing = [name for name, has in CHARACTER_CLASSES.items() if not any(map(has, password))]
        if missing:
            raise ValidationError(
                _("The password lacks: %(missing)s."),
                code="password_lacks_classes",
                params={"missing": ", ".join(map(str, missing))},
            )

    def get_help_text(self) -> str:
        return _("Your password must contain: %(classes)s.") % {
            "classes": ", ".join(map(str, CHARACTER_CLASSES))
        }


CHARACTER_CLASSES = {
    _("an upper-case letter"): str.isupper,
    _("a lower-case letter"): str.islower,
    _("a digit"): str.isdigit,
    _("a symbol"): lambda character: not character.isalnum() and not character.isspace(),
}
