"""The simulator that `cargo xtask contract` has started, and its control interface, without any client library."""

import json
import os
import urllib.request
from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """An account of the simulator, with its two tokens."""

    account_id: str
    api_token: str
    read_token: str


BASE_URL = os.environ["CLOUDFLARE_BASE_URL"]
CONTROL_URL = os.environ["PCAPS_SIM_CONTROL_URL"]
TOKEN = os.environ["CLOUDFLARE_API_TOKEN"]


def ask(url: str, token: str, method: str = "GET", body: object = None) -> bytes:
    """The body of the answer to a request; an answer that is no success is an error."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


def control(method: str, path: str, body: object = None) -> object:
    """Asks the control interface."""
    return json.loads(ask(CONTROL_URL + path, TOKEN, method, body) or "null")


def advance(seconds: float) -> None:
    """Moves the simulator's clock on, and has it do what is to be done until then."""
    control("POST", "/clock", {"advance": seconds})


def new_account() -> Account:
    """One more account, with its own captures, buckets and limits."""
    made = control("POST", "/accounts")
    return Account(made["account_id"], made["api_token"], made["read_token"])


def api(account: Account, method: str, path: str, body: object = None) -> object:
    """Asks the service: what its answer has as `result`."""
    answer = ask(url(account, path), account.api_token, method, body)
    return json.loads(answer)["result"] if answer else None


def url(account: Account, path: str) -> str:
    """Where something below `…/pcaps` is."""
    return f"{BASE_URL}/accounts/{account.account_id}/pcaps{path}"
