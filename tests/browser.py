"""A headless Chromium, driven over WebDriver by chromedriver, with nothing beyond Python itself."""

import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.error
import urllib.request

# Seconds.
DEADLINE = 30


def request(method, url, body=None, token=None):
    """What an HTTP server answers: a status, and JSON if it is."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    content = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    asked = urllib.request.Request(url, content, headers, method=method)
    try:
        with opener.open(asked, timeout=DEADLINE) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as answer:
        status, text = answer.code, answer.read()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None


def until(what, look):
    """Looks until there is something to be seen, and gives that."""
    end = time.monotonic() + DEADLINE
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.05)


class Browser:
    """A headless Chromium, and what it noticed."""

    def __init__(self, profile):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                self.url = f"http://127.0.0.1:{found[1]}/session"
                break
        arguments = ["--headless=new", "--no-proxy-server", "--disable-dev-shm-usage", f"--user-data-dir={profile}"]
        arguments += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        wanted = {
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        answer = self.ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        self.url += f"/{answer['sessionId']}"
        self.version = f"{answer['capabilities']['browserName']} {answer['capabilities']['browserVersion']}"

    def ask(self, method, path, body=None):
        status, answer = request(method, self.url + path, body)
        assert status == 200, answer["value"]["message"]
        return answer["value"]

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        return self.ask("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def text(self):
        return self.run("return document.body.innerText")

    def row(self, text):
        """What is in the row that has this text, or nothing."""
        script = """
            const rows = [...document.querySelectorAll("tbody tr")].filter((it) => it.innerText.includes(arguments[0]));
            return rows.map((it) => it.innerText)
        """
        rows = self.run(script, text)
        assert len(rows) < 2, rows
        return rows[0] if rows else None

    def size(self, width, height=900):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def scheme(self, name):
        self.devtools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def picture(self, folder, name):
        if folder:
            shot = self.devtools("Page.captureScreenshot", captureBeyondViewport=True)
            pathlib.Path(folder, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def console(self):
        """What is new in the browser's console, errors of the network included."""
        return [it["message"] for it in self.ask("POST", "/se/log", {"type": "browser"})]

    def requests(self):
        """What was asked for since the last time: types and URLs."""
        messages = [json.loads(it["message"])["message"] for it in self.ask("POST", "/se/log", {"type": "performance"})]
        asked = [it["params"] for it in messages if it["method"] == "Network.requestWillBeSent"]
        return [(it["type"], it["request"]["url"]) for it in asked]

    def end(self):
        with contextlib.suppress(Exception):
            self.ask("DELETE", "")
        self.driver.terminate()
        self.driver.wait(DEADLINE)
