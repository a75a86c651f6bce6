"""Crashes and messages as other languages' SDKs send them: what builds, hosts, compilers and data change splits no bug, and no
two bugs join. Written by hand after each SDK's own format, as no runtime of these is at hand."""

from __future__ import annotations

from typing import Any

from lib import fingerprint
from tests.cases import each
from tests.quality import adapter

Frame = tuple[str, str, str, str]  # function, module, file, package


def crash(platform: str, *frames: Frame, kind: str = "Error", value: str = "broken") -> dict[str, Any]:
    """An event with this stack, oldest frame first."""
    names = ("function", "module", "filename", "package")
    stack = [{name: text for name, text in zip(names, frame, strict=True) if text} | {"in_app": True} for frame in frames]
    return {"platform": platform, "exception": {"values": [{"type": kind, "value": value, "stacktrace": {"frames": stack}}]}}


def found(event: dict[str, Any]) -> tuple[str, list[str]]:
    result = fingerprint.compute(adapter.redact(event))
    return result.value, result.parts


def functions(platform: str, module: str, file: str, *raw: str) -> list[dict[str, Any]]:
    return [crash(platform, (function, module, file, "")) for function in raw]


def modules(platform: str, function: str, *raw: str) -> list[dict[str, Any]]:
    return [crash(platform, (function, module, "", "")) for module in raw]


def files(platform: str, function: str, *raw: str) -> list[dict[str, Any]]:
    return [crash(platform, (function, "", file, "")) for file in raw]


def packages(platform: str, function: str, *raw: str) -> list[dict[str, Any]]:
    return [crash(platform, (function, "", "", package)) for package in raw]


ORDERS = "com.acme.Orders"
SITE = "https://shop.example/"
NAMES_SAME: dict[str, list[dict[str, Any]]] = {
    "javac's lambdas": functions("java", ORDERS, "Orders.java", "lambda$run$0", "lambda$run$7"),
    "lambda classes": modules("java", "accept", f"{ORDERS}$$Lambda$12/0x0800c8", f"{ORDERS}$$Lambda/0x7f8a"),
    "Spring's proxies": modules("java", "save", f"{ORDERS}$$EnhancerBySpringCGLIB$$1a2b", f"{ORDERS}$$SpringCGLIB$$0", ORDERS),
    "accessors": modules("java", "invoke", "sun.reflect.GeneratedMethodAccessor12", "sun.reflect.GeneratedMethodAccessor7"),
    "Groovy's closures": modules("java", "doCall", "com.acme.Job$_run_closure1", "com.acme.Job$_run_closure2"),
    "Kotlin's coroutines": modules("java", "invokeSuspend", f"{ORDERS}$load$1", f"{ORDERS}$load$2"),
    "scalac's functions": functions("java", "com.acme.Job$", "Job.scala", "$anonfun$run$1", "$anonfun$run$2$adapted"),
    ".NET's async methods": modules("csharp", "MoveNext", "Acme.Orders+<GetAsync>d__5", "Acme.Orders+<GetAsync>d__17"),
    ".NET's lambdas": [
        crash("csharp", ("<Run>b__0", "Acme.Job+<>c", "", "")),
        crash("csharp", ("<Run>b__3_1", "Acme.Job+<>c__DisplayClass3_0", "", "")),
    ],
    ".NET's local functions": functions("csharp", "Acme.Job", "", "<Run>g__Inner|5_0", "<Run>g__Inner|7_1"),
    ".NET's signatures": functions(
        "csharp",
        "Acme",
        "",
        "async Task<List<Order>> Repo.Save(Order order)",
        "void Repo.Save(Order order, bool now)",
        "Repo.Save",
    ),
    ".NET's assemblies": modules(
        "csharp", "Handle", "Acme.Handler`1[[Order, Acme, Version=1.0.0.0]]", "Acme.Handler`1[[Order, Acme, Version=2.0.0.0]]"
    ),
    "Go's closures": functions(
        "go", "acme/orders", "", "Process.func1", "Process.func2.1", "Process.gowrap1", "Process.deferwrap2"
    ),
    "Go's inlined closures": functions("go", "acme/x", "", "(*S).Run.func1.Do.func2", "(*S).Run.func3.Do.func1"),
    "Go's generics": functions("go", "acme/x", "", "Map[...]", "Map[go.shape.int,go.shape.[]string]", "Map"),
    "Ruby's blocks": functions("ruby", "", "app/x.rb", "block in run", "block (2 levels) in run", "run", "XJob#run"),
    "Rails' views": functions(
        "ruby",
        "",
        "app/views/o/show.html.erb",
        "_app_views_o_show_html_erb___12345_7012",
        "_app_views_o_show_html_erb__987654_11",
    ),
    "Capistrano": files("ruby", "run", "/var/www/shop/releases/20240101120000/app/x.rb", "/srv/shop/current/app/x.rb"),
    "PHP's closures": functions("php", "", "app/O.php", "App\\O::{closure}", "App\\O::App\\{closure}"),
    "PHP 8.4's closures": functions("php", "", "app/O.php", "{closure:App\\O::show():12}", "{closure:App\\O::show():99}"),
    "compiled templates": files("php", "include", f"/www/views/{'3f2a1b9c' * 4}.php", f"/www/views/{'a17b2c3d' * 4}.php"),
    "Swift's closures": functions("cocoa", "", "", *(f"closure #{n} in View.load()" for n in (1, 2)), "specialized View.load()"),
    "Swift's async functions": functions(
        "cocoa",
        "",
        "",
        "(1) await resume partial function for View.load()",
        "(3) suspend resume partial function for View.load()",
    ),
    "Swift's results": functions("cocoa", "", "", "View.load() -> ()", "View.load() async throws -> Swift.Int", "View.load()"),
    "Objective-C's blocks": functions(
        "cocoa", "", "", *(f"__29-[View viewDidLoad]_block_invoke{n}" for n in ("", "_2", ".123")), "-[View viewDidLoad]"
    ),
    "where iOS puts an app": packages("cocoa", "View.load()", *(f"/private/var/{n}/Shop.app/Shop" for n in ("1FE2C9A4", "B"))),
    "versions of libraries": packages("native", "work", "/usr/lib/libshop.so.1.2", "/opt/shop/lib/libshop.so.1.3"),
    "Elixir's functions": functions("elixir", "Shop", "lib/shop.ex", *(f"anonymous fn/{n} in Shop.run/2" for n in (1, 2))),
    "Erlang's functions": functions("elixir", "Shop", "lib/shop.ex", "-run/2-fun-0-", "-run/2-fun-1-", "run/2"),
    "Rust's hashes": functions(
        "native", "", "", "shop::run::{{closure}}::h0123456789abcdef", "shop::run::{closure#0}", "shop::run"
    ),
    "Rust's generics": functions("native", "", "", "shop::map<alloc::vec::Vec<i32>>::h0123456789abcdef", "shop::map::<u8>"),
    "Next's chunks": files(
        "javascript", "load", *(f"{SITE}_next/static/chunks/pages/o-{h}.js" for h in ("3f2a1b9c8d7e", "aab41c2d3e4f"))
    ),
    "Next's shared chunks": files(
        "javascript", "load", f"{SITE}chunks/4bd1b696-182b6b13.js", f"{SITE}chunks/9da6db1e-22af7c01.js"
    ),
    "Vite's hashes": files("javascript", "load", *(f"{SITE}assets/index-{h}.js" for h in ("DcXyAbQe", "BkL9_x2P", "B7kL-x2P"))),
    "webpack's hashes": files("javascript", "load", f"{SITE}js/main.3f2a1b9c.js", f"{SITE}js/main.aaaa1b9c.chunk.js"),
    "webpack's numbers": files("javascript", "load", f"{SITE}js/421.3f2a1b9c.js", f"{SITE}js/17.aa2a1b9c.js"),
    "webpack's addresses": files(
        "javascript",
        "load",
        "webpack:///./src/o.ts",
        "webpack-internal:///(rsc)/./src/o.ts",
        "app:///src/o.ts",
        "webpack://shop/./src/o.ts",
    ),
    "containers": files("node", "load", "/app/dist/o.js", "/usr/src/app/dist/o.js", "file:///var/task/dist/o.js"),
    "browsers' anonymous functions": [
        crash("javascript", ("load", "", "a.js", ""), (inner, "", "a.js", "")) for inner in ("?", "load/<", "<anonymous>")
    ],
    "what was started itself": [
        crash("python", ("run", "__main__", file, "")) for file in ("/srv/7/job.py", "job.py", "C:\\x\\job.py")
    ],
}
NAMES_DIFFER: dict[str, list[dict[str, Any]]] = {
    "methods": functions("java", ORDERS, "Orders.java", "lambda$run$0", "lambda$stop$0", "save", "load"),
    "coroutines": modules("java", "invokeSuspend", f"{ORDERS}$load$1", f"{ORDERS}$save$1"),
    ".NET's async methods": modules("csharp", "MoveNext", "Acme.Orders+<GetAsync>d__5", "Acme.Orders+<PutAsync>d__5"),
    "numbered functions": functions("go", "acme/orders", "", "Step1", "Step2"),
    "parts of an application": files(
        "javascript", "load", f"{SITE}js/big-page.js", f"{SITE}js/big-menu.js", f"{SITE}js/min-page.js"
    ),
    "Rust's traits": functions("native", "", "", "<shop::A as core::ops::Fn>::call", "<shop::B as core::ops::Fn>::call"),
    "Rust's implementations": functions("native", "", "", "shop::<impl shop::A>::run", "shop::<impl shop::B>::run"),
    "C++'s operators": functions("native", "", "", "A::operator bool() const", "B::operator bool() const"),
    "Objective-C's methods": functions("cocoa", "", "", "-[View load]", "-[View save]", "+[View load]"),
    "C++'s methods": functions("native", "", "", "std::string shop::name(int)", "std::string shop::title(int)"),
    "Elixir's arities": functions("elixir", "Shop", "lib/shop.ex", "run/1", "run/2"),
}
MESSAGES_SAME: dict[str, list[str]] = {
    "ids": ["Order 550e8400-e29b-41d4-a716-446655440000 failed", "Order 01BX5ZZKBKACTAV9WEVGEMMVRZ failed", "Order 17 failed"],
    "durations": ["Query took 1.5s", "Query took 340 ms", "Query took 1h2m3.5s", "Query took 30 seconds"],
    "sizes": ["Upload of 3.4 MB failed", "Upload of 900KiB failed", "Upload of 1,234,567 bytes failed"],
    "money": ["Charge of $12.50 failed", "Charge of 9,99 € failed", "Charge of 5 EUR failed"],
    "addresses": [f"dial tcp {at}: connection refused" for at in ("10.0.0.1:5432", "[::1]:5432", "db-7.internal:5432")],
    "dates": [
        "Job of Mon, 01 Jan 2024 10:00:00 GMT failed",
        "Job of Tuesday, March 12, 2024 failed",
        "Job of 2024-05-03T11:30:21+02:00 failed",
    ],
    "JSON": ['Bad answer: {"id": 1, "name": "bob", "ok": true}', 'Bad answer: {"id": 22, "name": "eve adams", "ok": false}'],
    "mappings as Python prints them": ["Bad order {'id': 1, 'name': 'bob'}", "Bad order {'id': 2, 'name': None}"],
    "SQL's literals": [
        "failed: SELECT * FROM t WHERE name = 'bob' AND n > 3",
        "failed: SELECT * FROM t WHERE name = 'eve adams' AND n > 41",
    ],
    "SQL's lists": ["failed: INSERT INTO t (a, b) VALUES ('x', 1)", "failed: INSERT INTO t (a, b) VALUES ('y z', 2)"],
    "PostgreSQL's details": [
        "Key (name)=(bob) already exists.",
        "Key (name)=(eve adams) already exists.",
        "Key (name)=(7) already exists.",
    ],
    "AWS' names": [
        "Access denied to arn:aws:s3:::bucket/key",
        "Access denied to arn:aws:lambda:eu-west-1:123456789012:function:pay",
    ],
    "URLs": ["GET https://api.example.com/v1/users/1 failed", "GET http://10.0.0.1:8080/v1/orders?x=a&y=b failed"],
    "pods": ["Pod api-7d9f8b6c5-x2k4j was evicted", "Pod api-6c8f7b5d4-9zqwr was evicted"],
    "other languages' words": ["Bestellung 12 nach 3,5 Sekunden abgebrochen", "Bestellung 9 nach 10 Sekunden abgebrochen"],
}
MESSAGES_SAME |= {
    "accounts": ["Failed password for invalid user bob from 10.0.0.1", "Failed password for invalid user test9 from 10.0.0.2"],
    "accounts that failed": [
        "Too many authentication failures for root [preauth]",
        "Too many authentication failures for git [preauth]",
    ],
    "values that are hidden": ["Fan speeds ( 3552 3534 )", "Fan speeds ( 3552 **** )"],
    "redacted accounts": ["Login for user bob failed", "Login for user bob@example.com failed"],
}
MESSAGES_DIFFER: dict[str, list[str]] = {
    "words": ["User not found", "Order not found", "User is found"],
    "what happened": ["status=failed for job 1", "status=cancelled for job 1"],
    "what happened, in JSON": ['{"error": "timeout", "id": 1}', '{"error": "refused", "id": 1}'],
    "constraints": ['violates unique constraint "users_email_key"', 'violates foreign key constraint "orders_user_fk"'],
    "system calls": ["connect ECONNREFUSED 127.0.0.1:5432", "connect ETIMEDOUT 127.0.0.1:5432"],
    "purposes": ["waiting for lock", "waiting for data"],
    "months that are words": ["May the server rest", "March through the queue"],
}


def logged(texts: list[str]) -> list[dict[str, Any]]:
    return [{"logentry": {"formatted": text}} for text in texts]


SAME = NAMES_SAME | {f"messages: {name}": logged(texts) for name, texts in MESSAGES_SAME.items()}
DIFFER = NAMES_DIFFER | {f"messages: {name}": logged(texts) for name, texts in MESSAGES_DIFFER.items()}


@each("events", SAME.values(), ids=SAME)
def test_events_of_one_bug_share_an_incident(events: list[dict[str, Any]]) -> None:
    results = [found(event) for event in events]
    assert len({value for value, _ in results}) == 1, [parts for _, parts in results]


@each("events", DIFFER.values(), ids=DIFFER)
def test_events_of_different_bugs_do_not(events: list[dict[str, Any]]) -> None:
    results = [found(event) for event in events]
    assert len({value for value, _ in results}) == len(events), [parts for _, parts in results]
