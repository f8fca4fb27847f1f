"""Values that must be seen, values that must not, and the places they hide in.

Canaries are put together at run time, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable

from kb.sensitive.personal_data import passes_luhn

RANDOM = random.Random(7)
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"


def drawn(alphabet: str, length: int) -> str:
    """A random string with at least one digit, as keys have."""
    return "".join(RANDOM.choice(alphabet) for _ in range(length - 1)) + RANDOM.choice("23456789")


def url_safe(length: int) -> str:
    return drawn(ALNUM + "_-", length)


#: Kind of canary to its value: shapes as issuers document them.
SHAPED = {
    "AWS access key": "AK" + "IA" + drawn(string.ascii_uppercase + "234567", 16),
    "AWS temporary key": "AS" + "IA" + drawn(string.ascii_uppercase + "234567", 16),
    "GitHub classic": "gh" + "p_" + drawn(ALNUM, 36),
    "GitHub app": "gh" + "s_" + drawn(ALNUM, 36),
    "GitHub fine-grained": "github" + "_pat_" + drawn(ALNUM, 22) + "_" + drawn(ALNUM, 59),
    "GitLab": "gl" + "pat-" + url_safe(20),
    "Anthropic": "sk-" + "ant-api03-" + url_safe(93) + "AA",
    "OpenAI project": "sk-" + "proj-" + url_safe(74),
    "OpenAI legacy": "sk-" + drawn(ALNUM, 20) + "T3" + "BlbkFJ" + drawn(ALNUM, 20),
    "OpenRouter": "sk-" + "or-v1-" + drawn(HEX, 64),
    "Stripe live": "sk_" + "live_" + drawn(ALNUM, 24),
    "Stripe restricted": "rk_" + "live_" + drawn(ALNUM, 24),
    "Stripe webhook": "wh" + "sec_" + drawn(ALNUM, 32),
    "Slack bot": "xo" + "xb-" + "2" * 12 + "-" + "3" * 12 + "-" + drawn(ALNUM, 24),
    "Slack webhook": "https://hooks.slack" + ".com/services/T0" + drawn(string.ascii_uppercase, 8)
    + "/B0" + drawn(string.ascii_uppercase, 8) + "/" + drawn(ALNUM, 24),
    "Google API": "AI" + "za" + url_safe(35),
    "Google OAuth": "GOC" + "SPX-" + url_safe(28),
    "npm": "np" + "m_" + drawn(ALNUM, 36),
    "PyPI": "py" + "pi-AgEIcHlwaS5vcmc" + url_safe(80),
    "Hugging Face": "h" + "f_" + drawn(string.ascii_letters, 34),
    "SendGrid": "S" + "G." + url_safe(22) + "." + url_safe(43),
    "Twilio": "S" + "K" + drawn(HEX, 32),
    "DigitalOcean": "do" + "p_v1_" + drawn(HEX, 64),
    "Shopify": "shp" + "at_" + drawn(HEX, 32),
    "Databricks": "da" + "pi" + drawn(HEX, 32),
    "LangSmith": "ls" + "v2_pt_" + drawn(HEX, 32) + "_" + drawn(HEX, 10),
    "Groq": "gs" + "k_" + drawn(ALNUM, 52),
    "Linear": "lin" + "_api_" + drawn(ALNUM, 40),
    "Figma": "fi" + "gd_" + url_safe(40),
    "Grafana": "gl" + "sa_" + drawn(ALNUM, 32) + "_" + drawn(HEX, 8),
    "Vault": "hv" + "s." + url_safe(90),
    "Telegram": "62" + drawn("13456789", 8) + ":A" + "A" + url_safe(33),
    "JSON web token": "ey" + "J" + drawn(ALNUM, 33) + ".ey" + "J" + drawn(ALNUM, 60) + "."
    + url_safe(43),
    "Azure storage": "Account" + "Key=" + drawn(ALNUM + "+/", 86) + "==",
    "Discord": "MT" + drawn(ALNUM, 22) + ".Cl2" + drawn(ALNUM, 3) + "." + url_safe(38),
    "Square": "sq0" + "atp-" + url_safe(22),
    "Cloudflare user": "cf" + "ut_" + drawn(ALNUM, 40) + drawn(HEX, 8),
    "Cloudflare account": "cf" + "at_" + drawn(ALNUM, 40) + drawn(HEX, 8),
    "Google authorization": "A" + "Q.Ab8RN6" + url_safe(44),
    "PostHog personal": "ph" + "x_" + drawn(ALNUM, 43),
    "PostHog project": "ph" + "c_" + drawn(ALNUM, 43),
    "Pulumi": "pu" + "l-" + drawn(HEX, 40),
    "Linear OAuth": "lin" + "_oauth_" + drawn(HEX, 64),
    "Supabase secret": "sb" + "_secret_" + url_safe(31),
    "Supabase personal": "sb" + "p_" + drawn(HEX, 40),
    "Datadog personal": "dd" + "pat_" + drawn(ALNUM, 40),
    "Doppler": "dp" + ".pt." + drawn(ALNUM, 43),
    "Doppler service": "dp" + ".st.prd." + drawn(ALNUM, 43),
    "Contentful": "CF" + "PAT-" + url_safe(43),
    "Resend": "re" + "_" + "aB3" + drawn(ALNUM, 5) + "_" + drawn(ALNUM, 24),
    "Fireworks": "f" + "w_" + drawn(ALNUM, 24),
    "Anthropic admin": "sk-" + "ant-admin01-" + url_safe(93) + "AA",
    "Anthropic OAuth": "sk-" + "ant-oat01-" + url_safe(93) + "AA",
    "Cerebras": "cs" + "k-" + drawn(string.ascii_lowercase + "234567", 48),
    "Together": "tg" + "p_v1_" + url_safe(43),
    "xAI": "xa" + "i-" + drawn(ALNUM, 80),
    "ElevenLabs": "s" + "k_" + drawn(HEX, 48),
    "Weights & Biases": "wandb" + "_v1_" + drawn(ALNUM, 77),
    "Langfuse": "sk-" + "lf-" + "-".join(drawn(HEX, n) for n in (8, 4, 4, 4, 12)),
    "GitLab routable": "gl" + "pat-" + url_safe(27) + ".01." + drawn(HEX, 9),
    "Slack app": "xa" + "pp-1-A" + drawn(ALNUM, 10) + "-" + "4" * 13 + "-" + drawn(HEX, 64),
    "Vercel": "vc" + "p_" + drawn(ALNUM, 56),
    "Databricks numbered": "da" + "pi" + drawn(HEX, 32) + "-2",
    "AWS Bedrock": "AB" + "SK" + drawn(ALNUM, 128),
    "AWS session": "IQoJ" + "b3JpZ2lu" + drawn(ALNUM, 200),
    "Tailscale": "tsk" + "ey-auth-" + drawn(ALNUM, 12) + "-" + drawn(ALNUM, 32),
    "age": "AGE-SECRET" + "-KEY-1" + drawn("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
}  # fmt: skip

#: Secrets told by what stands around them.
NAMED = {
    "bearer header": "Authorization: " + "Bearer " + drawn(ALNUM, 40),
    "basic header": "Authorization: " + "Basic " + drawn(ALNUM, 24) + "==",
    "connection string": "postgres"
    + "://refunds:"
    + drawn(ALNUM, 14)
    + "@db.corp.net:5432/refunds",
    "connection string without user": "redis" + "://:" + drawn(ALNUM, 20) + "@cache.corp.net:6379",
    "environment variable": "DB_PASS" + "WORD=" + drawn(ALNUM, 14),
    "client secret": "client_sec" + "ret: " + drawn(ALNUM, 40),
    "AWS secret key": "aws_secret_access" + "_key = " + drawn(ALNUM + "/+", 40),
    "API key header": "X-Api" + "-Key: " + drawn(HEX, 32),
    "npmrc": "//registry.corp.net/:_auth" + "Token=" + drawn(HEX, 36),
    "YAML": "  api" + "Key: '" + drawn(ALNUM, 32) + "'",
    "sentence": "the pass" + "word is " + drawn(ALNUM, 12),
    "curl": "curl -u refunds" + ":" + drawn(ALNUM, 14) + " https://api.corp.net",
    "flag": "deploy --pass" + "word " + drawn(ALNUM, 14),
    "cookie": "Cookie: theme=dark; sid" + "=" + drawn(ALNUM, 40),
    "private key": "-----BEGIN RSA " + "PRIVATE KEY-----\n" + drawn(ALNUM, 64),
    "OpenSSH key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----\n" + drawn(ALNUM, 64),
    "query": "https://api.corp.net/v1?to" + "ken=" + drawn(ALNUM, 32),
    "password that begins with my": "postgres" + "://svc:my-Se" + "cr3t99@db.prod.corp.net/x",
    "password that begins with new": "postgres" + "://svc:new_Se" + "cr3t99@db.prod.corp.net/x",
    "password that begins with secret": "postgres" + "://svc:secret-9f8a" + "7b6c@db.corp.net/x",
    "password that begins with a dollar": "postgres" + "://svc:$9f8a" + "7b6cQQ@db.corp.net/x",
    "password with an at sign": "postgres" + "://svc:p@ssW" + "0rd99@db.prod.corp.net/x",
    "dollar in a name": "pass" + "word: $uperS" + "3cret99x",
    "words run together": "pass" + "word: correcthorse" + "battery",
    "marks and no digit": "DB_PASS" + "WORD=pa$$wo" + "rd!!x",
    "token of letters": "access_to" + "ken=" + "qkZjXwVbnMplKjhGfdSaQwErtYuioPzx",
    "token of small letters": "access_to" + "ken=" + "qkzjxwvbnmplkjhgfdsaqwertyuiopzx",
    "AWS secret key with a slash": "aws_secret_access" + "_key = /" + drawn(ALNUM + "/+", 39),
    "session": "session" + "_id=" + drawn(HEX, 32),
    "key of an address": "https://api.corp.net/v1?k" + "ey=" + drawn(HEX, 32),
    "code of an address": "https://app.corp.net/cb?co" + "de=4/0A" + url_safe(40),
    "table": "| API k" + "ey | " + drawn(HEX, 32),
    "password in a sentence": "the pass" + "word is now " + drawn(ALNUM, 12),
    "password without a verb": "with the pass" + "word " + drawn(ALNUM, 12),
    "log in": "log in with " + drawn(ALNUM, 11) + "!",
    "log in as somebody": "signed in as admin / " + drawn(ALNUM, 11) + "!",
    "pw": "pw: " + drawn(ALNUM, 12),
    "German word": "Pass" + "wort: " + drawn(ALNUM, 12),
    "vendor's name": "heroku" + "_prod = " + drawn(HEX, 40),
    "key in a log": "Using acme " + "Key=" + drawn(ALNUM, 32),
    "Azure shared access": "Shared" + "AccessKey=" + drawn(ALNUM + "+/", 43) + "=",
    "PuTTY key": "PuTTY-User-" + "Key-File-3: ssh-ed25519\nEncryption: none " + drawn(ALNUM, 20),
    "card security code": "cv" + "v: 731",
    "one-time code": "ot" + "p=482915",
    "Go declaration": "var northwindTok" + 'en string = "' + drawn(HEX, 32) + '"',
    "curl without a user": 'curl -u ":' + drawn(ALNUM, 14) + '" https://api.corp.net',
    "storage key": "const queue" + 'Key = "aB3+' + drawn(ALNUM + "/+", 82) + '=="',
}


def card(prefix: str, length: int) -> str:
    """A number with a fitting check digit."""
    body = prefix + "".join(RANDOM.choice(string.digits) for _ in range(length - len(prefix) - 1))
    return next(body + digit for digit in string.digits if passes_luhn(body + digit))


def grouped(digits: str, mark: str) -> str:
    return mark.join(digits[at : at + 4] for at in range(0, len(digits), 4))


PERSONAL = {
    "mail": "maria.keller@" + "gmail.com",
    "mail with tag": "j.doe+refunds@" + "mail.kunde.de",
    "mail with apostrophe": "sean.o'brien@" + "firm.ie",
    "mail in brackets": "Maria Keller <mk@" + "kunde.ch>",
    "US phone": "(415) 55" + "5-0132",
    "US phone with hyphens": "415-55" + "5-0132",
    "international phone": "+49 30 9018" + "20",
    "international phone, plain": "+44207946" + "0958",
    "French phone": "+33 1 23 45" + " 67 89",
    "named phone": "phone: 030 9018" + "2012",
    "Visa": card("4", 16),
    "Visa in groups": grouped(card("4", 16), " "),
    "Mastercard with hyphens": grouped(card("52", 16), "-"),
    "Mastercard, new range": card("2221", 16),
    "American Express": card("37", 15),
    "Discover": card("6011", 16),
    "IBAN": "DE89 3704 0044 05" + "32 0130 00",
    "social security": "219-09" + "-9999",
    "mail of a name that is a role": "dev.patel@" + "acme.io",
    "mail with a role after a dot": "jane.support@" + "acmecorp.com",
    "mail with a role before a name": "sales-bob@" + "acmecorp.com",
    "mail of a firm's adviser": "info.mueller@" + "gmx.de",
    "team at a free provider": "maria-team@" + "gmail.com",
    "mail in Moldova": "jane.doe@" + "acme.md",
    "mail in Serbia": "jane.doe@" + "acme.rs",
    "mail below zip": "jane.doe@" + "acme.zip",
    "German phone, dialled": "call 0171 2345" + "678",
    "British phone, dialled": "phone 07911 123" + "456",
    "phone in a sentence": "My phone number is 41586" + "75309",
    "Visa with no-break spaces": grouped(card("4", 16), "\u00a0"),
    "Visa with dots": grouped(card("4", 16), "."),
    "Visa after a name": "pan_" + card("4", 16),
    "IBAN in lower case": "de893704004405" + "32013000",
    "account number": "account_number: 77401" + "93385",
    "named social security": "SSN: 2190" + "99999",
    "forwarded address": "X-Forwarded-For: 5.9." + "23.17",
    "NHS number": "NHS number 943 476" + " 5919",
    "Aadhaar": "Aadhaar: 2341 2341" + " 2346",
    "Spanish DNI": "DNI 12345" + "678Z",
    "Italian codice fiscale": "RSSMRA85T10" + "A562S",
    "French INSEE": "1 84 12 76 451" + " 089 46",
    "French INSEE of Corsica": "1 84 12 2A 451" + " 089 33",
    "Canadian social insurance": "social insurance number 046 454" + " 286",
    "German tax number": "Steuer-ID 86 095" + " 742 719",
    "Brazilian CPF": "111.444.777" + "-35",
    "Brazilian CNPJ": "11.222.333/0001" + "-81",
    "Dutch BSN": "BSN: 1112" + "22333",
    "Polish PESEL": "PESEL 44051" + "401359",
    "Swedish personnummer": "personnummer 811218" + "-9876",
    "Chinese identity number": "11010519491231" + "002X",
    "mail spelled out": "jane.doe [at] " + "acme (dot) de",
    "IPv4": "84.112." + "77.19",
    "IPv6": "2a02:8108:" + "8ac0:1f00::17",
}

BENIGN = (
    "REDACTED_EMAIL_1 wrote from REDACTED_IP_1 with Authorization: Bearer REDACTED_SECRET_1",
    "customer@example.com, ops@sub.example.org, a.person@corp.test, x@service.internal",
    "192.0.2.17, 198.51.100.4, 203.0.113.99, 10.0.0.12, 127.0.0.1, 2001:db8::17, 8.8.8.8",
    "support@northwind.com, noreply@vendor.io, git@github.com:org/repo.git",
    "password: REDACTED_SECRET_1; api_key=${API_KEY}; token: <your token>; secret: changeme",
    "postgres://user:$PASSWORD@db/refunds and postgres://user:{password}@db/refunds",
    "the password is required; a bearer token authenticates; tokens: 128000; max_tokens=4096",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736, span 00f067aa0ba902b7, sha256 9f2c41d07781aa0b",
    "8c1d2e7f9a0b3c4d5e6f708192a3b4c5d6e7f809 is the commit, refunds-system@2026.04.1 the prompt",
    "idempotency_key: refund-7781-2026-04-12T03:14:12Z, cache_key=orders:7781:v2",
    "2026-04-12 14:02 UTC, 2026-04-12T14:02:00Z, 1772000000000, 1,640.36 CAD, 37,440 USD",
    "request 3f2504e0-4f89-11d3-9a0c-0305e82c3301 took 4 111 ms, order 7781-2026-0412",
    "nvidia-cudnn 9.1.0.70, chrome/124.0.6367.91, version 4.10.0.84",
    "task-management-service-v2-canary, risk-assessment-2026, sk-learn, desk-12345678",
    "icon@2x.png, actions/checkout@v4, name@sha256:9f2c41d0, @app.route",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx stands for a token",
    "session_id: 3f2504e0-4f89-11d3-9a0c-0305e82c3301, next_page_token: none, token_count: 4096",
    "binder-team@acme.io, no-reply@acme.io, it-support@acme.io, sales@gmail.com",
    "a@v2.md, module@1.2.zip, lib@main.py, logo@3x.png, agent@host.service",
    "password: my-secret-password; DB_PASSWORD=$DB_PASSWORD_2; pass: $password; pwd = ${PWD}",
    "postgres://app:your-password@db/x, postgres://app:changeme@db/x, mysql://app:%s@db/x",
    "secret: /run/secrets/db_password_v2, token: SessionTokenProviderFactory, key: ~/.ssh/id_rsa2",
    "the password is unauthenticated; password: authentication; api_key: internationalization",
    "key=9f8a, code=E1101, ?code=200, session_id=3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "call 12345678, phone model 0171, account number 0000000, otp was sent, cvv: none",
    "PASSING_RUN: pass27.json, run 27-1 passed; passenger: seat 27b-31; --password-file=/run/pw1",
    "AKIAIOSFODNN7EXAMPLE, wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY, sk-proj-xxxxxxxxxxxxxx",
    "key = process.env.KEY_2; password: os.environ['DB_PASSWORD']; token = secrets.get('x1y2z3')",
    "gpg: key ID 0xA1B2C3D4E5F60718, fingerprint 4AEE 18F8 3AFD EB23 A1B2 C3D4 E5F6 0718",
    "integrity sha512-q1w2e3r4t5y6u7i8o9p0a1s2d3f4g5h6j7k8l9zxcvbnm1q2w3e4r5t6y7u8i9o0p1==",
    "mkdir -p /srv/app2 && docker run -p 8080:80; security@acme.io, "
    "postmaster@acme.io, psirt@acme.io",
    "104.16.132.229, 151.101.1.69, "
    "https://cdn.acme.io/npm/@acme/vue@3.2.1/dist, 4242 4242 4242 4242",
    "the password uses PBKDF2WithHmacSHA256; log in with OAuth2 or SAML2; log in to web-01.acme.io",
    "from openai.auth import k8s_service_account_token_provider, cache key "
    "9a8b7c6d5e4f3a2b1c0d9e8f",
    "NHS number 943 476 5918, DNI 12345678A, CPF 11144477736, support [at] acme (dot) de",
    "lines 12-34-5678-9, 1-800 of 2400, page 123-456, 2026-04-12-refund-agent",
    'Token *pb.Data_GrantedToken `protobuf:"bytes,21,opt,name=granted_token,proto3,oneof"`',
    "Secret: &pb.SecretData_NorthwindOauth2ClientCredentials{}, x.GetNorthwindOAuth2AccessToken()",
    f'SnapshotKey: "{drawn(HEX, 64)}", "tokenBalance": "0x{drawn(HEX, 14)}"',
    f'"tokenAddress": "0x{drawn(HEX, 40)}", TOKEN_PROGRAM = from_string("{drawn(ALNUM, 44)}")',
    f'gamePubkey: "{drawn(ALNUM, 44)}"',
)


def prose(value: str) -> str:
    return f"The run logged {value} and went on."


def evidence(value: str) -> str:
    return f"```evidence\nTOOL_LOG: {value}\n```"


def code(value: str) -> str:
    return f"```\n$ echo '{value}'\n```"


def told(value: str) -> str:
    return json.dumps({"messages": [{"role": "tool", "content": f"got {value} back"}]})


def escaped(value: str) -> str:
    """JSON in which no character of the value stands as itself."""
    hidden = "".join(f"\\u{ord(c):04x}" for c in value)
    return f'{{"messages": [{{"content": "got {hidden} back"}}]}}'


def nested(value: str) -> str:
    arguments = json.dumps({"headers": {"x": f"see {value}"}})
    return json.dumps({"tool_calls": [{"function": {"arguments": arguments}}]})


def jsonl(value: str) -> str:
    return '{"step": 1}\n' + json.dumps({"step": 2, "content": f"got {value}"}) + "\n"


WRAPPINGS: dict[str, Callable[[str], str]] = {
    row.__name__: row for row in (prose, evidence, code, told, escaped, nested, jsonl)
}
