"""A picture of a few numbers, as SVG text: bars that a browser draws."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

LEFT, RIGHT, STEP, TOP = 270, 60, 26, 44
WIDTH = 760
STYLE = "text{font:13px sans-serif;fill:#333}.title{font-weight:bold}"


def bars(title: str, rows: Sequence[tuple[str, float, float, float]]) -> str:
    """A bar for each (name, value, lowest, highest), from 0 to 1 at least; a thin line is the spread."""
    highest = max(1.0, *(row[3] for row in rows))
    scale = (WIDTH - LEFT - RIGHT) / highest
    height = TOP + STEP * len(rows) + 16
    parts = [_text(10, 22, title, "title")]
    for index, row in enumerate(rows):
        parts += _bar(TOP + STEP * index, scale, row)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" role="img">\n'
        f'<style>{STYLE}</style>\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _bar(y: int, scale: float, row: tuple[str, float, float, float]) -> list[str]:
    name, value, lowest, highest = row
    middle = y + STEP // 2 - 4
    return [
        _text(10, y + 14, name),
        f'<rect x="{LEFT}" y="{y}" width="{value * scale:.1f}" height="{STEP - 8}" fill="#4a7ebb"/>',
        f'<path d="M{LEFT + lowest * scale:.1f} {middle}H{LEFT + highest * scale:.1f}" stroke="#1d3557"/>',
        _text(LEFT + round(highest * scale) + 6, y + 14, f"{value:.2f}"),
    ]


def _text(x: int, y: int, words: str, kind: str = "") -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(words)}</text>'
