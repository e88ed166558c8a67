"""Programs of the system that some tests start."""

import os
import shutil

import pytest

SERVERS = "/usr/local/sbin:/usr/sbin:/sbin"  # where an ordinary user's PATH does not lead


def required(program: str, *, package: str) -> str:
    """Its path. Where it is not installed the test is skipped, and fails on CI, which is to have it."""
    found = shutil.which(program) or shutil.which(program, path=SERVERS)
    if found is None:
        message = f"{program} is not on PATH: apt-get install {package}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    return str(found)
