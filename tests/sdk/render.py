"""Writes the sample programs into a folder, as the variation of a case wants them.

A template is an ordinary source file with two marks. `<line>  #~ <other line>` (`//~` in JavaScript) names a cosmetic edit of
that line; a line that is only `#+` is where unrelated code is added to move everything below it.
"""

from __future__ import annotations

import re
from pathlib import Path

SUFFIX = ".tmpl"
COSMETIC = re.compile(r"^(?P<indent>\s*)(?P<line>.*?)  (#|//)~ (?P<other>.*)$")
SHIFT = re.compile(r"^(#|//)\+$")
ADDED = {
    "#": ["# Moved here in the last release,", "# so that every line below has another number.", "REVISION = 12", "", ""],
    "//": [
        "// Moved here in the last release,",
        "// so that every line below has another number.",
        "module.exports.revision = 12;",
        "",
        "",
    ],
}


def edited(line: str, cosmetic: bool) -> str:
    """The line without its mark: as written, or as its cosmetic edit."""
    found = COSMETIC.match(line)
    if not found:
        return line
    return found["indent"] + (found["other"] if cosmetic else found["line"])


def rendered(template: str, *, shift: bool, cosmetic: bool) -> str:
    """A source file's text."""
    lines: list[str] = []
    for line in template.splitlines():
        mark = SHIFT.match(line)
        if mark is None:
            lines.append(edited(line, cosmetic))
        elif shift:
            lines.extend(ADDED[mark[1]])
    return "\n".join(lines) + "\n"


def write(templates: Path, folder: Path, *, shift: bool = False, cosmetic: bool = False) -> None:
    """Every template under `templates` as a source file under `folder`, with the same folders and without its suffix."""
    for template in sorted(templates.rglob("*" + SUFFIX)):
        target = folder / template.relative_to(templates).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rendered(template.read_text(), shift=shift, cosmetic=cosmetic))
