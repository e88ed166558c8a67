"""The topology as boxes and arrows: where each stands in the page's SVG."""

from typing import Any

WIDTH, HEIGHT, ROW = 120, 44, 64  # of a box; from one replica to the next
REPLICAS_AT = 230  # from the left


def drawing_of(shown: list[dict[str, Any]]) -> dict[str, Any]:
    """`{height, boxes, arrows}`: replicas below each other, the primary beside their middle."""
    primary, *replicas = shown
    height = max(len(replicas), 1) * ROW
    boxes = [_box(primary, x=2, y=(height - HEIGHT) / 2)]
    boxes += [
        _box(node, x=REPLICAS_AT, y=row * ROW + (ROW - HEIGHT) / 2) for row, node in enumerate(replicas)
    ]
    return {"height": height, "boxes": boxes, "arrows": [_arrow(boxes[0], box) for box in boxes[1:]]}


def _box(node: dict[str, Any], *, x: float, y: float) -> dict[str, Any]:
    middle = {"text_x": x + WIDTH / 2, "text_y": y + 19, "second_y": y + 35}
    facts = {"alias": node["alias"], "kind": node["kind"], "second": node["lag_text"]}
    return {**facts, "x": x, "y": y, **middle}


def _arrow(source: dict[str, Any], target: dict[str, Any]) -> dict[str, Any]:
    """A curve to the left edge of the target, and its tip."""
    start, end = source["x"] + WIDTH + 2, target["x"] - 10
    top, bottom = source["y"] + HEIGHT / 2, target["y"] + HEIGHT / 2
    middle = (start + end) / 2
    curve = f"{middle:.0f} {top:.0f} {middle:.0f} {bottom:.0f}"
    return {
        "alias": target["alias"],
        "kind": target["kind"],
        "path": f"M {start:.0f} {top:.0f} C {curve} {end:.0f} {bottom:.0f}",
        "tip": f"M {end - 1:.0f} {bottom - 5:.0f} l 9 5 l -9 5 z",
    }
