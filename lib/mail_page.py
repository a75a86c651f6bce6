"""The HTML that mails are made of: tables and inline styles, since mail clients know little else; dark where the reader's is.

Every function takes plain text and escapes it; what a function returns is HTML. Colours stand inline for light, in one
style sheet for dark; where a client drops the sheet, as some do, the light mail remains.
"""

from __future__ import annotations

import html
from collections.abc import Iterable

from lib.channels.text import ZERO_WIDTH_SPACE, inert

SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace"
# class → (property, light, dark)
COLOURS = {
    "page": ("background", "#f3f4f7", "#0d1117"),
    "card": ("background", "#ffffff", "#161b22"),
    "line": ("border-color", "#e2e5eb", "#2d343f"),
    "ink": ("color", "#171b24", "#eceff4"),
    "soft": ("color", "#5a6372", "#9aa5b5"),
    "code": ("background", "#f6f7f9", "#0d1117"),
    "hint": ("background", "#f3f1fd", "#1d1b33"),
    "link": ("color", "#4338ca", "#a5b4fc"),
    "main": ("background", "#4338ca", "#5458e6"),
}
TONES = {
    "red": ("#b42318", "#fee4e2"),
    "amber": ("#93470d", "#fef0c7"),
    "blue": ("#1849a9", "#d8e8fd"),
    "grey": ("#414a5a", "#e6e9ee"),
}
_DARK = "".join(f".{name}{{{prop}:{dark}!important}}" for name, (prop, _, dark) in COLOURS.items())
_SHEET = f"""
:root{{color-scheme:light dark;supported-color-schemes:light dark}}
a{{text-decoration:none}}
@media (prefers-color-scheme:dark){{{_DARK}}}
@media (max-width:520px){{
.pad{{padding-left:20px!important;padding-right:20px!important}}
.cell{{display:block!important;width:auto!important;padding:0 0 14px!important}}
.button{{display:block!important;margin:0 0 10px!important;text-align:center!important}}
}}
""".strip()
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>{title}</title>
<style>
{sheet}
</style>
</head>
<body class="page" style="margin:0;padding:0;{page};-webkit-text-size-adjust:100%">
<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">{preview}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" class="page" style="{page}">
<tr><td align="center" style="padding:24px 12px">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="max-width:600px;text-align:left">
<tr><td class="pad" style="padding:0 32px 14px">{masthead}</td></tr>
{cards}
<tr><td class="pad" style="padding:18px 32px 8px">{footer}</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
"""


def escaped(text: str) -> str:
    """Text from anywhere, as HTML that is neither markup nor, to a mail client that looks for them, a link."""
    return html.escape(inert(text)).replace(ZERO_WIDTH_SPACE, "&#8203;")


def page(title: str, preview: str, masthead: str, cards: Iterable[str], footer: Iterable[str]) -> str:
    """A whole mail. title, preview, masthead: text; cards, footer: HTML."""
    return _PAGE.format(
        title=escaped(title),
        sheet=_SHEET,
        page=_colour("page"),
        preview=escaped(preview),
        masthead=text(masthead, "soft", size=13, weight=600, after=0),
        cards="\n".join(cards),
        footer="".join(footer),
    )


def card(*parts: str) -> str:
    """A card with these parts, one under the other."""
    style = f"padding:28px 32px 18px;border:1px solid;border-radius:12px;{_colour('card')};{_colour('line')}"
    row = f'<tr><td class="card line pad" style="{style}">{"".join(parts)}</td></tr>'
    return f'{row}\n<tr><td style="height:14px;line-height:14px;font-size:0">&nbsp;</td></tr>'


def text(content: str, colour: str = "ink", *, size: int = 15, weight: int = 400, mono: bool = False, after: int = 14) -> str:
    """A paragraph; line breaks in the text are kept."""
    style = _letters(colour, size, weight, mono=mono)
    return f'<p class="{colour}" style="margin:0 0 {after}px;{style}">{_lines(content)}</p>'


def heading(content: str, *, size: int = 20) -> str:
    """The title of a card."""
    style = _letters("ink", size, 650)
    return f'<h1 class="ink" style="margin:0 0 8px;letter-spacing:-.01em;{style}">{_lines(content)}</h1>'


def pill(content: str, tone: str) -> str:
    """A word in a coloured pill; its colours are the same by day and by night."""
    ink, ground = TONES[tone]
    style = f"display:inline-block;padding:2px 10px;border-radius:99px;font:600 12px/18px {SANS};color:{ink};background:{ground}"
    return f'<span style="{style}">{escaped(content)}</span>'


def beside(first: str, second: str) -> str:
    """Two pieces of HTML on one line."""
    return f'<div style="margin:0 0 12px">{first} &nbsp;{second}</div>'


def small(content: str, colour: str = "soft") -> str:
    """Some words within a line."""
    return f'<span class="{colour}" style="{_letters(colour, 13, 400)}">{escaped(content)}</span>'


def numbers(pairs: Iterable[tuple[str, str]]) -> str:
    """(name, value), large and side by side; one under the other on a phone."""
    cells = "".join(
        f'<td class="cell" valign="top" style="padding:0 24px 14px 0">{text(name, "soft", size=12, after=0)}'
        f"{text(value, size=17, weight=650, after=0)}</td>"
        for name, value in pairs
    )
    return f'<table role="presentation" cellpadding="0" cellspacing="0"><tr>{cells}</tr></table>'


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """(name, value), one a line."""
    rows = "".join(
        f'<tr><td class="soft" valign="top" style="padding:2px 16px 2px 0;white-space:nowrap;{_letters("soft", 13, 400)}">'
        f'{escaped(name)}</td><td class="ink" style="padding:2px 0;{_letters("ink", 13, 400)}">{escaped(value)}</td></tr>'
        for name, value in pairs
    )
    return f'<table role="presentation" cellpadding="0" cellspacing="0" style="margin:0 0 18px">{rows}</table>'


def code(place: str, line: str) -> str:
    """Where something stands, and its line of source."""
    inner = text(place, "soft", size=12, mono=True, after=6 if line else 0)
    return _box("code", inner + (text(line, size=13, mono=True, after=0) if line else ""))


def hint(*parts: str) -> str:
    """Parts in a box of their own, set off from what is known for sure."""
    return _box("hint", "".join(parts))


def buttons(first: tuple[str, str], *others: tuple[str, str]) -> str:
    """(words, address) of links, the first of which stands out; addresses are our own."""
    shape = f"display:inline-block;margin:0 8px 10px 0;padding:11px 18px;border-radius:8px;font:600 14px/18px {SANS}"
    loud = f"{shape};color:#ffffff;{_colour('main')}"
    main = f'<a class="main button" href="{_address(first[1])}" style="{loud}">{escaped(first[0])}</a>'
    rest = "".join(
        f'<a class="link line button" href="{_address(url)}" style="{shape};padding:10px 17px;border:1px solid;{_colour("line")};'
        f'{_colour("link")}">{escaped(words)}</a>'
        for words, url in others
    )
    return f'<div style="margin:4px 0 6px">{main}{rest}</div>'


def links(*pairs: tuple[str, str]) -> str:
    """(words, address) of links, as words on one line; addresses are our own. Nothing where there are none."""
    if not pairs:
        return ""
    made = (
        f'<a class="link" href="{_address(url)}" style="{_letters("link", 13, 600)}">{escaped(words)}</a>' for words, url in pairs
    )
    return f'<p class="soft" style="margin:0 0 10px;{_letters("soft", 13, 400)}">{" &nbsp;·&nbsp; ".join(made)}</p>'


def _box(ground: str, inner: str) -> str:
    style = f"padding:14px 16px;border-radius:8px;{_colour(ground)}"
    return (
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="margin:0 0 18px;table-layout:fixed">'
        f'<tr><td class="{ground}" style="{style}">{inner}</td></tr></table>'
    )


def _letters(colour: str, size: int, weight: int, *, mono: bool = False) -> str:
    family = f"{MONO};white-space:pre-wrap" if mono else SANS
    return f"font:{weight} {size}px/1.5 {family};{_colour(colour)};overflow-wrap:anywhere;word-break:break-word"


def _colour(name: str) -> str:
    prop, light, _ = COLOURS[name]
    return f"{prop}:{light}"


def _lines(content: str) -> str:
    return escaped(content).replace("\n", "<br>")


def _address(url: str) -> str:
    return html.escape(url, quote=True)
