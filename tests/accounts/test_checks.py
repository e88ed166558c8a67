"""accounts.E001, accounts.W001"""

import pytest

from accounts.checks import check_links, check_mails


def test_the_links_that_come_with_the_service_are_links():
    assert check_links(None) == []


@pytest.mark.parametrize("url", ["/", "/{uid}", "/{uid}{token}{key}", "/{uid}{token", "/{}"])
@pytest.mark.parametrize("name", ["PASSWORD_RESET_URL", "EMAIL_VERIFICATION_URL"])
def test_e001_a_template_that_makes_no_link(settings, name, url):
    setattr(settings, name, url)

    [error] = check_links(None)

    assert error.id == "accounts.E001"
    assert name in error.msg


def test_w001_mails_that_are_printed(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert [warning.id for warning in check_mails(None)] == ["accounts.W001"]

    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert check_mails(None) == []
