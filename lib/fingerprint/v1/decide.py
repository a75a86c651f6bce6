"""The order of decisions: the client's word, the stack, the exception, the message, what is left."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from lib.fingerprint.v1 import chain, frames, messages, names, source, stack
from lib.fingerprint.v1.shape import CLIENT_PARTS_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX, mapping, text, values

VERSION = 1
_DEFAULT = "{{default}}"
_INTEGER_LIMIT = 2**64  # longer ones are slow to write, or refused


class Fingerprint(NamedTuple):
    """Which incident an event belongs to.

    value: 32 hexadecimal digits, over version and parts. rule: which rule decided. reason: why, for a developer.
    parts: what was hashed, readable.
    """

    version: int
    value: str
    rule: str
    reason: str
    parts: list[str]


class _Decision(NamedTuple):
    rule: str
    reason: str
    parts: list[str]


def compute(payload: Mapping[str, Any]) -> Fingerprint:
    """The fingerprint of a canonical (redacted) event payload. Never raises, whatever the shape."""
    payload = mapping(payload)
    decision = _client(payload) or _default(payload)
    return Fingerprint(VERSION, _hash(decision.parts), *decision)


def crash_frame(payload: Mapping[str, Any]) -> dict[str, Any] | None:
    """The frame to show as the culprit: the root cause's own application frame nearest to the crash, else its last frame."""
    found = _causes(mapping(payload))
    if not found or not found[0].stack:
        return None
    own = frames.in_app(found[0].stack)
    return dict((own or found[0].stack)[-1])


def _hash(parts: Sequence[str]) -> str:
    # Lengths in front of the parts: no two lists of parts read the same.
    content = "".join(f"{len(part)}:{part}" for part in (f"v{VERSION}", *parts))
    return blake2b(content.encode(), digest_size=16).hexdigest()


def _client(payload: Mapping[str, Any]) -> _Decision | None:
    """The client's own fingerprint, `{{ default }}` in it standing for what would have been computed."""
    given = payload.get("fingerprint")
    if not isinstance(given, list):
        return None
    items = [_client_part(item) for item in given[:CLIENT_PARTS_MAX]]
    if not any(items) or all(item.replace(" ", "") == _DEFAULT for item in items):
        return None
    parts: list[str] = []
    for item in items:
        parts.extend(_default(payload).parts if item.replace(" ", "") == _DEFAULT else [f"client: {item}"])
    return _Decision("client", "The application set this fingerprint itself", parts)


def _client_part(item: Any) -> str:
    if isinstance(item, float) or (isinstance(item, int) and abs(item) < _INTEGER_LIMIT):
        return str(item)
    return text(item)


def _default(payload: Mapping[str, Any]) -> _Decision:
    return _exception(payload) or _message(payload) or _fallback(payload)


def _causes(payload: Mapping[str, Any]) -> list[chain.Cause]:
    return [_with_thread(cause, payload) for cause in chain.roots(payload)]


def _with_thread(cause: chain.Cause, payload: Mapping[str, Any]) -> chain.Cause:
    """A cause without frames takes the crashed thread's (native and Java SDKs send them there)."""
    if cause.stack:
        return cause
    threads = [one for one in values(payload.get("threads"))[:1000] if isinstance(one, dict)]
    crashed = [one for one in threads if one.get("crashed") is True] or [one for one in threads if one.get("current") is True]
    return cause._replace(stack=frames.of_stack(crashed[0].get("stacktrace"))) if crashed else cause


def _exception(payload: Mapping[str, Any]) -> _Decision | None:
    causes = _causes(payload)
    if not causes or _is_message(causes[0].exception):
        return None
    decisions = [decision for decision in map(_root, causes) if decision]
    if len(decisions) < 2:
        return decisions[0] if decisions else None
    members = sorted({" | ".join(decision.parts) for decision in decisions})
    if len(members) == 1:
        return decisions[0]
    reason = f"A group of {len(members)} different exceptions, the same ones each time"
    return _Decision("group", reason, [f"member: {member}" for member in members])


def _is_message(exception: Mapping[str, Any]) -> bool:
    """Whether an SDK wrapped a plain message as an exception (captureMessage with a stack)."""
    return not text(exception.get("type")) and mapping(exception.get("mechanism")).get("synthetic") is True


def _root(cause: chain.Cause) -> _Decision | None:
    kind = names.clean_class(text(cause.exception.get("type")))
    message = text(cause.exception.get("value"), TEXT_CHARS_MAX)
    identity = stack.identify(cause.stack, kind, message[:200])
    if identity is None:
        return _exception_message(kind, message)
    parts = [f"type: {kind or 'Error'}", *(f"frame: {frame.identity}" for frame in identity.frames)]
    if identity.minified:
        parts.append(f"message: {messages.normalise(names.mask_mangled(message))}")
        return _Decision("minified_stack", _stack_reason(identity, cause), parts)
    if not identity.recursion:
        crashed = source.crash_names(identity.frames[0])
        said = source.message_words(identity.frames, message)
        parts.extend(
            f"{label}: {value}" for label, value in (("names in the line", crashed), ("words of the message", said)) if value
        )
    return _Decision("stack", _stack_reason(identity, cause), parts)


def _stack_reason(identity: stack.Identity, cause: chain.Cause) -> str:
    what = "Same root cause" if cause.depth else "Same exception"
    if identity.recursion:
        return f"{what}, in the same functions calling each other without end"
    count = len(identity.frames)
    own = "application frame" if identity.in_app else "frame"
    where = f"the same {own} at the crash" if count == 1 else f"the same {count} {own}s at the crash"
    if identity.minified:
        return f"{what} and message and {where}, names chosen by the minifier left out"
    return f"{what} and {where}"


def _exception_message(kind: str, message: str) -> _Decision | None:
    if not kind and not message.strip():
        return None
    parts = [f"type: {kind or 'Error'}", f"message: {messages.normalise(message)}"]
    return _Decision(
        "exception_message", "Same exception type and the same message apart from its data; there is no stack", parts
    )


def _message(payload: Mapping[str, Any]) -> _Decision | None:
    entry = mapping(payload.get("logentry"))
    template = text(entry.get("message"), TEXT_CHARS_MAX)
    if template.strip() and entry.get("params"):
        parts = [f"message: {messages.normalise(template)}"]
        return _Decision("message_template", "Same message template in the source", parts)
    message = _message_text(payload, entry)
    if not message:
        return None
    return _Decision("message", "Same message apart from its data", [f"message: {messages.normalise(message)}"])


def _message_text(payload: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    candidates = [entry.get("formatted"), entry.get("message"), payload.get("message"), payload.get("logentry")]
    candidates += [mapping(payload.get("message")).get("formatted"), mapping(payload.get("message")).get("message")]
    candidates += [one.get("value") for one in chain.exceptions(payload)[-1:]]
    return next((found for found in (text(one, TEXT_CHARS_MAX).strip() for one in candidates) if found), "")


def _fallback(payload: Mapping[str, Any]) -> _Decision:
    """Nothing says what happened: where it happened decides."""
    for key in ("transaction", "logger", "platform"):
        value = text(payload.get(key), NAME_CHARS_MAX).strip()
        if value:
            return _Decision("fallback", f"No exception and no message; same {key}", [f"{key}: {messages.normalise(value)}"])
    return _Decision("fallback", "No exception, no message and no place given", ["empty"])
