"""Bars for a chart that a page draws as SVG: no script, and no style that a strict policy would refuse."""

from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT = 600, 100  # of the drawing; the page stretches it


def bars(values: Sequence[tuple[str, Any]]) -> list[dict[str, Any]]:
    """Of (label, value): where each bar stands, and how high it is."""
    most = max((value for _, value in values), default=0) or 1
    step = WIDTH / max(len(values), 1)
    found = []
    for index, (label, value) in enumerate(values):
        height = round(float(value / most) * HEIGHT, 1)
        place = {"x": round(index * step + step * 0.1, 1), "width": round(step * 0.8, 1)}
        found.append({**place, "y": HEIGHT - height, "height": height, "label": label, "value": value})
    return found
