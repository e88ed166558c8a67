"""Whether a log says what no log may: tokens, passwords, emails, phone numbers, names, notes."""

import re

TELLING = {
    "an email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "a token": re.compile(r"\b[0-9a-f]{64}\b|Token \w"),
    "a link's token": re.compile(r"\b[0-9a-z]{6}-[0-9a-f]{32}\b"),
    "a phone number": re.compile(r"(?<![\w.:-])0\d{9,10}(?!\w)"),
    "a password": re.compile(r"\b(?:Correct|Another)-horse-\d"),
}


def found_in(log: str, *secrets: str) -> list[str]:
    """`{what it is}: {the line}` for each line with what looks telling, or with one of the secrets."""
    lines = log.splitlines()
    looks = [f"{name}: {line}" for name, regex in TELLING.items() for line in lines if regex.search(line)]
    return looks + [f"{secret}: {line}" for secret in secrets for line in lines if secret in line]
