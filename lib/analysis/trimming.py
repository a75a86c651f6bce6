"""Make the document fit its budget, from what tells least. The frames of the crash stay, whatever it costs the rest."""

from __future__ import annotations

from collections.abc import Callable

import orjson

from lib.analysis.material import Data, clip

# About 9,000 tokens of code and JSON, and never more than this many: no token is shorter than a byte.
INPUT_BYTES_MAX = 32_768
VALUE_CUT_BYTES = 400
RAW_CUT_BYTES = 1_500


def encode(data: Data) -> bytes:
    """The document as it is sent."""
    return orjson.dumps(data, option=orjson.OPT_INDENT_2)


def fitted(data: Data, bytes_max: int = INPUT_BYTES_MAX) -> Data:
    """The document, changed in place until it is small enough; `left_out` in it says what went."""
    left_out: list[str] = []
    for name, trim in STEPS:
        if len(encode(data)) <= bytes_max:
            break
        trim(data)
        left_out.append(name)
        data["left_out"] = left_out
    return data


def _drop(name: str) -> Callable[[Data], None]:
    def trim(data: Data) -> None:
        data.pop(name, None)

    return trim


def _newest_crumbs(most: int) -> Callable[[Data], None]:
    def trim(data: Data) -> None:
        if "breadcrumbs" in data:
            data["breadcrumbs"] = data["breadcrumbs"][-most:]

    return trim


def _is_near(frame: Data) -> bool:
    return "near_the_crash" in frame


def _is_own(frame: Data) -> bool:
    return _is_near(frame) or "of_the_application" in frame


def _keep_frames(keep: Callable[[Data], bool]) -> Callable[[Data], None]:
    def trim(data: Data) -> None:
        for exception in data.get("exceptions", ()):
            if "frames" in exception:
                exception["frames"] = [frame for frame in exception["frames"] if keep(frame)]

    return trim


def _keep_source(keep: Callable[[Data], bool]) -> Callable[[Data], None]:
    def trim(data: Data) -> None:
        for exception in data.get("exceptions", ()):
            for frame in exception.get("frames", ()):
                if not keep(frame):
                    frame.pop("source", None)

    return trim


def _only_own_lines(data: Data) -> None:
    for exception in data.get("exceptions", ()):
        for frame in exception.get("frames", ()):
            if "source" in frame:
                frame["source"] = [line for line in frame["source"] if line.startswith("> ")]


def _cut_values(data: Data) -> None:
    if "message" in data:
        data["message"] = clip(data["message"], VALUE_CUT_BYTES)
    for exception in data.get("exceptions", ()):
        for name, bytes_max in (("value", VALUE_CUT_BYTES), ("stack_as_text", RAW_CUT_BYTES)):
            if name in exception:
                exception[name] = clip(exception[name], bytes_max)


def _ends_of_chain(data: Data) -> None:
    """The headline and the root cause."""
    chain = data.get("exceptions", [])
    if len(chain) > 2:
        data["exceptions"] = [chain[0], chain[-1]]


STEPS: tuple[tuple[str, Callable[[Data], None]], ...] = (
    ("runtime", _drop("runtime")),
    ("older breadcrumbs", _newest_crumbs(15)),
    ("source around library frames", _keep_source(_is_own)),
    ("library frames", _keep_frames(_is_own)),
    ("tags", _drop("tags")),
    ("request", _drop("request")),
    ("more breadcrumbs", _newest_crumbs(5)),
    ("source around frames far from the crash", _keep_source(_is_near)),
    ("frames far from the crash", _keep_frames(_is_near)),
    ("breadcrumbs", _drop("breadcrumbs")),
    ("ends of long texts", _cut_values),
    ("exceptions in the middle of the chain", _ends_of_chain),
    ("what a person said", _drop("what_a_person_said_of_the_last_analysis")),
    ("what changed", _drop("since_the_last_analysis")),
    ("frequency", _drop("frequency")),
    ("source around the crash", _only_own_lines),
)
