"""Builders of small event payloads in the canonical shape, for tables of cases."""

from typing import Any

Payload = dict[str, Any]


def frame(function: str, module: str = "shop.orders", line: str | None = None, **more: Any) -> Payload:
    """One application frame; `line` is its source line."""
    built: Payload = {
        "function": function,
        "module": module,
        "filename": module.replace(".", "/") + ".py",
        "lineno": 10,
        "in_app": True,
    }
    if line is not None:
        built["context_line"] = line
    return built | more


def library(function: str, module: str = "werkzeug.serving") -> Payload:
    """One frame of an installed library."""
    return {"function": function, "module": module, "filename": module.replace(".", "/") + ".py", "lineno": 5, "in_app": False}


def error(kind: str, value: str, *frames: Payload, **mechanism: Any) -> Payload:
    """One exception; frames oldest first, crash last."""
    built: Payload = {"type": kind, "value": value}
    if frames:
        built["stacktrace"] = {"frames": list(frames)}
    if mechanism:
        built["mechanism"] = mechanism
    return built


def event(*errors: Payload, platform: str = "python", **more: Any) -> Payload:
    """An event with exceptions, oldest first, headline last."""
    return {"platform": platform, "level": "error", "exception": {"values": list(errors)}} | more


def message(formatted: str, template: str | None = None, params: list[Any] | None = None) -> Payload:
    """An event that is a message only."""
    entry: Payload = {"formatted": formatted, "message": template or formatted}
    if params is not None:
        entry["params"] = params
    return {"platform": "python", "level": "error", "logentry": entry}


def script(function: str, filename: str, lineno: int = 10, colno: int = 12, line: str | None = None, **more: Any) -> Payload:
    """One JavaScript frame; without a module, as browsers send it."""
    built: Payload = {"function": function, "filename": filename, "lineno": lineno, "colno": colno, "in_app": True}
    if line is not None:
        built["context_line"] = line
    return built | more
