"""Crashes: what belongs to the bug decides, the way to it does not."""

from typing import Any

from lib.fingerprint import Fingerprint, compute, crash_frame
from tests.cases import each
from tests.lib.fingerprint.build import Payload, error, event, frame, library, script

MAIN = frame("main", "main", "dispatch(target)")
ROUTER = frame("dispatch", "shop.web", "return handler(request)")
SHOW = frame("show", "shop.orders", "total = price(order)")
PRICE = frame("price", "shop.orders", 'return order["sku"] * rate')
BUG = event(error("KeyError", "'sku'", MAIN, ROUTER, SHOW, PRICE))


def changed(**more: Any) -> Payload:
    """The crash frame of BUG with other fields."""
    return event(error("KeyError", "'sku'", MAIN, ROUTER, SHOW, PRICE | more))


SAME: dict[str, Payload] = {
    "lines moved": changed(lineno=99),
    "deployed elsewhere": changed(abs_path="/opt/releases/20240102/shop/orders.py"),
    "quotes, comment and spaces of the line": changed(context_line="    return order['sku']  *  rate  # noqa: E501"),
    "a wider line": changed(context_line="return (", post_context=['    order["sku"] * rate', ")"]),
    "other variables": changed(vars={"rate": "3"}),
    "another caller": event(error("KeyError", "'sku'", frame("run", "shop.jobs", "return job(order)"), SHOW, PRICE)),
    "in a thread": event(
        error("KeyError", "'sku'", library("run", "threading"), library("work", "concurrent.futures"), ROUTER, SHOW, PRICE)
    ),
    "wrapped in another exception": event(
        error("KeyError", "'sku'", ROUTER, SHOW, PRICE),
        error("ServiceError", "request 81 failed", MAIN, frame("dispatch", "shop.web", "raise ServiceError(request) from error")),
    ),
    "another release, host and transaction": BUG
    | {"release": "2.0", "server_name": "b", "transaction": "/x", "environment": "test"},
    "a bare list of exceptions": BUG | {"exception": BUG["exception"]["values"]},
}

DIFFERENT: dict[str, Payload] = {
    "another type": event(error("TypeError", "'sku'", MAIN, ROUTER, SHOW, PRICE)),
    "the same function name in another module": event(error("KeyError", "'sku'", ROUTER, PRICE | {"module": "shop.cart"})),
    "another key on the line": event(
        error("KeyError", "'ean'", ROUTER, SHOW, PRICE | {"context_line": 'return order["ean"] * rate'})
    ),
    "another line of the function": changed(context_line='return item["sku"] * rate'),
    "another function of the module": event(error("KeyError", "'sku'", ROUTER, SHOW, PRICE | {"function": "weigh"})),
    "another direct caller": event(error("KeyError", "'sku'", ROUTER, frame("sum", "shop.orders", "price(order)"), PRICE)),
    "an error while that one was handled": event(
        error("KeyError", "'sku'", ROUTER, SHOW, PRICE),
        error("OSError", "disk full", ROUTER, frame("log", "shop.log", "file.write(text)")),
    ),
}


@each("payload", SAME.values(), ids=SAME.keys())
def test_changes_around_a_bug_leave_it_in_its_incident(payload: Payload) -> None:
    assert compute(payload).value == compute(BUG).value


@each("payload", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_another_bug_is_another_incident(payload: Payload) -> None:
    assert compute(payload).value != compute(BUG).value


def test_the_parts_say_what_was_hashed() -> None:
    found = compute(BUG)
    assert isinstance(found, Fingerprint)
    assert (found.version, found.rule) == (1, "stack")
    assert found.reason == "Same exception and the same 2 application frames at the crash"
    assert found.parts == [
        "type: KeyError",
        "frame: shop.orders: price",
        "frame: shop.orders: show",
        "names in the line: return order rate",
        "words of the message: sku",
    ]
    assert len(found.value) == 32
    assert set(found.value) <= set("0123456789abcdef")


def test_a_check_is_told_apart_by_who_called_it() -> None:
    """The same helper raises for two different bugs; only their callers differ."""
    ensure = frame("ensure", "shop.util", "raise ValidationError(message)")

    def checked(module: str, function: str, line: str) -> str:
        return compute(
            event(error("ValidationError", "bad mail: ann@example.com", ROUTER, frame(function, module, line), ensure))
        ).value

    signup = checked("shop.signup", "submit", 'ensure("@" in mail, "bad mail: " + mail)')
    assert signup != checked("shop.shipping", "notify", 'ensure("@" in to, "bad mail: " + to)')
    assert signup == checked("shop.signup", "submit", "ensure('@' in mail, 'bad mail: ' + mail)  # checked")


def test_data_in_the_message_of_a_crash_does_not_split_it() -> None:
    def timed_out(value: str) -> str:
        return compute(
            event(
                error("TimeoutError", value, frame("fetch", "shop.geo", 'raise TimeoutError(f"no answer of {host} in {ms}ms")'))
            )
        ).value

    assert timed_out("no answer of 10.0.0.1 in 20ms") == timed_out("no answer of geo.example.com in 900ms")
    assert timed_out("no answer of 10.0.0.1 in 20ms") != timed_out("lost 10.0.0.1 after 20ms")


@each("comprehension", ["<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"])
def test_a_comprehension_belongs_to_its_function(comprehension: str) -> None:
    """Python 3.12 inlined them: the same bug has a frame less."""
    outer = frame("table", "shop.prices", "return [row.net for row in rows]")
    older = compute(event(error("AttributeError", "no 'net'", ROUTER, outer, outer | {"function": comprehension})))
    assert older.value == compute(event(error("AttributeError", "no 'net'", ROUTER, outer))).value


def test_lambdas_of_two_functions_are_told_apart() -> None:
    def failing(function: str) -> str:
        inside = frame("<lambda>", "shop.sort", "key=lambda row: row.rank")
        return compute(event(error("AttributeError", "x", frame(function, "shop.sort", "rows.sort(key=rank)"), inside))).value

    assert failing("by_rank") != failing("by_price")


def test_an_endless_recursion_is_one_incident_wherever_it_strikes() -> None:
    walk, expand = frame("walk", "shop.tree", "expand(node)"), frame("expand", "shop.tree", "walk(child)")
    one = compute(event(error("RecursionError", "maximum recursion depth exceeded", *[walk, expand] * 30)))
    other = compute(
        event(error("RecursionError", "maximum recursion depth exceeded", *[expand, walk] * 25, frame("hash", "shop.tree", "x")))
    )
    assert one.value == other.value
    assert one.parts == ["type: RecursionError", "frame: shop.tree: expand", "frame: shop.tree: walk"]
    third = event(error("RecursionError", "maximum recursion depth exceeded", *[frame("build", "shop.menu", "build(item)")] * 30))
    assert compute(third).value != one.value


def test_without_source_lines_an_error_of_the_runtime_belongs_to_its_frame() -> None:
    def thrown(kind: str, caller: str) -> str:
        crash = {"module": "com.example.Range", "function": "of", "filename": "Range.java", "in_app": True}
        above = {"module": f"com.example.{caller}", "function": "draw", "filename": f"{caller}.java", "in_app": True}
        entry = {"module": "com.example.Web", "function": "get", "filename": "Web.java", "in_app": True}
        server = {"module": "org.apache.catalina.Valve", "function": "invoke", "in_app": False}
        return compute(event(error(kind, "", server, entry, above, crash), platform="java")).value

    assert thrown("NullPointerException", "Axis") == thrown("NullPointerException", "Chart")
    # An argument refused is the caller's fault.
    assert thrown("IllegalArgumentException", "Axis") != thrown("IllegalArgumentException", "Chart")


def test_generated_classes_and_bridges_do_not_split() -> None:
    def called(module: str, function: str) -> str:
        crash = {"module": module, "function": function, "filename": "Cart.java", "in_app": True}
        bridge = {"module": "com.example.Cart", "function": "access$000", "filename": "Cart.java", "in_app": True}
        return compute(
            event(error("IllegalStateException", "x", library("invoke", "java.lang.reflect"), bridge, crash), platform="java")
        ).value

    assert called("com.example.Cart$1", "lambda$total$0") == called("com.example.Cart", "total")
    assert called("com.example.Cart$$Lambda$14/0x00", "total") == called("com.example.Cart", "total")


def test_a_bundle_hash_does_not_split() -> None:
    def bundled(filename: str, clash: str) -> str:
        shown = script("show", filename, 40, 4, f"return render(ctx{clash});")
        crash = script("render", filename, 52, 10, f"return ctx{clash}.user.name;")
        return compute(
            event(error("TypeError", "Cannot read properties of undefined (reading 'name')", shown, crash), platform="javascript")
        ).value

    assert bundled("https://a.example.com/main-RLM24BZA.js", "") == bundled("https://b.example.com/main-3f2a1b9c.js?v=2", "2")


def minified(
    *frames: tuple[str, int], value: str = "Cannot read properties of undefined (reading 'id')", file: str = "main.3f2a1b9c.js"
) -> str:
    built = [script(name, f"https://cdn.example.com/{file}", 1, column) for name, column in frames]
    found = compute(event(error("TypeError", value, *built), platform="javascript"))
    assert found.rule == "minified_stack"
    return found.value


def test_a_minified_crash_is_told_by_properties_and_its_message() -> None:
    one = minified(("v", 2_300), ("c.dispatch", 1_221), ("h.show", 5_613), ("w", 5_575))
    assert one == minified(("x", 3_300), ("s.dispatch", 1_359), ("f.show", 7_613), ("bA", 7_575), file="main.DcXyAbQe.js")
    assert one != minified(("v", 2_300), ("c.dispatch", 1_221), ("h.page", 5_613), ("w", 5_575))
    assert one != minified(("v", 2_300), ("c.dispatch", 1_221), ("h.show", 5_613), ("w", 5_575), value="r.map is not a function")


def test_a_minified_recursion_is_told_by_how_many_functions_it_has() -> None:
    overflow = "Maximum call stack size exceeded"
    assert minified(*[("h", 570)] * 20, value=overflow) == minified(*[("v", 846)] * 30, value=overflow)
    assert minified(*[("h", 570)] * 20, value=overflow) != minified(*[("h", 570), ("w", 598)] * 10, value=overflow)


LIBRARIES = [
    "/usr/lib/python3.11/json/decoder.py",
    "/srv/venv/lib/python3.11/site-packages/django/core.py",
    "/srv/app/node_modules/express/router.js",
    "node:internal/modules/cjs/loader",
    "/usr/local/bundle/gems/rack-3.0/lib/rack.rb",
    "/root/go/pkg/mod/github.com/x/y@v1/z.go",
    "/usr/local/go/src/runtime/panic.go",
    "/srv/app/vendor/symfony/kernel.php",
    "<frozen importlib._bootstrap>",
]


@each("path", LIBRARIES)
@each("flag", [None, True])
def test_libraries_are_told_by_their_path_where_the_flag_does_not(path: str, flag: bool | None) -> None:
    own = {"function": "load", "filename": "shop/orders.py", "abs_path": "/srv/app/shop/orders.py", "in_app": flag}
    inside = {"function": "inside", "filename": path, "abs_path": path, "in_app": flag}
    found = compute(event(error("ValueError", "x", own, inside)))
    assert found.parts == ["type: ValueError", "frame: shop/orders.py: load"]
    shown = crash_frame(event(error("ValueError", "x", own, inside)))
    assert shown is not None
    assert shown["function"] == "load"


def test_a_flag_that_tells_frames_apart_is_believed() -> None:
    own = {"function": "load", "filename": "/srv/vendor/shop.php", "in_app": True}
    other = {"function": "run", "filename": "/srv/app/framework.php", "in_app": False}
    assert compute(event(error("E", "x", other, own))).parts[1] == "frame: vendor/shop.php: load"


def test_a_stack_of_libraries_only_still_decides() -> None:
    one = compute(event(error("OSError", "x", library("run"), library("read"))))
    assert one.rule == "stack"
    assert one.value != compute(event(error("OSError", "x", library("run"), library("write")))).value


def test_the_crashed_thread_lends_its_stack() -> None:
    threads = {
        "values": [
            {"id": 1, "stacktrace": {"frames": [frame("idle")]}},
            {"id": 2, "crashed": True, "stacktrace": {"frames": [PRICE]}},
        ]
    }
    found = compute(event(error("SIGSEGV", "x"), threads=threads))
    assert found.rule == "stack"
    assert "frame: shop.orders: price" in found.parts


def test_an_exception_without_a_stack_is_told_by_type_and_message() -> None:
    one = compute(event(error("ApiError", "order 7 not found")))
    assert one.rule == "exception_message"
    assert one.value == compute(event(error("ApiError", "order 8 not found"))).value
    assert one.value != compute(event(error("ApiError", "order 8 not paid"))).value
    assert one.value != compute(event(error("StoreError", "order 8 not found"))).value


def test_the_clients_fingerprint_wins() -> None:
    one = compute(BUG | {"fingerprint": ["payments", 3]})
    assert (one.rule, one.parts) == ("client", ["client: payments", "client: 3"])
    assert one.value == compute(event(error("E", "other"), fingerprint=["payments", "3"])).value
    assert one.value != compute(BUG | {"fingerprint": ["payments"]}).value


def test_default_in_a_clients_fingerprint_stands_for_the_computed_parts() -> None:
    assert compute(BUG | {"fingerprint": ["{{ default }}"]}) == compute(BUG)
    assert compute(BUG | {"fingerprint": ["{{default}}", "eu"]}).parts == [*compute(BUG).parts, "client: eu"]
    assert (
        compute(BUG | {"fingerprint": ["{{ default }}", "eu"]}).value
        != compute(BUG | {"fingerprint": ["{{ default }}", "us"]}).value
    )


@each("given", [[], None, "x", [""], [None, {}], {"a": 1}, 3])
def test_an_empty_or_broken_client_fingerprint_is_none(given: Any) -> None:
    assert compute(BUG | {"fingerprint": given}) == compute(BUG)


def test_a_client_cannot_forge_a_computed_fingerprint() -> None:
    assert compute(BUG | {"fingerprint": compute(BUG).parts}).value != compute(BUG).value


def test_without_exception_and_message_the_place_decides() -> None:
    one = compute({"transaction": "GET /orders/12", "platform": "python"})
    assert (one.rule, one.parts) == ("fallback", ["transaction: GET <*>"])
    assert compute({"logger": "shop"}).parts == ["logger: shop"]
    assert compute({"platform": "php"}).parts == ["platform: php"]
    assert compute({}).parts == ["empty"]


def test_the_culprit_is_the_root_causes_own_frame() -> None:
    assert crash_frame(BUG) == PRICE
    assert crash_frame(SAME["wrapped in another exception"]) == PRICE
    assert crash_frame(event(error("E", "x", PRICE, library("read")))) == PRICE
    assert crash_frame(event(error("E", "x", library("run"), library("read")))) == library("read")
    assert crash_frame(event(error("E", "x"))) is None
    assert crash_frame({}) is None
