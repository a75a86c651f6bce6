"""Names of functions, modules and files without what changes from build to build: addresses, hashes, generated classes, lambdas.

Every pattern runs over at most NAME_CHARS_MAX characters, repeats single character classes only, and its result is cached,
because the same frames come again and again.
"""

import itertools
import re
from functools import lru_cache

CACHE_NAMES_MAX = 16_384
ANONYMOUS = "?"
TYPE_ARGUMENTS_DEEP = 4  # as in Map<String, List<Order>>; deeper ones are rare and stay

_ANONYMOUS_NAMES = frozenset(
    {
        "",
        "?",
        "<anonymous>",
        "(anonymous)",
        "anonymous",
        "anonymous function",
        "<lambda>",
        "<fn>",
        "<unknown>",
        "{closure}",
        "eval",
    }
)
# A wrapper's inner function says nothing about which function it wraps.
_GENERIC_NAMES = frozenset(
    {"inner", "wrapper", "wrapped", "decorated", "decorator", "callback", "closure", "__call__", "main.func"}
)

# What compilers, proxies and engines add to a function's name, per origin. Applied in order.
_FUNCTION_NOISE: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r" \[as [^\]]*\]"), ""),  # V8: Foo.bar [as baz]
    (re.compile(r"^(?:async |new |get |set |static |bound )+"), ""),  # V8, Safari
    (re.compile(r"^.*/<$"), ANONYMOUS),  # Firefox: an anonymous function in another one
    (
        re.compile(
            r"^(?:(?:implicit )?closure #\d+ in |partial apply for |specialized |\(\d+\) \w+ resume partial function for )+"
        ),
        "",
    ),
    (re.compile(r"^[a-z ]*specialization <[^>]*> of "), ""),  # Swift
    (re.compile(r"\)(?: async| throws| rethrows)* -> .*$"), ")"),  # Swift
    (re.compile(r"^__\d+(?=[-+]\[)|_block_invoke[\d._]*$"), ""),  # Objective-C
    (re.compile(r"^anonymous fn/\d+ in "), ""),  # Elixir
    (re.compile(r"^-(.+)-(?:fun|lc|lbc)-\d+-$"), r"\1"),  # Erlang
    (re.compile(r"^(?:(?:block|rescue|ensure|else)(?: \(\d+ levels\))? in )+"), ""),  # Ruby
    (re.compile(r"^(?:[A-Z]\w*+::)*+[A-Z]\w*+#(?=\w)"), ""),  # Ruby since 3.4 names the class
    (re.compile(r"(?<=_erb|haml|slim|lder)_{2,}+\d+_\d+$"), ""),  # Rails' compiled views
    (re.compile(r"^lambda\$(\w+)\$\d+$"), r"\1"),  # javac
    (re.compile(r"\$adapted$"), ""),  # scalac
    (re.compile(r"^\$anonfun\$(\w*[^\W\d])\$\d+$"), r"\1"),  # scalac
    (re.compile(r"<(\w+)>[bd]__\d+(?:_\d+)?(?:\.MoveNext)?"), r"\1"),  # Roslyn: lambdas, async state machines
    (re.compile(r"<\w*>g__(\w+)\|\d+(?:_\d+)?"), r"\1"),  # Roslyn: local functions
    (re.compile(r"<>c(?:__DisplayClass\d+_\d+)?\.?"), ""),
    (re.compile(r"`\d+"), ""),  # .NET arity
    (re.compile(r"::h[0-9a-f]{16}$"), ""),  # rustc
    (re.compile(r"\{closure:(.*)\(\):\d+\}"), r"\1"),  # PHP since 8.4
    (re.compile(r"(?:::)?(?:(?<![\w\\])[\w\\]*+(?<=\\))?\{\{?closure[^}]*\}?\}(?:::)?"), ""),  # rustc, PHP
    (re.compile(r"\.(?:func|gowrap|deferwrap)\d+(?:\.\d+)*(?=\.|$)|-fm$"), ""),  # Go
    (re.compile(r"\[(?:\.\.\.|go\.shape\..*)\]"), ""),  # Go generics
    (re.compile(r"(class@anonymous).*"), r"\1"),  # PHP
    (re.compile(r"\.<locals>"), ""),  # Python's __qualname__
    (re.compile(r"\.constprop\.\d+$|\.isra\.\d+$|\.part\.\d+$|\.cold(?:\.\d+)?$"), ""),  # gcc
    (re.compile(r"[@+ ]?0x[0-9a-fA-F]+"), ""),
)
_JS_RECEIVER = re.compile(r"^(?:(?:Object|Function|Module|module|exports\d*|window|self|global|globalThis|_?this)\.)+(?=.)")
_TYPE_ARGUMENTS = re.compile(r"(?<=\w)(?:::)?<(?!impl )[^<>]*>")
_TYPE = re.compile(r"[\w.:,\[\]?*&]++")
_ARGUMENTS = re.compile(r"\([^()]*\)(?: const)?$")
_MANGLED = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$]?(?=[.(\[])|^[A-Za-z_$][\w$]?(?= is )|(?<=variable: )[A-Za-z_$][\w$]?$")
_JAVA_GENERATED = re.compile(
    r"\$\$(?:Lambda|EnhancerBy|FastClassBy|SpringCGLIB|_).*|\$(?:HibernateProxy|ByteBuddy|MockitoMock)\$.*|(?<=Proxy)\d+|(?<=Accessor)\d+|(?<=_closure)\d+|(?:\$\d+)+(?=\$|$)"
)
# Roslyn's classes for lambdas and async methods; .NET's type arguments with the versions of their assemblies.
_DOTNET_GENERATED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\+<>c(?:__DisplayClass[\d_]+)?"), ""),
    (re.compile(r"\+<(\w*)>[a-z]__[\d_]+"), r"+\1"),
    (re.compile(r"`\d+(?:\[\[.*\]\])?"), ""),
)
_SCRIPT_EXTENSIONS = (".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte", ".bundle", ".jsbundle")
_LIBRARY_VERSION = re.compile(r"(?<=\.so)[\d.]+$")
_GENERATED_FILE = re.compile(r"(?<![^/])[0-9a-f]{20,64}(?=\.\w+$)")  # compiled templates
_BASE64_HASH = re.compile(r"[.-]([\w-]{8})(?=\.[cm]?js$)")  # Rollup's, Vite's
_BUILD_WORDS = frozenset({"bundle", "chunk", "min"})
_VERSION_FOLDER = re.compile(r"v?\d[\d.\-_]*|[0-9a-fA-F]{7,64}|[0-9a-fA-F-]{36}|releases?|current|deploy(?:s|ments)?|builds?")


@lru_cache(maxsize=CACHE_NAMES_MAX)
def clean_function(name: str) -> str:
    """A function's name as its author wrote it; `?` where it has none.

    `block (2 levels) in load` → `load`; `exports.show` → `show`; `lambda$run$0` → `run`;
    `foo::{{closure}}::h0123456789abcdef` → `foo`.
    """
    cleaned = name.strip()
    if cleaned in _ANONYMOUS_NAMES:
        return ANONYMOUS
    if cleaned.isidentifier() and "$" not in cleaned and not cleaned.startswith("_"):
        return cleaned
    for pattern, replacement in _FUNCTION_NOISE:
        cleaned = pattern.sub(replacement, cleaned)
    cleaned = _JS_RECEIVER.sub("", cleaned)
    for _ in range(TYPE_ARGUMENTS_DEEP if "<" in cleaned else 0):
        cleaned = _TYPE_ARGUMENTS.sub("", cleaned)
    if cleaned.endswith((")", ") const")) and not cleaned.startswith("("):
        cleaned = _without_return_type(_ARGUMENTS.sub("", cleaned))
    cleaned = cleaned.strip(" .:")
    return ANONYMOUS if cleaned in _ANONYMOUS_NAMES else cleaned


def _without_return_type(name: str) -> str:
    """`async Task Orders.Get` → `Orders.Get`: what stands before a name are types and modifiers."""
    *types, last = name.split(" ")
    is_operator = types and types[-1].endswith("operator")  # C++: operator bool
    return last if not is_operator and all(map(_TYPE.fullmatch, types)) else name


def is_generic(function: str) -> bool:
    """Whether a cleaned name cannot tell one function from another."""
    return function == ANONYMOUS or function.endswith((".?", ".<anonymous>")) or base_name(function) in _GENERIC_NAMES


@lru_cache(maxsize=CACHE_NAMES_MAX)
def base_name(function: str) -> str:
    """The last part of a dotted, `::` or `#` name: what stands in the caller's source line."""
    return re.split(r"[.#:]", function)[-1]


@lru_cache(maxsize=CACHE_NAMES_MAX)
def clean_minified(function: str) -> str:
    """A minified function's name with the names a minifier chose replaced: properties survive minification, variables do not.

    `h.show` → `?.show`; `w` → `?`; `Timeout._onTimeout` stays.
    """
    receiver, dot, prop = clean_function(function).rpartition(".")
    if not dot:
        return ANONYMOUS if len(prop) <= 3 else prop
    return prop if len(receiver) <= 3 else f"{receiver}.{prop}"


def looks_minified(function: str) -> bool:
    """Whether the name or its receiver has the length minifiers give."""
    head = function.partition(".")[0]
    return 0 < len(head) <= 2 and head != ANONYMOUS


def mask_mangled(message: str) -> str:
    """A message with variable names of one or two characters replaced: `r.before is not a function` → `?.before is …`."""
    return _MANGLED.sub(ANONYMOUS, message)


@lru_cache(maxsize=CACHE_NAMES_MAX)
def clean_class(name: str) -> str:
    """A class or exception name without generated suffixes: `Foo$1` → `Foo`, `Foo$$EnhancerBySpringCGLIB$$ab12` → `Foo`."""
    if "+<" in name or "`" in name:
        for pattern, replacement in _DOTNET_GENERATED:
            name = pattern.sub(replacement, name)
    return _JAVA_GENERATED.sub("", name) if "$" in name or name.endswith(tuple("0123456789")) else name


@lru_cache(maxsize=CACHE_NAMES_MAX)
def clean_module(module: str, filename: str) -> str:
    """Where a function lives, the same on every host and in every build.

    The module where the SDK sends one, else the file without host, deploy folder and hash.
    """
    script = is_script(filename)
    if module and module != "__main__":
        return _script_name(module) if script else clean_class(module)
    # What was started itself: where it lies depends on who started it.
    return _file_name(filename.replace("\\", "/").rpartition("/")[2] if module else filename, script=script)


def binary(package: str) -> str:
    """The name of a program or library, without where it is installed and its version: `/usr/lib/libc.so.6` → `libc.so`."""
    return _LIBRARY_VERSION.sub("", package.replace("\\", "/").rpartition("/")[2])


def is_script(filename: str) -> bool:
    """Whether a file is JavaScript or what is compiled to it."""
    return filename.lower().partition("?")[0].endswith(_SCRIPT_EXTENSIONS)


def _file_name(filename: str, *, script: bool) -> str:
    path = filename.replace("\\", "/").partition("?")[0].partition("#")[0]
    _, scheme, rest = path.partition("://")
    absolute = bool(scheme) or path.startswith("/") or path[1:2] == ":"
    if scheme:
        path = rest.partition("/")[2]
    folders = [p for p in path.split("/") if p not in ("", ".", "..") and not _VERSION_FOLDER.fullmatch(p)]
    kept = "/".join(folders[-2:] if absolute else folders)
    kept = _GENERATED_FILE.sub(ANONYMOUS, kept)
    return _script_name(kept) if script else kept


def _script_name(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    name = _BASE64_HASH.sub(_without_hash, name)
    first, *pieces = re.split(r"([.\-_~])", name)
    kept = (s + p for s, p in zip(pieces[::2], pieces[1::2], strict=True) if not (_is_hash(p) or p in _BUILD_WORDS))
    return folder + slash + (ANONYMOUS if _is_hash(first) else first) + "".join(kept)


def _without_hash(match: re.Match[str]) -> str:
    return "" if _is_hash(match[1].replace("-", "").replace("_", "")) else match[0]


def _is_hash(piece: str) -> bool:
    """Whether a piece of a bundle's file name is a content hash or a chunk number: `3f2a1b9c`, `RLM24BZA`, `DcXyAbQe`, `421`."""
    if piece.isdigit():
        return True
    if not 6 <= len(piece) <= 64 or not piece.isalnum():
        return False
    digits = sum(c.isdigit() for c in piece)
    humps = sum(a.islower() and b.isupper() for a, b in itertools.pairwise(piece))
    shouting = piece.isupper() and len(piece) == 8  # esbuild's base32, where chance left out the digits
    return digits >= 2 or (digits == 1 and not piece.islower()) or humps >= 2 or shouting
