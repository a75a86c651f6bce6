"""Names of functions and modules, as their author wrote them."""

from lib.fingerprint.v1 import names
from tests.cases import each


@each(
    ("raw", "cleaned"),
    [
        ("load", "load"),
        ("<lambda>", "?"),
        ("<anonymous>", "?"),
        ("", "?"),
        ("Object.<anonymous>", "?"),
        ("exports.show", "show"),
        ("exports2.show", "show"),
        ("module.exports.show", "show"),
        ("Object.capture", "capture"),
        ("async Cart.total", "Cart.total"),
        ("new Cart", "Cart"),
        ("Function.executeUserEntryPoint [as runMain]", "executeUserEntryPoint"),
        ("lambda$run$0", "run"),
        ("$anonfun$main$1", "main"),
        ("block (2 levels) in load", "load"),
        ("rescue in block in load", "load"),
        ("<LoadAsync>d__5.MoveNext", "LoadAsync"),
        ("<>c__DisplayClass1_0.<Load>b__0", "Load"),
        ("main.(*Server).handle.func1", "main.(*Server).handle"),
        ("main.(*Server).handle.func1.2", "main.(*Server).handle"),
        ("Map[...].Get", "Map.Get"),
        ("shop::load::{{closure}}::h0123456789abcdef", "shop::load"),
        ("outer.<locals>.inner", "outer.inner"),
        ("class@anonymous/srv/a.php:12$0", "class@anonymous"),
        ("parse(char const*, int)", "parse"),
        ("step1", "step1"),  # a number may tell functions apart
        ("step2", "step2"),
    ],
)
def test_a_function_loses_what_compilers_and_engines_add(raw: str, cleaned: str) -> None:
    assert names.clean_function(raw) == cleaned


@each(
    ("module", "filename", "cleaned"),
    [
        ("shop.orders", "shop/orders.py", "shop.orders"),
        ("__main__", "main.py", "main.py"),
        ("", "/srv/releases/20240102/shop/orders.py", "shop/orders.py"),
        ("", "C:\\app\\shop\\orders.py", "shop/orders.py"),
        ("", "shop/orders.py", "shop/orders.py"),
        ("", "https://cdn.example.com/static/js/main.3f2a1b9c.js?v=3", "js/main.js"),
        ("", "https://cdn.example.com/assets/index-DcXyAbQe.js", "assets/index.js"),
        ("main-RLM24BZA", "/srv/app/dist/main-RLM24BZA.js", "main"),
        ("main-ROLMXPZJ", "/srv/app/dist/main-ROLMXPZJ.js", "main"),
        ("", "421.3f2a1b9c.chunk.js", "?.js"),
        ("checkout-button", "checkout-button.js", "checkout-button"),
        ("user-settings.controller", "user-settings.controller.js", "user-settings.controller"),
        ("com.example.Cart$1", "Cart.java", "com.example.Cart"),
        ("com.example.Cart$$Lambda$14/0x0000000800c8", "Cart.java", "com.example.Cart"),
        ("com.example.Cart$$EnhancerBySpringCGLIB$$a1b2c3", "<generated>", "com.example.Cart"),
        ("com.example.Cart$Line", "Cart.java", "com.example.Cart$Line"),
        ("com.sun.proxy.$Proxy12", "", "com.sun.proxy.$Proxy"),
        ("", "", ""),
    ],
)
def test_a_module_is_the_same_on_every_host_and_in_every_build(module: str, filename: str, cleaned: str) -> None:
    assert names.clean_module(module, filename) == cleaned


@each(
    ("raw", "cleaned"),
    [
        ("w", "?"),
        ("Xe", "?"),
        ("h.show", "show"),
        ("Timeout._onTimeout", "Timeout._onTimeout"),
        ("renderCart", "renderCart"),
        ("t.n", "n"),
    ],
)
def test_a_minified_function_keeps_what_minifiers_keep(raw: str, cleaned: str) -> None:
    assert names.clean_minified(raw) == cleaned


def test_only_variables_of_a_minified_message_are_masked() -> None:
    assert names.mask_mangled("r.before is not a function") == "?.before is not a function"
    assert names.mask_mangled("e is not defined") == "? is not defined"
    assert (
        names.mask_mangled("Cannot read properties of undefined (reading 'id')")
        == "Cannot read properties of undefined (reading 'id')"
    )
