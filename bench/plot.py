"""Line charts as plain SVG: panels side by side, both axes logarithmic, readable on light and dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 460, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 32, 34, 46
LEGEND_LINE = 17
SLACK = math.log10(1.05)
# Told apart by people with any colour vision, and on black as well as on white; the marks differ too.
COLOURS = ("#3b82c4", "#d9822b", "#2f9e6e", "#c2539a", "#8a78d6", "#8c8c3a")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600;font-size:13px}.grid{stroke:#8885;stroke-width:1}"
    "@media(prefers-color-scheme:dark){text{fill:#ccc}}"
)
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """One chart: name → points, all above zero."""

    title: str
    x_label: str
    lines: Mapping[str, Points]

    def range(self, axis: int) -> tuple[int, int]:
        """The decades from and to which an axis goes; a value just outside of one (5 %) does not call for another."""
        values = [math.log10(point[axis]) for points in self.lines.values() for point in points]
        low, high = math.floor(min(values) + SLACK), math.ceil(max(values) - SLACK)
        return low, max(high, low + 1)


def draw(panels: Sequence[Panel]) -> str:
    """The SVG's text."""
    height = HEIGHT + LEGEND_LINE * (1 + max(len(panel.lines) for panel in panels))
    width = WIDTH * len(panels)
    parts = [part for number, panel in enumerate(panels) for part in _panel(panel, number * WIDTH)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">'
    title = f"<title>{escape('; '.join(panel.title for panel in panels))}</title>"
    return "\n".join([head, title, f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def _panel(panel: Panel, offset: int) -> Iterator[str]:
    yield f'<g transform="translate({offset} 0)">'
    yield _text(LEFT, 18, panel.title, "start", "title")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, panel.x_label, "middle")
    yield from _grid(panel)
    for number, (name, points) in enumerate(panel.lines.items()):
        yield from _line(panel, number, points)
        yield from _legend(number, name)
    yield "</g>"


def _grid(panel: Panel) -> Iterator[str]:
    low, high = panel.range(1)
    for decade in range(low, high + 1):
        y = _y(panel, 10**decade)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(LEFT - 8, y + 4, _number(decade), "end")
    low, high = panel.range(0)
    for decade in range(low, high + 1):
        x = _x(panel, 10**decade)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        yield _text(x, HEIGHT - BOTTOM + 18, _number(decade), "middle")


def _line(panel: Panel, number: int, points: Points) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    places = [(_x(panel, x), _y(panel, y)) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    for (x, y), (_, value) in zip(places, points, strict=True):
        yield f"<g><title>{value:,.3g}</title>{_mark(number, x, y)}</g>"


def _mark(number: int, x: float, y: float) -> str:
    """A circle, a square, a diamond, a triangle, …: lines that cross stay told apart without colour."""
    colour = COLOURS[number % len(COLOURS)]
    corners = number + 2
    if corners < 3:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    turns = [2 * math.pi * corner / corners - math.pi / 2 for corner in range(corners)]
    points = " ".join(f"{x + 5 * math.cos(turn):.1f},{y + 5 * math.sin(turn):.1f}" for turn in turns)
    return f'<polygon points="{points}" fill="{colour}"/>'


def _legend(number: int, name: str) -> Iterator[str]:
    y = HEIGHT + LEGEND_LINE * (number + 1)
    yield _mark(number, LEFT + 6, y - 4)
    yield _text(LEFT + 18, y, name, "start")


def _x(panel: Panel, value: float) -> float:
    return LEFT + _share(panel.range(0), value) * (WIDTH - LEFT - RIGHT)


def _y(panel: Panel, value: float) -> float:
    return HEIGHT - BOTTOM - _share(panel.range(1), value) * (HEIGHT - TOP - BOTTOM)


def _share(decades: tuple[int, int], value: float) -> float:
    return (math.log10(value) - decades[0]) / (decades[1] - decades[0])


def _number(decade: int) -> str:
    return f"{10.0**decade:,.0f}" if decade >= 0 else f"{10.0**decade:g}"


def _text(x: float, y: float, text: str, anchor: str, kind: str = "label") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
