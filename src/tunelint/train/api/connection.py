"""Where the API is and how it is reached. Secrets are read from the environment when they are needed, and kept nowhere.

What run.json holds is the address and the *names* of environment variables: a resumed run reads the values again.
"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tunelint.errors import MissingExtraError, TunelintError

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_KEY = "OPENAI_API_KEY"
_AZURE = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
_KEY_LIKE = re.compile(r"\b(?:sk|sess)-[\w*-]+|(?<=Bearer )\S+")


@dataclass(frozen=True)
class Connection:
    """An endpoint. `key` and `headers` hold secrets: neither is shown, written or compared."""

    base_url: str
    key_name: str
    key: str | None
    headers: dict[str, str]
    timeout: float

    def __repr__(self) -> str:
        return f"Connection({self.base_url!r})"

    @property
    def host(self) -> str:
        """The host in the address."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def is_openai(self) -> bool:
        """Whether this is OpenAI's own service, with its closing dates."""
        return self.host == "api.openai.com"

    @property
    def is_azure(self) -> bool:
        """Whether this is Azure's v1 API, which wants a byte order mark in front of JSONL files.

        See https://learn.microsoft.com/azure/ai-foundry/openai/how-to/fine-tuning.
        """
        return self.host.endswith(_AZURE)

    def client(self) -> Any:
        """Return an openai client that never retries by itself: what may be repeated is decided here.

        Raises MissingExtraError without the package.
        """
        try:
            import openai
        except ImportError as error:
            raise MissingExtraError("training through an API", "openai") from error
        # A client without a key refuses to start; services without keys ignore this word.
        return openai.OpenAI(
            api_key=self.key or "none",
            base_url=self.base_url,
            max_retries=0,
            timeout=self.timeout,
            default_headers=self.headers,
        )

    def redact(self, text: str) -> str:
        """Return the text without the key and the header values, and without anything that looks like a key."""
        for secret in (self.key, *self.headers.values()):
            if secret and len(secret) >= 4:
                text = text.replace(secret, "***")
        return _KEY_LIKE.sub("***", text)


def connect(options: dict[str, Any]) -> Connection:
    """Read the options of a plan. Raises TunelintError for a bad address, or a variable that is not set.

    `OPENAI_API_KEY` goes to OpenAI's own address and to one that the user gave beside it in `OPENAI_BASE_URL`; to
    another address only when it is named by `api_key_env`: nobody's key is sent to a stranger.
    """
    given = options.get("base_url")
    base_url = address(str(given or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL))
    beside = not given and bool(os.environ.get("OPENAI_BASE_URL"))
    own = urlsplit(base_url).hostname == "api.openai.com"
    named = options.get("api_key_env")
    key_name = str(named or OPENAI_KEY)
    key = os.environ.get(key_name, "").strip() if named or own or beside else ""
    if not key and (named or own):
        raise TunelintError(f"The environment variable {key_name} is not set: put the API key of {base_url} into it.")
    headers = {}
    for header, variable in dict(options.get("headers_env") or {}).items():
        value = os.environ.get(variable, "").strip()
        if not value:
            raise TunelintError(f"The environment variable {variable}, for the header {header}, is not set.")
        headers[header] = value
    if (key or headers) and base_url.startswith("http:") and not is_loopback(urlsplit(base_url).hostname or ""):
        raise TunelintError(f"{base_url} is not encrypted, and a key would be sent to it: use https.")
    return Connection(base_url, key_name, key or None, headers, float(options.get("timeout") or 60.0))


def address(given: str) -> str:
    """Return the base URL as the client wants it. Azure's resource address alone gets its v1 path."""
    parts = urlsplit(given if "://" in given else f"https://{given}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise TunelintError(f"--base-url {given!r} is no web address: write https://HOST/v1.")
    if parts.username or parts.password:
        raise TunelintError("--base-url holds a user name or password: put the key into a variable, see --api-key-env.")
    if parts.query or parts.fragment:
        raise TunelintError("--base-url holds a query: it ends with the path, as in https://HOST/v1.")
    path = parts.path.rstrip("/")
    if parts.hostname.endswith(_AZURE) and path in ("", "/openai"):
        path = "/openai/v1"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
