"""What a name says about its value: `accessToken` names a token, `tokenizer`, `max_tokens` and `author` do not.

A name is split into words (camelCase, snake_case, kebab-case, dots), and words decide, never substrings: that is
what keeps `secretary` and `compass_heading` readable. Names come from keys of maps, from `name=value` in free text,
from command-line flags and from headers.
"""
# ruff: noqa: SIM905 -- paragraphs of words are easier to read and to extend than lists

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

NAME_CHARS_MIN, NAME_CHARS_MAX = 2, 96

# Linear: every alternative starts with another class of character, and names are cut to NAME_CHARS_MAX before.
_WORDS = re.compile(r"[A-Z]+(?![^\W\dA-Z_])|[A-Z]?[^\W\dA-Z_]+|\d+")


_PLACEHOLDER = re.compile(r"\[redacted:[a-z-]{1,20}\]")


class Verdict(NamedTuple):
    """What a name says: the rule's name, and whether it is sure of itself or wants the value to look random too."""

    rule: str
    sure: bool


def _table(families: dict[str, str]) -> dict[str, str]:
    return {word: rule for rule, words in families.items() for word in words.split()}


# One word is enough.
SURE = _table(
    {
        "password": """password passwd passphrase passwort passcode pwd pswd passw pword psw psk passkey
            dbpw contraseña contrasena contrasenya senha senhas wachtwoord mdp motdepasse parola haslo hasło lösenord losenord
            salasana kennwort losungswort heslo jelszó jelszo passord adgangskode şifre sifre sandi пароль""",
        "secret": """secret secrets mnemonic seedphrase geheimnis secreto segredo segreto hemlighet секрет""",
        "token": "token jwt bearer csrf xsrf authtoken jeton токен",
        "credentials": "credential credentials creds cred zugangsdaten",
        "auth": "authorization oauth2token",
        "cookie": "cookie cookies",
        "session": "sessionid sessid jsessionid phpsessid aspsessionid sessiontoken aspxauth rememberme",
        "api-key": """apikey apikeys accesskey secretkey privatekey authkey licensekey appkey signingkey encryptionkey
            privkey""",
        "one-time": "otp totp cvv cvc cvv2 cvc2 pincode mpin tpin geheimzahl sicherheitscode zugangscode toegangscode",
        "ssn": """ssn nino cpf cnpj curp dni pesel personnummer aadhaar aadhar bsn tfn steuernummer steuerid
            codicefiscale burgerservicenummer""",
        "card": "cardnumber creditcard ccnumber ccnum kreditkartennummer kartennummer",
        "account": "iban kontonummer",
        "phone": "phone telephone telefon telefonnummer phonenumber cellphone mobilephone msisdn",
        "identity": "dob birthdate dateofbirth geburtsdatum nif nie ein itin",
    }
)
# A fused word (`mysqlpassword`, `jfrogtoken`, `softlayerapikey`) ends in one of these.
ENDINGS = _table(
    {
        "password": "password passwd passphrase passwort pwd",
        "secret": "secret",
        "token": "token",
        "api-key": "apikey accesskey secretkey privatekey",
        "session": "sessionid sessid",
        "credentials": "credentials",
    }
)
# The same where the value must look random too: `mailchimpkey`, `sentrysid`.
UNSURE_ENDINGS = _table({"api-key": "key schlüssel schluessel sleutel", "session": "sid"})
_UNSURE_TAILS = tuple(UNSURE_ENDINGS)
# A fused word contains one of these (`theapikeyforfoo`, `passwordfield`): long enough never to be part of another word.
WITHIN = {
    **dict.fromkeys(
        ("password", "passwd", "passphrase", "passwort", "kennwort", "contrase", "motdepasse", "wachtwoord"), "password"
    ),
    "apikey": "api-key",
}
# Where words are not separated, or letters are not those of English: part of a name is enough.
FOREIGN = _table(
    {
        "password": """пароль 密码 密碼 口令 パスワード 暗証番号 비밀번호 암호 lösenord hasło jelszó şifre contraseña
            รหัสผ่าน كلمةالمرور סיסמה""",
        "secret": "секрет 秘密 機密 密钥 密鑰 シークレット",
        "token": "токен 令牌 トークン 토큰",
    }
)
# Two words in this order.
PAIRS: dict[tuple[str, str], str] = {
    **{(first, "key"): "api-key" for first in """api access private secret signing encryption master auth account
        shared storage license service ssh deploy priv session client db database admin app hmac crypto cipher
        decryption consumer subscription secure webhook server aes rsa pgp gpg""".split()},
    **{(first, "keys"): "api-key" for first in "api access private secret signing encryption ssh".split()},
    **{(first, "tokens"): "token" for first in "access refresh auth api bearer session csrf id device push".split()},
    **{(first, "id"): "session" for first in "session sess".split()},
    **{(first, second): "one-time" for second in ("code", "codes") for first in """security auth authorization verification
        otp recovery backup access mfa totp card pin reset activation sms""".split()},
    **{(first, second): "password" for second in ("pass", "pw") for first in """db database user my mysql pg smtp ftp mail
        email admin root login http proxy redis key store sl cl vpn ssh wifi account app api imap ldap sudo""".split()},
    **{(key, what): "api-key" for key in ("cle", "clé", "clave", "chave", "chiave") for what in """api secreta secrete secrète
        segreta privada privee privée privata acceso acces accès acesso accesso""".split()},
    **{(what, "sleutel"): "api-key" for what in ("api", "geheime")},
    **{(what, key): "api-key" for what in ("api", "geheimer", "privater") for key in ("schlüssel", "schluessel")},
    **{(first, second): "card" for first in ("card", "cc", "pan") for second in ("no", "num", "nr", "number")},
    **{(first, second): "account" for first in ("account", "acct", "passport") for second in ("no", "num", "nr", "number")},
    **{(first, second): "account" for first in ("driver", "drivers", "driving") for second in ("license", "licence")},
    **{(first, "number"): "ssn" for first in "identity identification insurance medicare".split()},
    **{(first, "phrase"): "secret" for first in ("seed", "recovery", "backup", "wallet")},
    **{(first, "answer"): "secret" for first in ("security", "secret", "question")},
    **{(first, "verifier"): "one-time" for first in ("oauth", "code", "pkce")},
    **{(first, second): "credentials" for first in ("saml", "client") for second in ("assertion", "response")
       if (first, second) != ("client", "response")},
    **{(first, "pin"): "one-time" for first in "user card sim device security your my new old atm bank login".split()},
    **{(first, "auth"): "auth" for first in "http basic proxy x api digest bearer".split()},
    **{(first, "number"): "account" for first in "account passport license iban routing".split()},
    ("card", "number"): "card", ("cc", "number"): "card", ("credit", "card"): "card", ("debit", "card"): "card",
    ("social", "security"): "ssn", ("tax", "id"): "ssn", ("national", "id"): "ssn",
    ("connection", "string"): "credentials", ("conn", "str"): "credentials", ("conn", "string"): "credentials",
    ("two", "factor"): "one-time", ("pass", "phrase"): "password", ("pass", "word"): "password",
    ("pass", "code"): "password", ("pass", "wd"): "password", ("o", "auth"): "auth", ("bank", "account"): "account",
    ("tax", "identification"): "ssn", ("tax", "number"): "ssn", ("national", "insurance"): "ssn", ("codice", "fiscale"): "ssn",
    ("mật", "khẩu"): "password", ("mat", "khau"): "password", ("memorable", "word"): "password",
    ("birth", "date"): "identity", ("of", "birth"): "identity", ("mobile", "number"): "phone",
    ("connection", "str"): "credentials",
    ("remember", "me"): "session", ("cf", "clearance"): "session", ("magic", "link"): "token", ("wpa", "passphrase"): "password",
}  # fmt: skip
# The same in one word, as in `userpass`; pairs too short to be told from another word are left out.
FUSED = {first + second: rule for (first, second), rule in PAIRS.items() if len(first + second) >= 6}
PAIRS["de", "passe"] = "password"
UNSURE_PAIRS = {("access", "id"): "api-key", ("client", "id"): "api-key", ("app", "id"): "api-key"}
# These alone say something only where they stand last (`auth`, `db.auth`, `pass`), or where the value looks random.
SURE_LAST = {"auth": "auth", "pan": "card", "pass": "password", "pin": "one-time", "authentication": "auth", "otps": "one-time",
    "pw": "password", "clave": "password", "geheim": "secret", "passport": "account", "mobile": "phone", "tel": "phone",
    "fax": "phone"}  # fmt: skip
UNSURE = _table(
    {
        "api-key": """key keys license licence seed salt sas webhook accessid clientid pkey cle clé chave chiave sleutel schlüssel
            schluessel nyckel ключ""",
        "session": "session sess sid ticket",
        "signature": "signature sig",
        "token": "auth code",
    }
)

# Every word that a verdict can come from.
WORDS = frozenset(
    [*SURE, *ENDINGS, *WITHIN, *FOREIGN, *SURE_LAST, *UNSURE, *UNSURE_ENDINGS, *(word for pair in PAIRS for word in pair)]
)

# A last word that turns the name into something about the secret: `token_type`, `password_policy`, `auth_url`.
ABOUT = frozenset(
    """type types method methods name names url urls uri uris endpoint endpoints path paths file files filename dir
    count counts counter counters used usage usages limit limits max min size sizes length len expiry expires expired
    expiration expire exp ttl age at date time timestamp created updated issued valid validity validator validators
    validation validate invalid required require enabled disabled status strength policy policies provider providers
    backend backends class classes service services server manager handler handlers factory factories model models
    module form forms field fields label column columns index position pos kind scheme schemes version algorithm alg
    format regex pattern prefix suffix source scope scopes role roles user username users group groups error errors
    message messages msg exception exceptions failure failures failed fail attempt attempts retries rotation changed
    flow flows mode level plugin middleware view views page pages link links hint hints host hosts port region domain
    issuer audience bucket budget cost price rate ratio per window stream iterator parser generator encoder decoder
    cache caches store storage lookup map table ids present exists found missing set unset ok reset resets hashers
    hasher verified verification verifier check checker checks success needed supported allowed allow strategy adapter
    client clients request requests response responses callback event events listener test tests spec controller
    guard filter filters router routes route property properties option options settings config configuration context
    conf params parameters param parameter args kwargs func function helper helpers util utils mixin cls interface
    placeholder input button dialog screen text title icon image visible hidden changed changer management id
    alias aliases arn ref refs reference references probability probabilities logprobs budget price embedding
    embeddings vocab stats statistics bytes day days hour hours minute minutes second seconds ms left remaining
    total sum amount amounts avg average mean delta loss index indices offset offsets start end begin first last next prev
    """.split()
)
# A first word that asks a question or counts: `is_password_valid`, `max_tokens`, `has_token`.
ASKS = frozenset(
    """is are has have use uses using should can could needs need requires require required allow allows allowed
    enable enabled disable disabled max min num no number n total count avg missing invalid expired wrong bad show hide
    forgot forget without unexpected validate verify check ensure supports support if not""".split()
)
# Words that say nothing after a telling word: `password_raw`, `secret_value`.
SILENT = frozenset(
    "value values raw str string b64 base64 encoded plain plaintext new old current default env var data header".split()
)
# Before "pass" these mean a turn, not a password; before "key" these mean a place in a data structure.
TURNS = frozenset("first second third next last previous low high band single multi two one by boarding day".split())
PLACES = frozenset(
    """cache primary foreign public sort partition routing idempotency ref object dict row column hash map lookup
    index group order s3 redis storage item field query config setting i18n translation locale message event issue
    project metric tag label registry data json yaml header pub natural composite unique surrogate candidate
    left right up down arrow press pressed enter shift ctrl alt hot short status error exit response http country zip
    postal currency language lang product source byte op char char reason return area dial promo coupon discount qr
    color colour sku bar""".split()
)


def words(name: str) -> list[str]:
    """`name` as lower-case words; digits are dropped except inside known words such as `cvv2`."""
    return [word.lower() for word in _WORDS.findall(name[-NAME_CHARS_MAX:]) if not word.isdigit()]


def judge_common(name: str) -> Verdict | None:
    """`judge`, remembered for the words that all programs share. What is no such word may be a secret itself: it is forgotten."""
    return _judge_word(name) if name.lower() in WORDS else judge(name)


@lru_cache(maxsize=2_000)
def _judge_word(name: str) -> Verdict | None:
    return judge(name)


def judge(name: str, extra: frozenset[tuple[str, ...]] = frozenset()) -> Verdict | None:
    """What `name` says about its value, or None where it says nothing. `extra`: a project's own names, as words."""
    parts = words(_PLACEHOLDER.sub(" ", name) if "[redacted:" in name else name)
    if not parts:
        return None
    if extra and _holds(parts, extra):
        return Verdict("custom", sure=True)
    for index in range(len(parts) - 1, -1, -1):
        verdict = _word(parts, index)
        if verdict is not None and verdict.sure:
            return verdict if _is_value(parts, index) else None
        if verdict is not None and not _after(parts, index):
            return verdict
    return None


def rule_of_name(text: str, extra: frozenset[tuple[str, ...]] = frozenset()) -> str | None:
    """The rule of a text that is nothing but a telling name or flag, as `password` or `--api-key`."""
    if len(text) > NAME_CHARS_MAX or not text.strip("-").replace("-", "_").replace(".", "_").isidentifier():
        return None
    verdict = judge(text, extra) if extra or not text.strip("-").isalpha() else judge_common(text)
    return verdict.rule if verdict is not None and verdict.sure else None


def _holds(parts: list[str], extra: frozenset[tuple[str, ...]]) -> bool:
    return any(tuple(parts[start : start + len(name)]) == name for name in extra for start in range(len(parts) - len(name) + 1))


def _word(parts: list[str], index: int) -> Verdict | None:
    word = parts[index]
    pair = PAIRS.get((parts[index - 1], word)) if index else None
    if pair is not None:
        return Verdict(pair, sure=True)
    rule = SURE.get(word) or _fused(word)
    if rule is not None:
        return Verdict(rule, sure=True)
    before = parts[index - 1] if index else ""
    if word in SURE_LAST and before not in TURNS and not _after(parts, index):
        return Verdict(SURE_LAST[word], sure=True)
    unsure = UNSURE_PAIRS.get((before, word)) or (_unsure(word) if before not in PLACES else None)
    return Verdict(unsure, sure=False) if unsure else None


def _unsure(word: str) -> str | None:
    if word in UNSURE or not word.endswith(_UNSURE_TAILS):
        return UNSURE.get(word)
    return next(rule for ending, rule in UNSURE_ENDINGS.items() if word.endswith(ending))


def _fused(word: str) -> str | None:
    if not word.isascii():
        for part, rule in FOREIGN.items():
            if part in word:
                return rule
    if word in FUSED:
        return FUSED[word]
    if len(word) < 7:
        return None
    for part, rule in WITHIN.items():
        if part in word:
            return rule
    for ending, rule in ENDINGS.items():
        if word.endswith(ending):
            return rule
    return None


def _is_value(parts: list[str], index: int) -> bool:
    """Whether the telling word at `index` names the secret itself and not something about it."""
    if index and parts[0] in ASKS:
        return False
    after = _after(parts, index)
    return not after or after[-1] not in ABOUT


def _after(parts: list[str], index: int) -> list[str]:
    return [part for part in parts[index + 1 :] if part not in SILENT]
