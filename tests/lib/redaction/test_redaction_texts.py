"""What leaves a text and what stays, as tables. Look-alikes are made when the tests run."""

import random
import uuid
from urllib.parse import quote

from lib.redaction import compile_rules, redact
from lib.redaction.search import is_id
from lib.redaction.text import clean
from tests.cases import each
from tests.lib.redaction.lookalikes import HEX, UPPER, basic, cards, pem, random_text, tokens


def cleaned(text: str) -> str:
    kept: str = redact({"extra": {"note": text}}).payload["extra"]["note"]
    return kept


SECRET = random_text(18)
WEAK = "hunter" + "2"
ODD = "q{w}e)r$t[y>u-_1i#o]p"  # an unquoted password full of brackets
FORMS = [
    "{name}={value}",
    "{name} = {value}",
    "{name}: {value}",
    "{name}:\n  {value}",
    '{name}="{value}"',
    "{name} := `{value}`",
    "{name} ?= '{value}'",
    '"{name}": "{value}"',
    "'{name}' => '{value}'",
    '{{\\"{name}\\": \\"{value}\\"}}',
    "%22{name}%22%3A%22{value}%22",
    "?page=1&{name}={value}&sort=asc",
    "Server=db;{name}={value};Pooling=true",
    "<{name}>{value}</{name}>",
    '<add key="{name}" value="{value}" />',
    "connect({name}='{value}', port=1)",
    'put("{name}", "{value}")',
    'set_{name}("{value}")',
    'if {name} != "{value}":',
    "os.environ['{name}'] = '{value}'",
    'var {name} string = "{value}"',
    '{name}: str = "{value}"',
    "--{name} {value}",
    "--{name}={value}",
    'config.ini: "[db]\\n{name}={value}\\nport=1"',
]
NAMES = [
    "password",
    "db_password",
    "DB_PASS",
    "clientSecret",
    "x-api-key",
    "accessToken",
    "PGPASSWORD",
    "connectionString",
    "privateKey",
]


@each("name", NAMES)
@each("form", FORMS)
def test_a_named_value_leaves_every_form_of_text(form: str, name: str) -> None:
    text = form.format(name=name, value=SECRET)
    assert SECRET not in cleaned(text)
    assert "[redacted:" in cleaned(text)


@each("value", [WEAK, "letmein", "P@ssw0rd!", "correcthorse", "123456", "pässwörd1", ODD])
@each("form", ["password={value}", "password: {value}", 'password: "{value}"', "pwd='{value}'", '"password" : "{value}"'])
def test_even_a_weak_password_leaves(form: str, value: str) -> None:
    assert value not in cleaned(form.format(value=value))


@each(("family", "token"), tokens().items(), ids=tokens())
@each("sentence", ["{}", "request with {} was refused", "'{}'", "[{}]", "url?x={}&y=1", "a,{},b", "({})"])
def test_a_token_that_announces_itself_leaves_without_any_name(family: str, token: str, sentence: str) -> None:
    assert token not in cleaned(sentence.format(token))


CREDENTIALS = {
    "bearer": f"Authorization: Bearer {SECRET}",
    "bearer alone": f"sent Bearer {SECRET}",
    "scheme of its own": f"-H 'Authorization: Api-Token {SECRET}'",
    "header name": f"X-Octopus-ApiKey: {SECRET}",
    "url password": f"postgres://app:{SECRET}@db.example/shop",
    "url password without user": f"redis://:{SECRET}@cache:6379/0",
    "url user only": f"https://{random_text(32, HEX)}{SECRET}@host.example/1",
    "url inside a url": quote(f"https://bob:{SECRET}@host.example/", safe=""),
    "curl": f"curl -u bob:{SECRET} https://x.example",
    "slack webhook": f"https://hooks.slack.com/services/T0/B0/{SECRET}",
    "telegram": f"https://api.telegram.org/bot1:{SECRET}/send",
    "connection string": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={SECRET}==;EndpointSuffix=x",
    "cookie header": f"Cookie: sessionid={SECRET}; theme=dark",
    "npmrc": f"//registry.npmjs.org/:_authToken={SECRET}",
    "ini": f"[default]\naws_secret_access_key = {SECRET}/ab+c",
}


@each("text", CREDENTIALS.values(), ids=CREDENTIALS)
def test_credentials_leave(text: str) -> None:
    assert SECRET not in cleaned(text)


def test_basic_credentials_leave_whatever_their_length() -> None:
    for credentials in (basic(), basic("browser", " "), basic("a", "b")):
        assert credentials not in cleaned(f"curl -H 'Authorization: Basic {credentials}' \\")


def test_a_private_key_leaves_with_all_its_lines() -> None:
    key = pem()
    for text in (key, f"key:\n{key}\nnext", key.replace("\n", "\\n"), key.split("-----END")[0]):
        out = cleaned(text)
        assert not any(line in out for line in key.splitlines()[1:-1])
    assert cleaned(f"key:\n{key}\nnext").endswith("\nnext")


PERSONAL = {
    "jane.doe+tag@example.co.uk": "email",
    "user%40example.org": "email",
    "jürgen@example.de": "email",
    "203.0.113.7": "ip",
    "2001:db8::ff00:42:8329": "ip",
    "::ffff:192.0.2.1": "ip",
    "fe80::1%eth0": "ip",
    "00:1B:44:11:3A:B7": "mac",
    "078-05-1120": "ssn",
    "912-70-1234": "ssn",
    "DE89 3704 0044 0532 0130 00": "iban",
    "GB82WEST12345698765432": "iban",
    "+49 30 901820": "phone",
    "(415) 555-0132": "phone",
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2": "wallet",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq": "wallet",
    **dict.fromkeys(cards(), "card"),
}


@each(("value", "rule"), PERSONAL.items(), ids=PERSONAL)
@each("sentence", ["{}", "customer {} called", "({})", "a={}, b=1", '"{}"'])
def test_personal_data_leaves(value: str, rule: str, sentence: str) -> None:
    assert cleaned(sentence.format(value)) == sentence.format(f"[redacted:{rule}]")


NAMED_NUMBERS = [
    "passport number 123456789",
    "NHS number 943 476 5919",
    "driver license D1234567",
    "ssn is 123 45 6788",
    "phone: 4258829090",
]


@each("text", NAMED_NUMBERS)
def test_a_number_that_the_text_calls_an_identity_leaves(text: str) -> None:
    assert "redacted" in cleaned(text)
    assert not any(len(word) > 3 for word in cleaned(text).replace("[", " ").split() if word.isdigit())


READABLE = [
    *("author=alice", "tokenizer=gpt2", "secretary: Bob Smith", "max_tokens=4096", "token_count: 123", "tokens_used=17"),
    *("auth_method=oauth", "authority=example.org", "monkey=1", "passed=12 failed=0", "pass_rate=0.93", "compass: 12"),
    *("pin_memory=True", "cookie_policy=strict", "session_timeout=30", "password_changed_at=2026-01-01", "token_type=Bearer"),
    *("is_password_valid=yes", "keyboard=qwerty", "primary_key=True", "sort_key=created_at", "key=user:2765:prefs"),
    *("license=Apache-2.0", "seed=42", "signature: (int, str) -> None", "pan=1.0, tilt=2.0", "status_code=E1234"),
    "Invalid token: expired",
    "Unexpected token < in JSON at position 0",
    "bearer token is malformed",
    "Password must be at least 8 characters",
    "password is required",
    "KeyError: 'password'",
    "token: str",
    "password: Option<String>",
    "def login(user: str, password: str) -> None:",
    "self.password = password",
    "password = getpass.getpass()",
    'token = request.headers.get("Authorization")',
    'api_key = os.environ["API_KEY"]',
    "secret = settings.SECRET_KEY",
    'auth=("user", pw)',
    "password=None",
    "password=${DB_PASSWORD}",
    "password: <your password>",
    "password: {{ .Values.password }}",
    "WHERE password = :password",
    "WHERE password = $1",
    "INSERT INTO users (name, password) VALUES (%s, %s)",
    'SELECT "auth_user"."password", "auth_user"."last_login" FROM "auth_user"',
    'INSERT INTO "s" ("session_key", "session_data", "expire_date") VALUES (%s, %s, %s)',
    "private_key: /run/secrets/key.pem",
    "password=********",
    "secret=[Filtered]",
    "token=xxxxxxxx",
    "authentication failure; logname= uid=0 euid=0 tty=ssh",
    "session opened for user root",
    "csrf token missing or incorrect.",
    "commit 3f2a9c1b8d7e6f5a4b3c2d1e0f9a8b7c6d5e4f3a",
    "build 20260401.1234 of shop@1.2.3+abcdef0123",
    "uuid 550e8400-e29b-41d4-a716-446655440000",
    "trace_id=36fc270290c44e9c9b78642c70cc371c",
    "image nginx@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "/srv/app/lib/python3.12/site-packages/flask/app.py",
    "node_modules/.pnpm/express@4.18.2/node_modules/express/lib/router.js",
    "/_next/static/chunks/pages/_app-7d1f2a3b4c5d6e7f.js",
    "at com.example.Foo$$Lambda$14/0x0000000800066840.run(Foo.java:12)",
    "git@github.com:org/repo.git",
    "foo@2x.png",
    "2026-11-24T10:00:00.123456Z",
    "Chrome/141.0.0.0 Safari/537.36",
    "version 1.2.3.4",
    "12:34:56",
    "ratio 1:2:3:4",
    "std::vector<std::string>::push_back",
    "id=4111111111111112",  # fails Luhn
    "ts=1764000000000",
    "Thread-1 (140688470907776)",
    "blk_-1608999687919862906",
    "container_1445144423722_0020_01_000001",
    "000-12-3456",  # an area no social security number has
    "DE89 3704 0044 0532 0130 01",  # fails mod 97
    "256.256.256.256",
    "2001::25de::cade",
    "pod shop-7d9f8c6b5d-abcde",
    "+08:00",
    "prompt_tokens=12, completion_tokens=40",
    "account: 4 items",
    "/a%3Fq%3Dsk_learn_preprocessing_data%26page%3D2%20of%203",
    "GET%20%2Fstatic%2Fchunks%2Fpages%2F_app-7d1f2a3b4c5d6e7f.js",
    "trace%3D36fc270290c44e9c9b78642c70cc371c%2Duuid%20550e8400-e29b-41d4-a716-446655440000",
    "caf%C3%A9_au_lait_with_milk_and_sugar",
    "at 100%ab and 50%20disk",
]


@each("text", READABLE)
def test_what_a_developer_needs_stays(text: str) -> None:
    assert cleaned(text) == text


def test_only_the_secret_leaves_and_the_text_around_it_stays() -> None:
    text = f"connect to postgres://app:{SECRET}@db.example/shop failed after 3 tries for jane@example.org"
    assert cleaned(text) == (
        "connect to postgres://app:[redacted:userinfo]@db.example/shop failed after 3 tries for [redacted:email]"
    )


def test_a_masked_token_keeps_its_kind() -> None:
    masked = "xox" + "b-" + "x" * 20
    assert cleaned(f"bot is configured as {masked}") == f"bot is configured as {masked}"


def test_upper_case_api_keys_and_wrong_checksums_are_told_apart() -> None:
    assert cleaned("API" + "-" + random_text(26, UPPER)) == "[redacted:token]"
    wallet = "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyX"
    assert "wallet" not in cleaned(wallet)


def test_the_table_of_rules_names_no_rule_too_long_for_the_stated_bound() -> None:
    from lib.redaction.patterns import TEXT_RULES
    from lib.redaction.text import PLACEHOLDER_CHARS_MAX, placeholder

    assert all(len(placeholder(rule.name)) <= PLACEHOLDER_CHARS_MAX and rule.removes for rule in TEXT_RULES)


def test_ids_and_times_stay_whole_and_are_told_by_their_form() -> None:
    drawn = random.Random(3)
    ids = ["".join(drawn.choices(alphabet, k=32)) for alphabet in ("0123456789abcdef", "0123456789") for _ in range(500)]
    ids += ["ba094dd0-3113-d648-7a15-4b0e3e773aac"]  # an IBAN for whoever looks at its first two groups
    ids += [str(uuid.UUID(int=drawn.getrandbits(128))) for _ in range(500)]
    times = ["2026-11-26T21:31:21Z", "2026-11-26 21:31:21.123456", "2026-11-26T21:31:21+01:00", "2026-11-26T21:31:21.5-0700"]
    ids += ["4b1d" + "5ca1ab1e" * 3 + "0123", "5ca1ab1e-4b1d-4000-8000-0123456789ab", "d1c4d2c6a21df240c014e259e041b305"]
    assert all(is_id(text) for text in [*ids, *times])
    assert [text for text in [*ids, *times] if clean(text).rules] == []
    assert redact({"extra": {"ids": ids, "times": times}}).payload["extra"] == {"ids": ids, "times": times}


@each(
    "text",
    ["4111111111111111", "DE89370400440532013000", "5ca1ab1e" * 4 + "\n", "5ca1ab1e" * 5, "2026-11-26", "a@example.org", ""],
)
def test_nothing_else_is_taken_for_an_id(text: str) -> None:
    assert not is_id(text)


def test_a_projects_pattern_finds_ids() -> None:
    found = redact({"extra": {"id": "5ca1ab1e" * 4}}, compile_rules(extra_patterns=["[0-9a-f]{32}"])).payload
    assert found["extra"] == {"id": "[redacted:custom]"}


def test_an_id_under_a_telling_name_is_removed() -> None:
    assert redact({"extra": {"api_key": "5ca1ab1e" * 4}}).payload["extra"] == {"api_key": "[redacted:api-key]"}
