"""Command lines, numbers of known forms and random strings behind telling words: what goes, and what resembles it and stays."""

from lib.redaction import redact
from tests.cases import each
from tests.lib.redaction.lookalikes import HEX, random_text

WEAK = "sommer" + "2024"  # nothing but its place tells
RANDOM, HEX32, HEX40 = random_text(20), random_text(32, HEX), random_text(40, HEX)


def cleaned(text: str) -> str:
    kept: str = redact({"message": text}).payload["message"]
    return kept


COMMANDS = [
    "net use Z: \\\\files\\share {} /user:bob",
    "net use \\\\files\\ipc$ /user:shop\\bob {}",
    "NET USE \\\\\\\\files\\\\share {}",
    "sqlcmd -S db -U sa -P {}",
    "osql -S db -U sa -P{}",
    "smbclient //files/share -U bob%{}",
    "mongosh -u bob -p {} orders",
    "mongodump --host db -u bob -p '{}'",
    "az login -u bob -p {}",
    "htpasswd -bB users bob {}",
    "unzip -P {} backup.zip",
    "curl -sS -u bob:{} https://shop.example",
    "curl -ubob:{} https://shop.example",
    "mysql -uroot -p{} orders",
    "db.shop.example:5432:orders:bob:{}",
    "*:*:*:postgres:{}",
    "10.0.0.7:5433:*:bob:{}",
    "bad line in .pgpass: 'localhost:5432:orders:bob:{}'",
]


@each("command", COMMANDS)
def test_a_password_leaves_a_command_line_by_its_place(command: str) -> None:
    assert WEAK not in cleaned(command.format(WEAK))
    assert WEAK not in cleaned(f"exit 1: {command.format(WEAK)}")
    lines = cleaned(f"first line\n{command.format(WEAK)}\nlast line").splitlines()
    assert [lines[0], lines[-1], len(lines)] == ["first line", "last line", 3]


def test_the_password_of_every_command_in_a_line_leaves() -> None:
    other = WEAK + "b"
    assert WEAK not in cleaned(f"ran mysql -uroot -p{WEAK} shop, then mysql -uroot -p{other} shop")


@each(
    "text",
    [
        "at 2001:5432:a:b:cdef",
        "net use Z: /delete",
        "net use \\\\files\\share /persistent:yes",
        "net use \\\\files\\share *",
        "unzip -q backup.zip",
        "unzip -P $PASSWORD backup.zip",
        "sqlcmd -S db -Q 'select 1'",
        "mongosh --port 27017 orders",
        "az group list -p x",
        "gunicorn: app:8000:worker:3:idle workers",
        "at app.js:120:15:shop:total",
        "registry.shop.example:5000/shop:1.2.3",
        "worker:8000:a:b:$PASSWORD",
    ],
)
def test_other_command_lines_and_places_stay(text: str) -> None:
    assert cleaned(text) == text


@each(
    ("text", "value"),
    [
        ("SIN: {}", "046 454 286"),
        ("social insurance number {}", "046-454-286"),
        ("EIN {}", "12-3456789"),
        ("Employer ID number {} not found", "12-3456789"),
        ("NIE {}", "X1234567L"),
        ('"nie": "{}"', "X-1234567-L"),
    ],
)
def test_a_number_of_a_known_form_leaves_behind_its_name(text: str, value: str) -> None:
    assert cleaned(text.format(value)) == text.format("[redacted:identity]")


@each("key", ["NIE", "nif", "EIN", "itin"])
def test_keys_of_identity_numbers_tell_of_digits_only(key: str) -> None:
    assert redact({"extra": {key: "12-3456789", "a": 1}}).payload["extra"] == {key: "[redacted:identity]", "a": 1}
    assert redact({"extra": {key: "auto"}}).payload["extra"] == {key: "auto"}


@each(
    "text",
    [
        "SIN: 046 454 287",  # a wrong checksum
        "sin 0.841470985",
        "NIE X1234567A",  # a wrong letter
        "ein 250000 mal",
        "noch nie 12345",
        "from 046 454 286 on",
        "order 12-3456789",
        "begin 12-3456789",
    ],
)
def test_numbers_of_other_forms_and_without_a_name_stay(text: str) -> None:
    assert cleaned(text) == text


@each(
    "text",
    ["invalid api key {}", "session {} not found", "session id {}", "secret ({}) revoked", "bad token '{}'", "Access key [{}]"],
)
@each("value", [RANDOM, HEX32, HEX40])
def test_a_random_string_directly_behind_a_telling_word_leaves(text: str, value: str) -> None:
    assert value not in cleaned(text.format(value))
    assert cleaned(text.format(value)).partition("[")[0].strip() == text.partition("{}")[0].partition("[")[0].strip()


@each(
    "text",
    [
        f"commit {HEX40}",
        f"session of commit {HEX40}",
        f"secretary {HEX40}",
        f"token bucket {HEX32}",
        f"tokens {HEX32}",
        "session 0x14f05578bd80006 closed",
        "session 123e4567-e89b-12d3-a456-426614174000 closed",
        "secret santa-claus-is-coming-to-town",
    ],
)
def test_what_resembles_it_stays(text: str) -> None:
    assert cleaned(text) == text
