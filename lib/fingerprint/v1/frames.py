"""Frames: which are the application's own, and what identifies one."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from lib.fingerprint.v1 import names
from lib.fingerprint.v1.shape import FRAMES_MAX, LINE_CHARS_MAX, mapping, text

# Folders and packages of installed libraries and runtimes, per language. Guessed only where the client's flag is of no use.
_LIBRARY_PATH = re.compile(
    r"(?:^|[/\\])(?:site-packages|dist-packages|node_modules|bower_components|vendor|gems|\.cargo|rustc|rubygems|jre|jdk)[/\\]"
    r"|[/\\](?:lib|Lib)[/\\]python[\d.]+[/\\]|[/\\]pkg[/\\]mod[/\\]|[/\\]libexec[/\\]src[/\\]|[/\\]go[/\\]src[/\\]"
    r"|^(?:node:|internal/|<frozen |<anonymous>|<builtin>|native |\[native|webpack/bootstrap)"
    r"|^/(?:rustc|usr/lib|usr/local/lib|usr/local/go)/"
    r"|^(?:chrome|moz|safari-web|safari)-extension:"
)
_LIBRARY_MODULE = re.compile(
    r"^(?:java|javax|jdk|sun|com\.sun|kotlin|kotlinx|scala|groovy|clojure|android|androidx|dalvik|jakarta|junit|reactor|io\.netty"
    r"|com\.android|com\.google\.(?:common|android)|org\.(?:springframework|hibernate|apache\.(?:tomcat|catalina|coyote|jasper|tools)|junit|eclipse\.jetty|gradle)"
    r"|System|Microsoft|asyncio|concurrent|threading|importlib|_frozen_importlib\w*)(?:[.:/$]|$)"
    r"|^(?:core|std|alloc)::|^(?:runtime|reflect|syscall|net/http)$"
)
_COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"})
_SYNTHETIC = re.compile(r"access\$\d+|\$deserializeLambda\$")
_LONG_COLUMN = 250  # a person's line ends before; a minified one is the whole file


class Frame(NamedTuple):
    """A cleaned frame: what is hashed, and the raw frame it came from."""

    module: str
    function: str
    raw: Mapping[str, Any]

    @property
    def identity(self) -> str:
        """`module: function`, as shown to a developer."""
        return f"{self.module}: {self.function}" if self.module else self.function


def of_stack(stacktrace: Any) -> list[Mapping[str, Any]]:
    """The frames of a stack trace, oldest first, crash last; at most FRAMES_MAX, those nearest to the crash."""
    frames = mapping(stacktrace).get("frames")
    if not isinstance(frames, list):
        return []
    return [frame for frame in frames[-FRAMES_MAX:] if isinstance(frame, dict)]


def in_app(frames: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The application's own frames, oldest first.

    The client's flag is believed where it tells frames apart. Where it is missing or the same for all, paths and packages decide;
    where these find nothing of the application, the flag stands.
    """
    flagged = [frame for frame in frames if frame.get("in_app") is True]
    if flagged and len(flagged) < len(frames):
        return flagged
    guessed = [frame for frame in frames if not _is_library(frame)]
    return guessed or flagged


def _is_library(frame: Mapping[str, Any]) -> bool:
    path = text(frame.get("abs_path")) or text(frame.get("filename"))
    return _library(path, text(frame.get("module")), text(frame.get("package")))


@lru_cache(maxsize=names.CACHE_NAMES_MAX)
def _library(path: str, module: str, package: str) -> bool:
    if _LIBRARY_PATH.search(path) or _LIBRARY_MODULE.match(module):
        return True
    return package.startswith(("/usr/lib", "/lib", "/System/Library"))


def clean(frame: Mapping[str, Any], *, minified: bool = False) -> Frame:
    """A frame as it is hashed: no path prefix, line, address, hash or generated name."""
    function = text(frame.get("function"))
    filename = text(frame.get("filename")) or text(frame.get("abs_path")) or names.binary(text(frame.get("package")))
    cleaned = names.clean_minified(function) if minified else names.clean_function(function)
    return Frame(names.clean_module(text(frame.get("module")), filename), cleaned, frame)


def is_noise(frame: Mapping[str, Any], caller: Mapping[str, Any] | None) -> bool:
    """Whether a frame is the compiler's: a bridge method; a comprehension inside its function (no frame since Python 3.12)."""
    function = text(frame.get("function"))
    if function in _COMPREHENSIONS:
        return (
            caller is not None and caller.get("module") == frame.get("module") and caller.get("filename") == frame.get("filename")
        )
    return "$" in function and _SYNTHETIC.fullmatch(function) is not None


def is_minified(frames: Sequence[Mapping[str, Any]]) -> bool:
    """Whether most of the nearest application frames come from a minified script without a source map."""
    near = frames[-8:]
    hits = sum(_is_minified(frame) for frame in near)
    return hits * 2 > len(near)


def _is_minified(frame: Mapping[str, Any]) -> bool:
    column = frame.get("colno")
    if not isinstance(column, int):
        return False
    return column >= _LONG_COLUMN or names.looks_minified(text(frame.get("function")))


def is_script(frame: Mapping[str, Any]) -> bool:
    """Whether a frame is JavaScript, where one bundle holds everything and a module says little."""
    return names.is_script(text(frame.get("filename")) or text(frame.get("abs_path")))


def source_line(frame: Mapping[str, Any]) -> str:
    """The source line of a frame, stripped; empty where it is not known."""
    return text(frame.get("context_line"), LINE_CHARS_MAX).strip()
