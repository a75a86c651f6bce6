"""Every odd form of Sentry's event payload to one canonical form (develop.sentry.dev/sdk/data-model/event-payloads)."""

from datetime import datetime
from typing import Any

from lib import event_ids
from lib.events import limits, stacks, timestamps, values
from lib.events.bounds import clip

LEVELS = {level: level for level in ("fatal", "error", "warning", "info", "debug")} | {
    "critical": "fatal",
    "crit": "fatal",
    "panic": "fatal",
    "emergency": "fatal",
    "emerg": "fatal",
    "alert": "fatal",
    "severe": "error",
    "err": "error",
    "warn": "warning",
    "notice": "info",
    "log": "info",
    "information": "info",
    "informational": "info",
    "trace": "debug",
    "verbose": "debug",
}
DROPPED_NAMES = (
    "exceptions",
    "threads",
    "frames",
    "breadcrumbs",
    "breadcrumb_data",
    "tags",
    "modules",
    "extra",
    "vars",
    "request",
    "contexts",
    "context_lines",
    "headline_only",
    "strings",
)


def shape(raw: dict[str, Any], received_at: datetime) -> dict[str, Any]:
    """A new payload with the known keys of `raw` in canonical form; inner containers may be shared with `raw`."""
    level, dropped = raw.get("level"), _dropped(raw.get("dropped"))
    payload: dict[str, Any] = {
        "timestamp": timestamps.to_text(timestamps.occurred_at(raw.get("timestamp"), received_at)),
        "level": LEVELS.get(level.lower(), "error") if isinstance(level, str) else "error",
        "platform": values.name(raw.get("platform")) or "other",
    }
    payload |= values.fields(raw, PLAIN)
    _shape_message(raw, payload)
    _shape_stacks(raw, payload, dropped)
    _shape_crumbs(raw, payload, dropped)
    _shape_tags(raw.get("tags"), payload, dropped)
    if dropped:
        payload["dropped"] = dropped
    return payload


def _dropped(raw: object) -> dict[str, int]:
    """What earlier limits cut away, kept when a payload is normalised again."""
    return {name: raw[name] for name in DROPPED_NAMES if type(raw.get(name)) is int} if isinstance(raw, dict) else {}


def _user(raw: object) -> dict[str, Any] | None:
    identity = values.name(raw)
    return {"id": identity} if identity else values.mapping(raw)


def _request(raw: object) -> dict[str, Any] | None:
    return values.fields(raw, REQUEST) or None if isinstance(raw, dict) else None


def _text_or_pairs(raw: object) -> Any:
    return clip(raw, limits.PAIR_VALUE_CHARS_MAX) if isinstance(raw, str) else values.pairs(raw)


def _fingerprint(raw: object) -> list[str] | None:
    parts = raw if isinstance(raw, list) else [raw]
    found = [part for part in map(values.scalar, parts[: limits.FINGERPRINT_PARTS_MAX]) if part is not None]
    return [clip(part, limits.FINGERPRINT_PART_CHARS_MAX) for part in found] or None


REQUEST: values.Fields = {
    "url": values.message,
    "method": values.name,
    "query_string": _text_or_pairs,
    "headers": values.texts,
    "cookies": _text_or_pairs,
    "data": lambda data: data,
    "env": values.pairs,
}
PLAIN: values.Fields = {
    "event_id": event_ids.parse,
    **dict.fromkeys(("release", "dist", "environment", "server_name", "logger", "transaction", "service"), values.name),
    "fingerprint": _fingerprint,
    "user": _user,
    "request": _request,
    "contexts": values.mapping,
    "extra": values.pairs,
    "modules": values.mapping,
    "sdk": values.mapping,
}


def _shape_message(raw: dict[str, Any], payload: dict[str, Any]) -> None:
    """`logentry`, or the top-level `message` of the SDKs that send one, as {message, params, formatted}."""
    entry: dict[str, Any] = {}
    for source in (raw.get("message"), raw.get("logentry")):
        if isinstance(source, dict):
            entry |= values.fields(source, LOGENTRY)
        elif text := values.message(source):
            entry["message"] = text
    if entry:
        payload["logentry"] = entry


def _params(raw: object) -> Any:
    return raw if isinstance(raw, list | dict) and raw else None


LOGENTRY: values.Fields = {"message": values.message, "formatted": values.message, "params": _params}


def _shape_stacks(raw: dict[str, Any], payload: dict[str, Any], dropped: dict[str, int]) -> None:
    exceptions, threads = stacks.exceptions(raw.get("exception")), stacks.threads(raw.get("threads"))
    bare = stacks.stacktrace(raw.get("stacktrace"))  # older SDKs: one stack at the top
    if bare and len(exceptions) == 1 and "stacktrace" not in exceptions[0]:
        exceptions[0]["stacktrace"] = bare
    elif bare:
        threads.append({"current": True, "stacktrace": bare})
    if "logentry" in payload and _is_message(exceptions):
        threads += [{"current": True, "stacktrace": item["stacktrace"]} for item in exceptions if "stacktrace" in item]
        exceptions = []
    if len(exceptions) > limits.EXCEPTIONS_MAX:  # the root cause and the headline stand at the ends
        half = limits.EXCEPTIONS_MAX // 2
        dropped["exceptions"] = dropped.get("exceptions", 0) + len(exceptions) - 2 * half
        exceptions = exceptions[:half] + exceptions[-half:]
    if len(threads) > limits.THREADS_MAX:
        dropped["threads"] = dropped.get("threads", 0) + len(threads) - limits.THREADS_MAX
        threads.sort(key=lambda thread: not (thread.get("crashed") or thread.get("current")))
        del threads[limits.THREADS_MAX :]
    if stacks.count_frames(exceptions) + stacks.count_frames(threads) > limits.FRAMES_MAX:
        cut = stacks.limit_frames(exceptions[::-1] + threads, limits.FRAMES_MAX)
        dropped["frames"] = dropped.get("frames", 0) + cut
    if exceptions:
        payload["exception"] = {"values": exceptions}
    if threads:
        payload["threads"] = {"values": threads}


def _is_message(exceptions: list[dict[str, Any]]) -> bool:
    """@sentry/node's captureMessage sends a made-up exception without a type, only to carry a stack."""
    return bool(exceptions) and all("type" not in item and item.get("mechanism", {}).get("synthetic") for item in exceptions)


def _shape_crumbs(raw: dict[str, Any], payload: dict[str, Any], dropped: dict[str, int]) -> None:
    crumbs = values.items(raw.get("breadcrumbs"))
    if len(crumbs) > limits.BREADCRUMBS_MAX:
        dropped["breadcrumbs"] = dropped.get("breadcrumbs", 0) + len(crumbs) - limits.BREADCRUMBS_MAX
        crumbs = crumbs[-limits.BREADCRUMBS_MAX :]
    if crumbs:
        payload["breadcrumbs"] = {"values": crumbs}


def _shape_tags(raw: object, payload: dict[str, Any], dropped: dict[str, int]) -> None:
    pairs = (values.pairs(raw) or {}).items()
    found = [(name, values.scalar(value)) for key, value in pairs if (name := values.scalar(key))]
    kept = [(key, text) for key, text in found if text is not None]
    if len(kept) > limits.TAGS_MAX:
        dropped["tags"] = dropped.get("tags", 0) + len(kept) - limits.TAGS_MAX
        del kept[limits.TAGS_MAX :]
    if kept:
        payload["tags"] = {clip(key, limits.TAG_KEY_CHARS_MAX): clip(text, limits.TAG_VALUE_CHARS_MAX) for key, text in kept}
