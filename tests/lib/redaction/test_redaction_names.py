"""Which names tell that their value is a secret, and which only look so."""
# ruff: noqa: SIM905 -- paragraphs of words are easier to read and to extend than lists

import re2

from lib.redaction import names, redact
from lib.redaction.assignments import TELLING
from lib.redaction.names import ENDINGS, PAIRS, SURE, SURE_LAST, UNSURE, UNSURE_PAIRS, WITHIN, judge, rule_of_name
from lib.redaction.search import is_plain_key
from lib.redaction.text import is_suspect
from tests.cases import each

SECRET = """
    password passwd pwd pass userPassword user-password USER_PASSWORD new_password1 password2 password_confirmation password_hash
    db.pass smtp.password spring.datasource.password PGPASSWORD MYSQL_ROOT_PASSWORD mysqlpwd contraseña мой_пароль
    secret client_secret clientSecret SECRET_KEY_BASE webhook_secret token accessToken refresh_token api_token jfrogToken
    reset_password_token csrf_token csrfmiddlewaretoken X-CSRFToken authenticity_token _authToken id_token device_tokens
    api_key apiKey API-KEY x-api-key theapikeyforfoo SOFTLAYERAPIKEY private_key privateKey access_key
    aws_secret_access_key signing_key     encryptionKey account_key AccountKey license_key ssh_key
    Authorization Proxy-Authorization auth basic_auth http_auth
    authentication x-auth credentials creds cookie Cookie Set-Cookie cookies session_id sessionid JSESSIONID PHPSESSID
    otp totp cvv cvc cvv2 pin card_pin verification_code auth_code recovery_code ssn social_security_number card_number
    cardNumber creditCard iban passport_number tax_id connectionString connection_string jwt bearer mnemonic passphrase
    AmazonBedrockAPIKeyShortLivedToken 1password_api_token token_value secret_raw
""".split()
PLAIN = """
    author authors authority authored_by tokenizer tokenize detokenized secretary secretariat max_tokens token_count tokens
    tokens_used num_tokens prompt_tokens completion_tokens token_type token_url token_id token_expiry token_expires_at auth_method
    auth_type auth_url auth_provider auth_user password_policy password_validators password_changed_at password_field
    is_password_valid has_token use_secret_manager missing_token invalid_password secret_name secret_version api_key_id
    api_key_name cookie_policy cookie_path session_timeout session_count sessions passed passing pass_count pass_rate first_pass
    compass bypass_cache passenger pinned pinterest spin spinner pin_memory opinion keyboard monkey keynote hotkeys
    username email id name user status_code country_code error_code zip_code code_owner cache_miss commit_hash build_number
    release event_id trace_id span_id uuid discard card_type dashboard wildcard cardinality pancake company pan_gesture
    private public internal_note accessibility oauth_provider bearing tokenAmount credential_type max_password_length
""".split()


@each("name", SECRET)
def test_a_telling_name_is_told(name: str) -> None:
    verdict = judge(name)
    assert verdict is not None
    assert verdict.sure


@each("name", PLAIN)
def test_a_name_that_only_looks_telling_is_plain(name: str) -> None:
    verdict = judge(name)
    assert verdict is None or not verdict.sure


@each("name", ["key", "some_key", "cl_key", "MAILCHIMP_KEY", "sid", "signature", "salt", "access_id", "code"])
def test_a_vague_name_wants_a_random_value(name: str) -> None:
    verdict = judge(name)
    assert verdict is not None
    assert not verdict.sure


def test_words_are_split_at_case_digits_and_separators() -> None:
    assert names.words("userAPIKey2-old_value.x") == ["user", "api", "key", "old", "value", "x"]


def test_no_telling_word_escapes_the_search_for_telling_words() -> None:
    """The quick search over keys and texts must find a part of every word that a verdict can come from."""
    search = re2.compile(f"(?i){TELLING}")
    single = [*SURE, *ENDINGS, *WITHIN, *SURE_LAST, *UNSURE]
    paired = ["_".join(pair) for pair in (*PAIRS, *UNSURE_PAIRS)]
    assert [word for word in single + paired if word.isascii() and search.search(word) is None] == []


def test_a_long_name_costs_no_more_than_its_last_part() -> None:
    assert judge("x" * 1_000_000 + "_password") is not None
    assert judge("password" + "_x" * 1_000_000) is None


FORMS = "{} user_{} user{C} {}_new {}New my-{} {}2 2{} my.{}.raw {U} USER_{U}".split()
PARTS = [*names.WORDS, *(f"{first}{joint}{last}" for first, last in PAIRS for joint in ("", "_", "-"))]
SPELLED = [form.format(part, C=part.capitalize(), U=part.upper()) for part in PARTS if part.isascii() for form in FORMS]


def test_every_telling_name_is_one_that_text_is_searched_for() -> None:
    """So a text that no rule wants to look at is no name of what stands after it, and need not be judged."""
    told = [name for name in SPELLED if rule_of_name(name)]
    assert len(told) > 3_000
    assert [name for name in told if not is_suspect(name)] == []


def test_no_telling_key_is_taken_for_a_plain_one() -> None:
    told = [name for name in SPELLED if judge(name)]
    assert len(told) > 3_000
    assert [name for name in told if is_plain_key(name)] == []


def test_short_words_tell_as_words_of_a_name_only() -> None:
    for name in "hotel telemetry being protein waiting vehicle_id particle pwned spawn".split():
        assert rule_of_name(name) is None
    for name in "user_tel userTel customer_fax faxNew my_ein userDni user_mdp dbpw_value adminPwNew".split():
        assert rule_of_name(name) is not None


def test_a_word_that_may_be_a_secret_is_not_remembered_as_a_name() -> None:
    redact({"extra": {"list": ["--password", "correcthorsebattery"], "pair": {"name": "staplepurple", "value": 1}}})
    before = names._judge_word.cache_info()
    assert rule_of_name("correcthorsebattery") is rule_of_name("staplepurple") is None
    after = names._judge_word.cache_info()
    assert (after.hits, after.misses) == (before.hits, before.misses)
