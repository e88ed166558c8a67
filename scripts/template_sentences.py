"""Sentences that Django's templates mark for translation, for pybabel (see `tool.babel.mappings`)."""

import ast
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.utils.translation.template import templatize

# What `templatize` makes of a template: calls of gettext among letters that mean nothing.
TEXT = r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
CALL = re.compile(rf"(n?gettext|_)\(\s*u?{TEXT}(?:\s*,\s*u?{TEXT})?")


def extract(file: BinaryIO, keywords: Any, comment_tags: Any, options: Any) -> Iterator[tuple[Any, ...]]:
    """Yields (line, function, sentences, comments), as Babel asks of a method."""

    code = templatize(file.read().decode(), origin=getattr(file, "name", ""))
    for call in CALL.finditer(code):
        sentences = tuple(ast.literal_eval(text) for text in call.groups()[1:] if text)
        name = "ngettext" if len(sentences) == 2 else "gettext"
        line = code.count("\n", 0, call.start()) + 1
        yield line, name, sentences if len(sentences) == 2 else sentences[0], []
