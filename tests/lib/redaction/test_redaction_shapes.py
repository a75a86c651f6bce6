"""Names and values beside each other, escapes, and connection strings: secrets in the shapes that programs give them."""

import json
from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

from lib.redaction import BUILT_IN, Rules, compile_rules, redact
from lib.redaction.search import NAMES_CHUNK
from tests.cases import each
from tests.lib.redaction.lookalikes import basic, cards, random_text

SECRET = random_text(18)
WEAK = "sommer" + "2024"  # mixed too little to be found without a name
WORD = "letmein"

PAIRS = [
    ("name", "value"), ("Name", "Value"), ("k", "v"), ("key", "value"), ("KEY", "VALUE"), ("ParameterKey", "ParameterValue"),
    ("name", "stringValue"), ("field", "newValue"), ("header", "val"), ("name", "content"),
]  # fmt: skip


@each(("name", "value"), PAIRS)
def test_a_name_tells_of_the_value_beside_it_in_a_map_and_in_text(name: str, value: str) -> None:
    for telling in ("password", "DB_PASSWORD", "apiKey"):
        pair = {name: telling, value: WEAK}
        texts = [
            json.dumps(pair),
            json.dumps(pair, indent=2),
            json.dumps({"a": json.dumps(pair)}),
            json.dumps({value: WEAK, name: telling}),
        ]
        for shape in (pair, [pair, {name: "theme", value: "dark"}], *texts):
            for _ in range(2):  # also where its keys were seen before
                assert WEAK.encode() not in redact({"extra": {"a": shape}}).body, shape


def test_a_name_that_tells_nothing_leaves_the_value_beside_it() -> None:
    payload = {
        "extra": {"a": [{"name": name, "value": WEAK} for name in ("author", "tokenizer", "secretary", "password_policy")]}
    }
    assert redact(payload).payload == payload


TEXT_SHAPES = [
    "- name: DB_PASSWORD\n  value: {}",
    "<key>apiKey</key>\n<string>{}</string>",
    "<name>password</name><value>{}</value>",
    "[('password', '{}'), ('a', 'b')]",
    "['app', '--password', '{}']",
    '["app", "--db-password", "{}"]',
    "app -Dspring.datasource.password={}",
    "machine example.org login bob password {}",
    "docker login -u bob -p {} registry.example.org",
    "sshpass -p '{}' ssh host",
    "mysql -u root -p{} shop",
    "ldapsearch -D cn=admin -w {} -b dc=x",
    "map[Authorization:[SSO {}] Accept:[*/*]]",
    "Authorization: Vendor-Key {}",
    'Authorization: Token token="{}"',
    'Authorization: Digest username="bob", realm="r", uri="/", response="{}"',
    "next=%2Fa%3Fpassword%3D{}%26b%3D1",
]


@each("shape", TEXT_SHAPES)
def test_a_named_value_leaves_text_in_whatever_shape_it_is_printed(shape: str) -> None:
    result = redact({"message": shape.format(WEAK)})
    assert WEAK not in result.payload["message"]
    assert shape.split("{}")[1][1:] in result.payload["message"] or '"' in shape  # and no more than it


ARGUMENTS: list[list[Any]] = [
    ["app", "--password", WORD, "--verbose"],
    ["app", "-password", WORD],
    ["sshpass", "-p", WORD, "ssh", "host"],
    ["/usr/bin/docker", "login", "-u", "bob", "-p", WORD],
    ["redis-cli", "-h", "cache", "-a", WORD],
    ["mysql", "-uroot", "-p" + WORD, "shop"],
    ["curl", "-u", "bob:" + WORD, "https://example.org"],
]


@each("arguments", ARGUMENTS, ids=lambda arguments: str(arguments[0]))
def test_a_password_leaves_a_list_of_arguments(arguments: list[Any]) -> None:
    redact({"extra": {"words": [WORD, "-p", "-a", "sshpass", "docker", "login"]}})  # each of them seen before, by itself
    for _ in range(2):
        assert WORD.encode() not in redact({"extra": {"sys.argv": arguments}}).body


def test_short_flags_of_other_commands_and_lists_of_names_stay() -> None:
    payload = {
        "extra": {
            "argv": [["nmap", "-p", "8080", "host"], ["tar", "-w", "dir"], ["ls", "-a", "folder"], ["mkdir", "-p", "folder"]],
            "columns": ["id", "password", "email", "token", "created_at"],
            "headers": ["Host", "example.org", "Accept", "text/html"],
        }
    }
    assert redact(payload).payload == payload


def test_headers_in_one_flat_list_are_cleaned_by_their_names() -> None:
    headers = ["Host", "example.org", "Authorization", f"Custom {SECRET}", "Cookie", "a=1"]
    cleaned = redact({"request": {"rawHeaders": headers}}).payload["request"]["rawHeaders"]
    assert cleaned == ["Host", "example.org", "Authorization", "[redacted:auth]", "Cookie", "[redacted:cookie]"]


TEMPLATES: list[tuple[str, list[Any], int]] = [
    ("login of %s failed with password=%s after %d tries", ["bob", WORD, 3], 1),
    ("token: {}", [WORD], 0),
    ("connect to postgres://{}:{}@db", ["app", WORD], 1),
    ("password={1} of {0}", ["bob", WORD], 1),
    ("UPDATE users SET password = $2 WHERE id = $1", [7, WORD], 1),
    ("UPDATE users SET password = ? WHERE id = ?", [WORD, 7], 0),
]


@each(("template", "params", "secret"), TEMPLATES)
def test_a_parameter_goes_where_the_text_beside_it_names_it(template: str, params: list[Any], secret: int) -> None:
    redact({"extra": {"words": [*params]}})
    for payload in (
        {"logentry": {"message": template, "params": params}},
        {"breadcrumbs": {"values": [{"data": {"query": template, "params": params}}]}},
    ):
        result = redact(payload)
        assert WORD.encode() not in result.body
        assert sum(removal.count for removal in result.removals) == 1
        assert redact(result.payload).body == result.body


def test_other_parameters_stay() -> None:
    payload = {"logentry": {"message": "%s has %d tokens, author %s", "params": ["bob", 7, WEAK]}}
    assert redact(payload).payload == payload


ESCAPES: dict[str, Callable[[str], str]] = {
    "json": lambda text: "".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in text),
    "json in json": lambda text: json.dumps("".join(char if char.isalnum() else f"\\u{ord(char):04x}" for char in text)),
    "percent": lambda text: quote(text, safe=""),
    "percent twice": lambda text: quote(quote(text, safe=""), safe=""),
    "percent three times": lambda text: quote(quote(quote(text, safe=""), safe=""), safe=""),
    "every character": lambda text: "".join(f"%{ord(char):02x}" for char in text),
    "source code": lambda text: "".join(char if char.isalnum() else f"\\x{ord(char):02x}" for char in text),
    "html": lambda text: "".join(char if char.isalnum() else f"&#{ord(char)};" for char in text),
}
PERSONAL = [
    "jane@example.org",
    "2001:db8::ff00:42:8329",
    "4111 1111" + " 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "+49 30 901820",
]


@each("write", ESCAPES.values(), ids=ESCAPES)
@each("value", PERSONAL)
def test_personal_data_leaves_however_it_is_escaped(value: str, write: Callable[[str], str]) -> None:
    for text in (f"of {write(value)} here", f"https://example.org/a?q={write(value)}&b=1"):
        result = redact({"extra": {"note": text}})
        assert write(value) not in result.payload["extra"]["note"]
        assert result.payload["extra"]["note"].startswith(text[:3])
        assert redact(result.payload).body == result.body


@each(
    "text",
    [
        '{"pass\\u0077ord": "' + WEAK + '"}',
        json.dumps({"пароль": WEAK}),  # \u043f…
        f"password\\u003d{WEAK}",
        escape(f'{{"password": "{WEAK}"}}'),
        escape(f"<password>{WEAK}</password>"),
        quote(quote(f"password={WEAK}&x=1", safe=""), safe=""),
        json.dumps({"dsn": f"postgres://app:{WEAK}@db/x"}).replace("/", "\\/"),
    ],
)
def test_a_named_value_leaves_however_its_name_is_escaped(text: str) -> None:
    assert WEAK not in redact({"message": text}).payload["message"]


@each("text", ["100%ab of %5d", "C:\\users\\x86\\/tmp", "caf%C3%A9 & t\\u00e9", "&amp;&lt;b&gt;", "%25%32%35", "%", "\\u12"])
def test_escapes_without_a_secret_stay_as_they_are(text: str) -> None:
    assert redact({"message": text}).payload["message"] == text


@each("odd", ["a/{}", "a#{}", "a@{}", "a?{}", "a'{}", "a<{}>", "a:{}", "a/b@{}"])
@each("end", ["@db.example.org/shop", "@db:5432", "@10.0.0.7,db2:27017/x?a=b"])
def test_a_password_in_a_url_leaves_whatever_characters_are_in_it(odd: str, end: str) -> None:
    for scheme in ("postgres", "mongodb+srv", "amqps"):
        cleaned = redact({"message": f"cannot reach {scheme}://app:{odd.format(SECRET)}{end} now"}).payload["message"]
        assert SECRET not in cleaned
        assert cleaned.startswith(f"cannot reach {scheme}://app:[redacted:userinfo]")
        assert cleaned.endswith(" now")


@each(
    "text",
    [
        "https://host.example:8080/users/a@b/c",
        "http://host.example:80 or c@d",
        '{"a": "redis://cache:6379", "b": "@x"}',
        "see https://example.org/@jane/posts",
        "postgres://db:5432/shop?options=a@b",
    ],
)
def test_a_port_is_no_password(text: str) -> None:
    assert redact({"message": text}).payload["message"] == text


def test_oracle_passwords_leave() -> None:
    for text in (f"sqlplus scott/{SECRET}@//db:1521/orcl", f"jdbc:oracle:thin:scott/{SECRET}@db:1521:orcl"):
        assert SECRET not in redact({"message": text}).payload["message"]


def test_bare_base64_of_user_and_password_leaves_and_of_an_identifier_stays() -> None:
    secret = basic("bob", WEAK)
    assert secret not in redact({"message": f"sent {secret} to host"}).payload["message"]
    for name in (
        "User:42",
        "arrayconnection:10",
        "gid://shop/Order/12345",
        "plain words only",
    ):
        text = f"node {basic(*name.split(':', 1)) if ':' in name else basic(name, ' ')} not found"
        assert redact({"message": text}).payload["message"] == text


NAMES = """Passwort Kennwort mot_de_passe motDePasse contraseña clave senha parola wachtwoord lösenord hasło şifre heslo jelszó
    salasana adgangskode пароль 密码 密碼 口令 パスワード 비밀번호 geheimnis secreto segredo jeton clé_api cle_secrete
    clave_api chave_api
    Zugangsdaten api-schlüssel мой_пароль 用户密码
    userpass dbPw keypass wpa_psk recoveryCodes seed_phrase securityAnswer
    code_verifier SAMLResponse aspxauth remember-me""".split()  # noqa: SIM905


@each("name", NAMES)
def test_a_name_tells_in_other_languages_and_spellings(name: str) -> None:
    for text in (f"{name}={WEAK}", f"{name}: {WEAK}", f'"{name}": "{WEAK}"', json.dumps({name: WEAK}), quote(f"{name}={WEAK}")):
        assert WEAK not in redact({"message": text}).payload["message"], text
    for payload in ({name: WEAK}, [name, WEAK], {"name": name, "value": WEAK}):
        assert WEAK.encode() not in redact({"extra": {"a": payload}}).body


PLAIN = """depasse dépasse monkey hotkey turkey compass bypass clef vehicle article clearance_level magic_number answer_count
    sandbox phrase_count bank birth_rate pinned conclusion passenger identity_provider account_manager keypad""".split()  # noqa: SIM905


@each("name", PLAIN)
def test_a_name_that_only_resembles_one_leaves_its_value(name: str) -> None:
    for payload in (
        {"message": f"{name}={WEAK}"},
        {"message": f"{name}: 12345678"},
        {"extra": {name: WEAK}},
        {"extra": {name: 12345678}},
    ):
        assert redact(payload).payload == payload


def test_telephone_numbers_go_by_their_key_and_stay_by_the_projects_wish() -> None:
    payload = {"user": {"phone": "0171 1234567", "mobile": 4155550132, "phone_type": "home", "fax": "none yet"}}
    gone = {"phone": "[redacted:phone]", "mobile": "[redacted:phone]"}
    assert redact(payload).payload["user"] == payload["user"] | gone
    assert redact(payload, compile_rules(phone="keep")).payload == payload


def test_only_a_version_stays_under_the_name_of_a_module_that_tells() -> None:
    payload = {"modules": {"token": "1.0.2", "password": WEAK, "pyjwt": "2.8.0", "cookie": "v0.5.0-beta.1", "a": "2001:db8::1"}}
    cleaned = redact(payload).payload["modules"]
    assert cleaned == payload["modules"] | {"password": "[redacted:password]", "a": "[redacted:ip]"}
    for key in ("release", "app_version"):
        assert redact({"extra": {key: "2001:db8::1"}}).payload["extra"][key] == "[redacted:ip]"


def test_cards_leave_with_decimals_and_unbreakable_spaces() -> None:
    for text in (cards()[0] + ".0", "\u00a0".join(["4111", *["1111"] * 3])):
        assert text not in redact({"message": f"charge {text} now"}).payload["message"]


ADDRESSES = {
    "mail jürgen@müller.de now": "mail [redacted:email] now",
    "mail иван@пример.рф now": "mail [redacted:email] now",
    "mailto:jane@example.org?subject=x": "mailto:[redacted:email]?subject=x",
    "/a?jane@example.org": "/a?[redacted:email]",
}


@each(("text", "expected"), ADDRESSES.items())
def test_addresses_beyond_ascii_leave_whole_and_question_marks_stay(text: str, expected: str) -> None:
    assert redact({"message": text}).payload["message"] == expected


@each("at", [0, 1, NAMES_CHUNK - 2, NAMES_CHUNK - 1, NAMES_CHUNK, 2 * NAMES_CHUNK - 1, 3 * NAMES_CHUNK])
@each(
    ("name", "rules"),
    [
        ("password", BUILT_IN),
        ("--api-key", BUILT_IN),
        ("пароль", BUILT_IN),
        ("customerCode", compile_rules(extra_keys=["customer code"])),
    ],
)
def test_a_name_tells_of_what_follows_it_wherever_it_stands_in_a_long_list(name: str, rules: Rules, at: int) -> None:
    items = [f"item {number}" for number in range(4 * NAMES_CHUNK)]
    items[at : at + 2] = [name, "b1rd"]
    cleaned = redact({"extra": {"list": items}}, rules).payload["extra"]["list"]
    assert cleaned[at + 1].startswith("[redacted:")
    assert [*cleaned[: at + 1], "b1rd", *cleaned[at + 2 :]] == items
