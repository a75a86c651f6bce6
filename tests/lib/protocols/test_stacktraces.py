"""Raw stack traces: each language's text gives the exceptions and frames that its SDK would have sent."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.protocols import stacktraces

JAVA = """\
2026-11-24 10:00:00 ERROR request failed
Exception in thread "main" java.lang.IllegalStateException: cart
is broken
\tat com.acme.Shop.total(Shop.java:12)
\tat com.acme.Shop$Cart.<init>(Shop.java)
\tat java.base/java.lang.Thread.run(Thread.java:829)
\tat app//com.acme.Main.lambda$main$0(Unknown Source)
\tSuppressed: java.io.IOException: close
\t\tat com.acme.Res.close(Res.java:5)
\t\t... 2 more
\t\tCaused by: java.lang.Error: deep
\t\t\tat com.acme.Deep.run(Deep.kt:1)
\t\t\t... 3 more
Caused by: java.lang.NullPointerException
\tat com.acme.Db.load(Db.scala:7) ~[classes/:1.2]
\tat sun.reflect.NativeMethodAccessorImpl.invoke0(Native Method)
\t... 2 more
"""
V8 = """\
/srv/shop/cart.js:10
    throw new TypeError('x')
    ^

TypeError [ERR_CART]: Cannot read: x
second line
    at Cart.total (/srv/shop/cart.js:10:20)
    at async Promise.all (index 0)
    at Object.<anonymous> (file:///srv/shop/main.mjs:3:4)
    at new Shop (webpack-internal:///./src/shop.js:1:1)
    at Array.forEach (<anonymous>)
    at /srv/shop/plain.js:3:5
    at node:internal/process/task_queues:95:5
    at async Route.next [as handle] (/srv/node_modules/express/route.js:1:2)
    at eval (eval at <anonymous> (https://shop.example/a.js:1:1), <anonymous>:1:1) {
  code: 'ERR_CART',
  [cause]: Error: inner
      at query (C:\\shop\\db.js:1:2)
      ... 7 lines matching cause stack trace ...
      at load (/srv/shop/db.js:3:2)
}

Node.js v20.20.2
"""
FIREFOX = """\
total@https://shop.example/static/app.1a2b.js:12:34
load/<@https://shop.example/static/app.js:1:2
async*main@https://shop.example/x.js:3:4
@https://shop.example/x.js:9:4
map@[native code]
global code@https://shop.example/x.js:9
"""
GO_PANIC = """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
panic({0x46a, 0x1})
\t/usr/local/go/src/runtime/panic.go:884 +0x212
github.com/acme/shop.(*Cart).Total(0xc00, {0x1, 0x2})
\t/srv/shop/cart.go:12 +0x1d
net/http.(*ServeMux).ServeHTTP(0x1, {0x7, 0x1}, 0x2)
\t/opt/sdk/src/net/http/server.go:33 +0x2
main.main.func1()
\t/srv/main.go:5
created by main.main in goroutine 1
\t/srv/main.go:33 +0x2

goroutine 2 [chan receive]:
main.idle()
\t/srv/idle.go:1 +0x1
exit status 2
"""
GO_ERRORS = """\
no such row
github.com/acme/shop.load
\t/srv/shop/load.go:9
runtime.main
\t/usr/local/go/src/runtime/proc.go:250
cart: no such row
main.main
\t/srv/main.go:3
"""
RUBY = """\
/app/cart.rb:12:in `total': undefined method `x' for nil:NilClass (NoMethodError)
\tfrom /app/cart.rb:20:in `block in load'
\tfrom /usr/lib/ruby/gems/3.1/gems/rack/x.rb:3:in `call'
\tfrom /app/main.rb:3:in `<main>'
/app/db.rb:1:in `query': inner (Acme::DbError)
\tfrom /app/cart.rb:11:in `total'
"""
RUBY_34 = """\
cart.rb:12:in 'Shop::Cart#total': bad (ArgumentError)
\tfrom cart.rb:20:in 'block in Shop::Cart.load'
\tfrom cart.rb:3:in '<main>'
"""
RAILS = """\
NoMethodError (undefined method `x' for nil:NilClass):

app/controllers/carts_controller.rb:5:in `index'
vendor/bundle/ruby/3.1.0/gems/rack/x.rb:6:in `call'
"""
RUBY_27 = """\
Traceback (most recent call last):
\t1: from a.rb:5:in `<main>'
a.rb:2:in `total': boom (RuntimeError)
"""
PHP = """\
PHP Fatal error:  Uncaught App\\DbError: bad in /srv/app/Db.php:7
Stack trace:
#0 /srv/app/Cart.php(12): App\\Db->load('x', Array)
#1 [internal function]: App\\Cart::total()
#2 /srv/vendor/x/y.php(4): call_user_func(Array)
#3 {main}

Next RuntimeException: cart
is broken in /srv/app/Cart.php:13
Stack trace:
#0 /srv/index.php(3): App\\Cart->run()
#1 {main}
  thrown in /srv/app/Cart.php on line 13
"""
PHP_TRACE = "#0 /srv/app/Cart.php(12): App\\Db->load('x', Array)\n#1 {main}"
MONOLOG = """\
[2026-11-24 10:00:00] local.ERROR: outer {"exception":"[object] (RuntimeException(code: 0): outer at /srv/a.php:3)
[stacktrace]
#0 /srv/index.php(3): App\\Cart->run()
#1 {main}

[previous exception] [object] (App\\DbError(code: 7): inner at /srv/b.php:9)
[stacktrace]
#0 /srv/a.php(2): App\\Db->load()
#1 {main}
"} """
SYNTAX_ERROR = """\
Traceback (most recent call last):
  File "/srv/main.py", line 1, in <module>
    import cart
  File "/srv/cart.py", line 3
    x = = 1
        ^
SyntaxError: invalid syntax
"""
NAMED = """\
INFO started
Traceback (most recent call last):
  File "/srv/venv/lib/python3.12/site-packages/requests/api.py", line 59, in get
    return request("get", url)
           ~~~~~~~^^^^^^^^^^^^
  [Previous line repeated 996 more times]
requests.exceptions.HTTPError: 500 Server Error

"""

# (text, language, [(type, module, value, ["function filename:line" oldest first, "*" marks in-app ones])] oldest first)
CASES: dict[str, tuple[str, str, list[tuple[str | None, str | None, str | None, list[str]]]]] = {
    "java": (
        JAVA,
        "java",
        [
            (
                *("NullPointerException", "java.lang", None),
                [
                    "*com.acme.Main.lambda$main$0",
                    "java.lang.Thread.run Thread.java:829",
                    "sun.reflect.NativeMethodAccessorImpl.invoke0",
                    "*com.acme.Db.load Db.scala:7",
                ],
            ),
            (
                *("Error", "java.lang", "deep"),
                [
                    "*com.acme.Main.lambda$main$0",
                    "java.lang.Thread.run Thread.java:829",
                    "*com.acme.Res.close Res.java:5",
                    "*com.acme.Deep.run Deep.kt:1",
                ],
            ),
            (
                *("IOException", "java.io", "close"),
                ["*com.acme.Main.lambda$main$0", "java.lang.Thread.run Thread.java:829", "*com.acme.Res.close Res.java:5"],
            ),
            (
                *("IllegalStateException", "java.lang", "cart\nis broken"),
                [
                    "*com.acme.Main.lambda$main$0",
                    "java.lang.Thread.run Thread.java:829",
                    "*com.acme.Shop$Cart.<init> Shop.java",
                    "*com.acme.Shop.total Shop.java:12",
                ],
            ),
        ],
    ),
    "v8": (
        V8,
        "javascript",
        [
            ("Error", None, "inner", ["*load /srv/shop/db.js:3", "*query C:\\shop\\db.js:1"]),
            (
                *("TypeError", None, "Cannot read: x\nsecond line"),
                [
                    "eval <anonymous>:1",
                    "Route.next /srv/node_modules/express/route.js:1",
                    "node:internal/process/task_queues:95",
                    "*/srv/shop/plain.js:3",
                    "Array.forEach <anonymous>",
                    "*Shop webpack-internal:///./src/shop.js:1",
                    "*Object.<anonymous> /srv/shop/main.mjs:3",
                    "Promise.all",
                    "*Cart.total /srv/shop/cart.js:10",
                ],
            ),
        ],
    ),
    "firefox and safari": (
        FIREFOX,
        "javascript",
        [
            (
                *(None, None, None),
                [
                    "*global code https://shop.example/x.js:9",
                    "map [native code]",
                    "*https://shop.example/x.js:9",
                    "*main https://shop.example/x.js:3",
                    "*load https://shop.example/static/app.js:1",
                    "*total https://shop.example/static/app.1a2b.js:12",
                ],
            )
        ],
    ),
    "go panic": (
        GO_PANIC,
        "go",
        [
            (
                *("panic", None, "runtime error: index out of range [5] with length 3"),
                [
                    "*main.main /srv/main.go:33",
                    "*main.main.func1 /srv/main.go:5",
                    "net/http.(*ServeMux).ServeHTTP /opt/sdk/src/net/http/server.go:33",
                    "*github.com/acme/shop.(*Cart).Total /srv/shop/cart.go:12",
                    "panic /usr/local/go/src/runtime/panic.go:884",
                ],
            )
        ],
    ),
    "go errors": (
        GO_ERRORS,
        "go",
        [
            (
                *(None, None, "no such row"),
                ["runtime.main /usr/local/go/src/runtime/proc.go:250", "*github.com/acme/shop.load /srv/shop/load.go:9"],
            ),
            (None, None, "cart: no such row", ["*main.main /srv/main.go:3"]),
        ],
    ),
    "ruby": (
        RUBY,
        "ruby",
        [
            ("Acme::DbError", None, "inner", ["*total /app/cart.rb:11", "*query /app/db.rb:1"]),
            (
                *("NoMethodError", None, "undefined method `x' for nil:NilClass"),
                [
                    "*<main> /app/main.rb:3",
                    "call /usr/lib/ruby/gems/3.1/gems/rack/x.rb:3",
                    "*block in load /app/cart.rb:20",
                    "*total /app/cart.rb:12",
                ],
            ),
        ],
    ),
    "ruby 3.4": (
        RUBY_34,
        "ruby",
        [
            (
                "ArgumentError",
                None,
                "bad",
                ["*<main> cart.rb:3", "*Shop::Cart.block in load cart.rb:20", "*Shop::Cart.total cart.rb:12"],
            )
        ],
    ),
    "rails": (
        RAILS,
        "ruby",
        [
            (
                *("NoMethodError", None, "undefined method `x' for nil:NilClass"),
                ["call vendor/bundle/ruby/3.1.0/gems/rack/x.rb:6", "*index app/controllers/carts_controller.rb:5"],
            )
        ],
    ),
    "ruby 2.7, most recent call last": (RUBY_27, "ruby", [("RuntimeError", None, "boom", ["*<main> a.rb:5", "*total a.rb:2"])]),
    "php": (
        PHP,
        "php",
        [
            (
                *("App\\DbError", None, "bad"),
                [
                    "{main} /srv/vendor/x/y.php:4",
                    "call_user_func [internal function]",
                    "*App\\Cart::total /srv/app/Cart.php:12",
                    "*App\\Db::load /srv/app/Db.php:7",
                ],
            ),
            ("RuntimeException", None, "cart\nis broken", ["*{main} /srv/index.php:3", "*App\\Cart::run /srv/app/Cart.php:13"]),
        ],
    ),
    "php, only a trace": (PHP_TRACE, "php", [(None, None, None, ["*{main} /srv/app/Cart.php:12", "*App\\Db::load"])]),
    "monolog": (
        MONOLOG,
        "php",
        [
            ("App\\DbError", None, "inner", ["*{main} /srv/a.php:2", "*App\\Db::load /srv/b.php:9"]),
            ("RuntimeException", None, "outer", ["*{main} /srv/index.php:3", "*App\\Cart::run /srv/a.php:3"]),
        ],
    ),
    "python syntax error": (
        SYNTAX_ERROR,
        "python",
        [("SyntaxError", None, "invalid syntax", ["*<module> /srv/main.py:1", "*/srv/cart.py:3"])],
    ),
    "python library": (
        NAMED,
        "python",
        [
            (
                *("HTTPError", "requests.exceptions", "500 Server Error"),
                ["get /srv/venv/lib/python3.12/site-packages/requests/api.py:59"],
            )
        ],
    ),
}


def summary(exception: dict[str, Any]) -> tuple[str | None, str | None, str | None, list[str]]:
    frames = []
    for frame in exception.get("stacktrace", {}).get("frames", []):
        name = ".".join(filter(None, [frame.get("module"), frame.get("function")]))
        place = ":".join(str(frame[key]) for key in ("filename", "lineno") if key in frame)
        frames.append("*" * frame["in_app"] + " ".join(filter(None, [name, place])))
    return exception.get("type"), exception.get("module"), exception.get("value"), frames


@pytest.mark.parametrize("name", CASES)
def test_a_language_s_text_gives_its_exceptions_and_frames(name: str) -> None:
    text, language, expected = CASES[name]
    parsed = stacktraces.parse(text)
    assert parsed
    assert parsed.language == language
    assert [summary(exception) for exception in parsed.exceptions] == expected


@pytest.mark.parametrize("name", CASES)
def test_windows_line_ends_and_terminal_colours_change_nothing(name: str) -> None:
    text = CASES[name][0]
    coloured = text.replace("\n", "\r\n").replace("Error", "\x1b[1;31mError\x1b[0m")
    assert stacktraces.parse(coloured) == stacktraces.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "just a message",
        "Error: nothing below",
        "at 10:30:15",
        "user@example.com: 12",
        "12:30:00 in `x'",
        "Traceback (most recent call last):",
    ],
)
def test_text_without_a_frame_is_not_a_stack_trace(text: str) -> None:
    assert stacktraces.parse(text) is None


def test_the_platform_decides_between_languages_that_both_fit() -> None:
    both = V8 + "".join(f'  File "x.py", line {line}, in f\n' for line in range(30))
    parsed = [stacktraces.parse(both), stacktraces.parse(both, "node"), stacktraces.parse(V8, "ruby")]  # a wrong one does no harm
    assert [one and one.language for one in parsed] == ["python", "javascript", "javascript"]


def key() -> None:
    raise KeyError("cart")


def caused() -> None:
    try:
        key()
    except KeyError as error:
        raise ValueError("two\nlines") from error


def during() -> None:
    try:
        key()
    except KeyError:
        raise RuntimeError("while handling")  # noqa: B904 - the implicit context is what is tested


def members() -> None:
    errors: list[Exception] = []
    for function in (caused, key):
        try:
            function()
        except Exception as error:  # noqa: BLE001 - whatever they raise
            errors.append(error)
    raise ExceptionGroup("many", [*errors, ExceptionGroup("inner", [TypeError("deep")])])


def group_as_cause() -> None:
    try:
        members()
    except ExceptionGroup as error:
        raise RuntimeError("after") from error


def expected(error: BaseException, source: str = "") -> list[tuple[str, str, str, list[tuple[str, int | None]]]]:
    """(source, type, value, frames) of an exception and all inside it, in the order of SDKs before it is turned round."""
    frames = [(frame.name, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    found = [(source, type(error).__name__, str(error), frames)]
    if error.__cause__:
        found += expected(error.__cause__, "__cause__")
    elif error.__context__ and not error.__suppress_context__:
        found += expected(error.__context__, "__context__")
    if isinstance(error, BaseExceptionGroup):
        for index, member in enumerate(error.exceptions):
            found += expected(member, f"exceptions[{index}]")
    return found


@pytest.mark.parametrize("function", [key, caused, during, members, group_as_cause])
def test_this_python_s_own_tracebacks_are_read_back(function: Callable[[], None]) -> None:
    try:
        function()
    except Exception as error:  # noqa: BLE001 - whatever it raises
        raised, text = error, traceback.format_exc()
    parsed = stacktraces.parse("some log line\n" + text)
    assert parsed
    found = [
        (
            exception.get("mechanism", {}).get("source", ""),
            exception["type"],
            exception["value"],
            [(frame["function"], frame["lineno"]) for frame in exception.get("stacktrace", {}).get("frames", [])],
        )
        for exception in reversed(parsed.exceptions)
    ]
    wanted = [
        (source, kind, value if kind != "KeyError" else "'cart'", frames) for source, kind, value, frames in expected(raised)
    ]
    plain = [(source, kind, value.partition(" (")[0], frames) for source, kind, value, frames in found]
    assert plain == [(source, kind, value.partition(" (")[0], frames) for source, kind, value, frames in wanted]


def test_mechanisms_tell_who_belongs_to_whom() -> None:
    parsed = stacktraces.parse(JAVA)
    assert parsed
    mechanisms = [exception["mechanism"] for exception in parsed.exceptions]
    assert [(one["exception_id"], one.get("parent_id"), one["type"], one.get("source")) for one in mechanisms] == [
        (3, 0, "chained", "cause"),
        (2, 1, "chained", "cause"),
        (1, 0, "suppressed", "suppressed[0]"),
        (0, None, "generic", None),
    ]


texts = st.sampled_from([case[0] for case in CASES.values()])
pieces = st.lists(st.one_of(texts.flatmap(lambda text: st.sampled_from(text.split("\n"))), st.text(max_size=20)), max_size=30)


@given(pieces.map("\n".join))
def test_mixed_and_broken_traces_never_raise(text: str) -> None:
    parsed = stacktraces.parse(text)
    if parsed:
        assert all(
            isinstance(frame["in_app"], bool)
            for one in parsed.exceptions
            for frame in one.get("stacktrace", {}).get("frames", [])
        )


@pytest.mark.parametrize(
    "line",
    [
        *(
            "    at (((((((((((((((((",
            "at " * 800,
            "@" * 2_000,
            ":1" * 900,
            "a.b" * 700 + "(",
            "\tat " + "a." * 900 + "b(c",
            "\t... 999999 more",
        ),
        *(
            '  File "' + '"' * 900,
            "+-" * 900,
            "  | " * 500,
            "#0 " + "(" * 900,
            "x:1:in `" * 200,
            "Caused by: " * 180,
            "from " * 400,
            "\t/x.go:1",
        ),
        *(
            '  File "x", line 1, in f\nValueError: x\n\nDuring handling of the above exception, another exception occurred:\n',
            "Caused by: a.B: c\n\tat a.b(C.java:1)",
        ),
        *(
            "x.rb:1:in `a': b (C)",
            "goroutine 1 [running]:",
            "f\n\t/x.go:1",
            "[cause]: Error: x\n    at f (/a.js:1:1)",
            "Next X: y in /a:1\n#0 /a(1): b()",
        ),
    ],
)
def test_a_hostile_text_of_a_megabyte_is_read_in_less_than_a_second(line: str) -> None:
    text = (
        'Traceback (most recent call last):\nat a.b(C.java:1)\n#0 a(1): b()\nx.rb:1:in `a\'\n  File "x", line 1, in f\n'
        + f"{line}\n" * (1_000_000 // len(line))
    )
    started = time.process_time()
    stacktraces.parse(text)
    assert time.process_time() - started < 5.0  # a busy or slower machine takes three times as long; what is quadratic, minutes
