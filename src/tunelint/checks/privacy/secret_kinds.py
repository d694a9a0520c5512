r"""What credentials look like: the public prefixes and lengths that their issuers document.

Issuers give keys a prefix so that scanners find them (GitHub's engineering blog, "Behind GitHub's new authentication token
formats", 2021). Which kinds are worth looking for was taken from the rule lists of gitleaks and detect-secrets; a rule
without a prefix of its own (a bare hexadecimal string near a word) is not here, because in prose and code most of its
findings are wrong: detect-secrets' default set reports five per GSM8K row.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecretKind:
    """`marks`: one of them stands in every secret of the kind. `pattern`: the secret, group 1 if there is one, between
    word boundaries. `keep`: how many first characters are public. `entropy`: least bits per character of the random part."""

    name: str
    placeholder: str
    marks: tuple[str, ...]
    pattern: str
    keep: int
    entropy: float = 3.0


_W = r"[A-Za-z0-9_-]"
_AN = r"[A-Za-z0-9]"
_END = r"(?![A-Za-z0-9_-])"
_START = r"(?<![A-Za-z0-9_])"


def _token(name: str, placeholder: str, prefix: str, body: str, keep: int | None = None, entropy: float = 3.0) -> SecretKind:
    return SecretKind(name, placeholder, (prefix,), f"{_START}{prefix}{body}{_END}", len(prefix) if keep is None else keep, entropy)


KINDS: tuple[SecretKind, ...] = (
    _token("Anthropic API key", "[ANTHROPIC_KEY]", "sk-ant-", rf"{_W}{{24,}}"),
    SecretKind("OpenRouter API key", "[OPENROUTER_KEY]", ("sk-or-",), rf"{_START}sk-or-(?:v1-)?{_W}{{32,}}", 6),
    # sk-proj-, sk-svcacct-, sk-admin- and sk-None- keys hold T3BlbkFJ in the middle; older keys are sk- and 48 letters or
    # digits. Services that speak OpenAI's API hand out sk- keys of 32 or more.
    SecretKind(
        "OpenAI API key", "[OPENAI_KEY]", ("sk-",),
        rf"{_START}sk-(?:(?:proj|svcacct|admin|None)-{_W}{{20,}}|{_AN}{{20}}T3BlbkFJ{_AN}{{20}}{_END}|(?=[A-Za-z]*[0-9]){_AN}{{32,64}}{_END})",
        3,
    ),
    SecretKind(
        "AWS access key id", "[AWS_KEY_ID]", ("AKIA", "ASIA", "ABIA", "ACCA"),
        rf"{_START}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}{_END}", 4, 2.8,
    ),
    SecretKind(
        "AWS secret access key", "[AWS_SECRET]", ("aws", "AWS", "Aws", "ecret", "ECRET"),
        r"(?i:aws.{0,30}?(?:secret|key|token)|secret_?access_?key).{0,30}?[^A-Za-z0-9/+]([A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])", 0, 4.0,
    ),
    SecretKind("GitHub token", "[GITHUB_TOKEN]", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), rf"{_START}gh[pousr]_{_AN}{{36,255}}{_END}", 4),
    _token("GitHub token", "[GITHUB_TOKEN]", "github_pat_", rf"{_AN}{{22}}_{_AN}{{59}}"),
    SecretKind(
        "GitLab token", "[GITLAB_TOKEN]", ("glpat-", "gldt-", "glrt-", "glptt-", "glsoat-", "glcbt-", "glft-"),
        rf"{_START}gl(?:pat|dt|rt|ptt|soat|cbt|ft)-{_W}{{20,}}", 3,
    ),
    _token("Google API key", "[GOOGLE_KEY]", "AIza", rf"{_W}{{35}}"),
    SecretKind("Google OAuth secret", "[GOOGLE_SECRET]", ("GOCSPX-",), rf"{_START}GOCSPX-{_W}{{28}}{_END}", 7),
    SecretKind("Google OAuth token", "[GOOGLE_TOKEN]", ("ya29.",), rf"{_START}ya29\.{_W}{{60,}}", 5),
    SecretKind("Slack token", "[SLACK_TOKEN]", ("xox",), rf"{_START}xox[abeoprs]-(?:[0-9]+-)*{_AN}{{10,}}(?:-{_AN}+)*", 5),
    SecretKind("Slack token", "[SLACK_TOKEN]", ("xapp-",), rf"{_START}xapp-[0-9]-[A-Z0-9]+-[0-9]+-{_AN}{{30,}}", 5),
    SecretKind(
        "Slack webhook", "[SLACK_WEBHOOK]", ("hooks.slack.com",),
        r"https://hooks\.slack\.com/(?:services|workflows|triggers)/[A-Z0-9]{6,}/[A-Z0-9]{6,}/[A-Za-z0-9]{16,}", 24,
    ),
    SecretKind(
        "Discord webhook", "[DISCORD_WEBHOOK]", ("api/webhooks/",),
        rf"https://(?:\w+\.)?discord(?:app)?\.com/api/webhooks/[0-9]{{17,20}}/{_W}{{60,}}", 20,
    ),
    SecretKind(
        "Discord bot token", "[DISCORD_TOKEN]", (".",),
        rf"{_START}[MNO][A-Za-z0-9]{{23,25}}\.[A-Za-z0-9_-]{{6}}\.{_W}{{27,38}}{_END}", 0, 4.0,
    ),
    SecretKind("Stripe key", "[STRIPE_KEY]", ("k_live_", "k_test_"), rf"{_START}[rs]k_(?:live|test)_{_AN}{{24,}}{_END}", 8),
    SecretKind("SendGrid key", "[SENDGRID_KEY]", ("SG.",), rf"{_START}SG\.{_W}{{22}}\.{_W}{{43}}{_END}", 3),
    SecretKind("Twilio API key", "[TWILIO_KEY]", ("SK",), rf"{_START}SK[0-9a-f]{{32}}{_END}", 2, 3.2),
    SecretKind("Mailgun key", "[MAILGUN_KEY]", ("key-",), rf"{_START}key-[0-9a-f]{{32}}{_END}", 4, 3.2),
    SecretKind("Mailchimp key", "[MAILCHIMP_KEY]", ("-us",), rf"{_START}[0-9a-f]{{32}}-us[0-9]{{1,2}}{_END}", 0, 3.2),
    _token("Hugging Face token", "[HF_TOKEN]", "hf_", rf"{_AN}{{34,40}}"),
    _token("Groq API key", "[GROQ_KEY]", "gsk_", rf"{_AN}{{40,}}"),
    _token("xAI API key", "[XAI_KEY]", "xai-", rf"{_AN}{{60,}}"),
    _token("Perplexity API key", "[PERPLEXITY_KEY]", "pplx-", rf"{_AN}{{40,}}"),
    _token("Replicate token", "[REPLICATE_TOKEN]", "r8_", rf"{_AN}{{37}}"),
    SecretKind("Fireworks API key", "[FIREWORKS_KEY]", ("fw_",), rf"{_START}fw_{_AN}{{22,}}{_END}", 3),
    _token("npm token", "[NPM_TOKEN]", "npm_", rf"{_AN}{{36}}"),
    _token("PyPI token", "[PYPI_TOKEN]", "pypi-AgE", rf"{_W}{{50,}}", keep=5),
    SecretKind("DigitalOcean token", "[DIGITALOCEAN_TOKEN]", ("_v1_",), rf"{_START}do[opr]_v1_[0-9a-f]{{64}}{_END}", 7, 3.2),
    _token("Databricks token", "[DATABRICKS_TOKEN]", "dapi", r"[0-9a-f]{32}(?:-[0-9])?", entropy=3.2),
    SecretKind("Shopify token", "[SHOPIFY_TOKEN]", ("shp",), rf"{_START}shp(?:at|ca|pa|ss)_[0-9a-fA-F]{{32}}{_END}", 6, 3.2),
    SecretKind("Square token", "[SQUARE_TOKEN]", ("sq0",), rf"{_START}sq0(?:atp|csp|idp)-{_W}{{22,43}}{_END}", 7),
    _token("Linear key", "[LINEAR_KEY]", "lin_api_", rf"{_AN}{{40}}"),
    SecretKind("Notion token", "[NOTION_TOKEN]", ("ntn_",), rf"{_START}ntn_{_AN}{{40,}}{_END}", 4),
    SecretKind("Telegram bot token", "[TELEGRAM_TOKEN]", (":AA",), rf"(?<![A-Za-z0-9_])[0-9]{{8,10}}:AA{_W}{{33}}{_END}", 0, 3.5),
    SecretKind("Yandex Cloud key", "[YANDEX_KEY]", ("AQVN",), rf"{_START}AQVN{_W}{{35,38}}{_END}", 4),
    SecretKind("Yandex Cloud token", "[YANDEX_TOKEN]", ("t1.",), rf"{_START}t1\.[A-Za-z0-9_-]+={{0,2}}\.{_W}{{86}}={{0,2}}", 3),
    SecretKind("VK token", "[VK_TOKEN]", ("vk1.a.",), rf"{_START}vk1\.a\.{_W}{{60,}}", 6),
    SecretKind("Azure storage key", "[AZURE_KEY]", ("AccountKey=",), r"AccountKey=([A-Za-z0-9+/]{86}==)", 0, 4.0),
    SecretKind(
        "Azure AD client secret", "[AZURE_SECRET]", ("Q~",),
        r"(?<![A-Za-z0-9_~.-])([A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34})(?![A-Za-z0-9_~.-])", 0,
    ),
    SecretKind("HashiCorp Vault token", "[VAULT_TOKEN]", ("hvs.",), rf"{_START}hvs\.{_W}{{90,}}", 4),
    SecretKind("age secret key", "[AGE_KEY]", ("AGE-SECRET-KEY-1",), r"AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}", 16),
    SecretKind("JSON web token", "[JWT]", ("eyJ",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{15,}\.eyJ[A-Za-z0-9_-]{15,}\.[A-Za-z0-9_-]{20,}", 3),
    SecretKind(
        "private key", "[PRIVATE_KEY]", ("PRIVATE KEY",),
        r"-----BEGIN (?:(?:RSA|DSA|EC|OPENSSH|ENCRYPTED|PGP|SSH2 ENCRYPTED) )?PRIVATE KEY(?: BLOCK)?-----"
        r"[A-Za-z0-9+/=\s\\:,.-]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=]{16,}(?![A-Za-z0-9+/=\s\\]))", 10, 0.0,
    ),
    SecretKind(
        "password in an address", "[CREDENTIALS]", ("://",),
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/?#\[\]@\"'<>{}$%]{1,64}:([^\s/?#\[\]@\"'<>{}$]{3,64})@(?=[\w\[])", 0, 1.5,
    ),
)  # fmt: skip
