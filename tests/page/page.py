"""The simulator's page in a real browser: python3 page.py PCAPS [SCREENSHOTS]

PCAPS is the program, SCREENSHOTS a folder to leave pictures in. Takes chromium and chromedriver. Nothing here sleeps for a
fixed time and hopes: what is to happen is looked for until it has, or until DEADLINE.
"""

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from browser import DEADLINE, Browser, request, until

BUCKET = "r2://captures/edge?account-id=acc&access-key-id=r2-key-id&secret-access-key=r2-secret"

# Runs in the page before its own script: what is refused to it, and what it still has to do.
WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation", (it) => violations.push(`${it.violatedDirective} ${it.blockedURI}`));
window.timers = new Set();
window.fetches = { begun: 0, ended: 0 };
const [set, clear, ask] = [setTimeout, clearTimeout, fetch];
window.setTimeout = (what, after) => {
  const timer = set(() => { timers.delete(timer); what(); }, after);
  timers.add(timer);
  return timer;
};
window.clearTimeout = (timer) => { timers.delete(timer); clear(timer); };
window.fetch = async (...what) => {
  fetches.begun += 1;
  try { return await ask(...what); } finally { fetches.ended += 1; }
};
"""


class Simulator:
    """A `pcaps sim` of its own, with its buckets in a folder."""

    def __init__(self, program, buckets):
        arguments = [program, "sim", "--unlimited", "--control", "127.0.0.1:0", "--json", "--buckets", str(buckets)]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        document = ""
        for line in self.process.stdout:
            document += line
            if line.startswith("}"):
                break
        said = json.loads(document)
        self.base_url, self.token, self.control_url = said["base_url"], said["api_token"], said["control_url"]
        self.account_id = said["account_id"]
        self.page_url = self.base_url.removesuffix("client/v4")

    def ask(self, method, path, body=None):
        return request(method, f"{self.base_url}/accounts/{self.account_id}/pcaps{path}", body, self.token)

    def done(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        assert status == 200, (status, answer)
        return answer["result"]

    def control(self, path, body):
        status, answer = request("POST", self.control_url + path, body, self.token)
        assert status in (200, 204), (status, answer)

    def sample(self, **fields):
        body = {"type": "simple", "system": "magic-transit", "time_limit": 5, "packet_limit": 100}
        return self.done("POST", "", body | fields)["id"]

    def end(self):
        """As a service manager does it. Gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(DEADLINE)


def it_is_live(simulator, browser):
    """What happens is seen on the open page."""
    browser.devtools("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    # What the browser itself begins with.
    browser.open("about:blank")
    browser.requests()
    browser.open(simulator.page_url)
    assert browser.run("return document.title") == "Packet captures, simulated"
    assert simulator.account_id in browser.text()
    # Gone as soon as the page is loaded anew.
    browser.run("window.stayed = true")

    one = simulator.sample(filter_v1={"protocol": 17, "destination_port": 53})
    row = until("a sample", lambda: browser.row(one))
    assert "success" in row and "proto 17 and dst port 53" in row, row

    bucket = simulator.done("POST", "/ownership", {"destination_conf": BUCKET})
    row = until("a bucket", lambda: browser.row(bucket["filename"]))
    assert "pending" in row and "r2://captures/edge" in row, row

    simulator.control("/faults", {"operation": "list_captures", "fault": {"answer": {"status": 503}}})
    assert simulator.ask("GET", "")[0] == 503
    row = until("a failure", lambda: browser.row("list_captures"))
    assert "503" in row.split(), row
    return one, bucket["filename"]


def a_full_capture_goes_on_with_the_clock(simulator, browser, folder):
    bucket = "gs://captures/edge"
    owned = simulator.done("POST", "/ownership", {"destination_conf": bucket})
    challenge = pathlib.Path(folder, "gs/captures/edge", owned["filename"]).read_text()
    proof = {"destination_conf": bucket, "ownership_challenge": challenge}
    simulator.done("POST", "/ownership/validate", proof)
    until("a proof", lambda: "success" in (browser.row(owned["filename"]) or ""))
    order = {"type": "full", "system": "magic-transit", "time_limit": 3600, "colo_name": "ord02", "destination_conf": bucket}
    # As many packets as are made in an instant.
    capture = simulator.done("POST", "", order | {"byte_limit": 1_000_000, "packet_limit": 500})
    row = until("a full capture", lambda: browser.row(capture["id"]))
    assert "success" not in row and "ord02" in row, row
    simulator.control("/clock", {"advance": 4000})
    row = until("its end", lambda: (it := browser.row(capture["id"])) and "success" in it and it)
    assert "\t500\t" in row, row
    return challenge


def what_is_the_same_stays(simulator, browser):
    """Neither the selection nor the place in a table is lost when something else changes."""
    browser.size(400)
    browser.run("""
        document.querySelector(".box").scrollLeft = 70;
        document.querySelector("details").open = true;
        getSelection().selectAllChildren(document.querySelector("h2 code"));
    """)
    new = simulator.sample()
    until("one more", lambda: browser.row(new))
    assert browser.run("return getSelection().toString()") == simulator.account_id
    assert browser.run("return document.querySelector('.box').scrollLeft") == 70
    assert browser.run("return document.querySelector('details').open")
    assert browser.run("return window.stayed") is True


def it_rests_while_nobody_looks(browser):
    turn = """
        Object.defineProperty(document, "hidden", { value: arguments[0], configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    """
    browser.run(turn, True)
    until("rest", lambda: browser.run("return timers.size === 0 && fetches.begun === fetches.ended"))
    # Nothing is left that could begin anything.
    begun = browser.run("return fetches.begun")
    assert begun > 0
    browser.run(turn, False)
    until("more", lambda: browser.run("return fetches.begun") > begun)


def it_fits(browser, pictures):
    """Wide tables scroll in their boxes, and the page does not."""
    for width in (400, 1400):
        browser.size(width)
        page = browser.run("const it = document.documentElement; return [it.scrollWidth, it.clientWidth]")
        assert page[0] <= page[1] <= width, page
        boxes = browser.run("return [...document.querySelectorAll('.box')].map((it) => it.scrollWidth > it.clientWidth)")
        assert len(boxes) == 3 and any(boxes) == (width == 400), (width, boxes)
        for scheme in ("light", "dark"):
            browser.scheme(scheme)
            browser.picture(pictures, f"{scheme}-{width}")
    colours = "const it = getComputedStyle(document.body); return [it.color, it.backgroundColor]"
    dark = browser.run(colours)
    browser.scheme("light")
    assert browser.run(colours) != dark


def it_keeps_to_itself(simulator, browser):
    """Nothing was asked for elsewhere, refused to the page, or complained of."""
    asked = browser.requests()
    page, description = simulator.page_url, f"{simulator.page_url}openapi.json"
    documents = [url for kind, url in asked if kind == "Document"]
    assert documents == [page], documents
    fetched = [url for kind, url in asked if kind == "Fetch"]
    assert len(fetched) > 3, asked
    others = {url for _, url in asked} - {page, description}
    assert all(url.startswith("data:") for url in others), others
    refused = browser.run("return violations")
    assert refused == [], refused[:3]
    said = browser.console()
    assert said == [], said

    # And it would be noticed.
    browser.run("document.body.append(Object.assign(new Image(), { src: arguments[0] }))", f"{page}odd.png")
    until("a refusal", lambda: any("odd.png" in it for it in browser.run("return violations")))
    assert any("odd.png" in it for it in browser.console())
    browser.run("document.querySelector('img').remove()")


def no_secret_is_seen(simulator, browser, challenge):
    seen = browser.run("return document.documentElement.outerHTML")
    for secret in (simulator.token, challenge, "r2-secret", "r2-key-id"):
        assert secret not in seen


def it_works_without_script(simulator, browser, known, pictures):
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(simulator.page_url)
    browser.requests()
    for text in known:
        assert text in browser.text(), text
    new = simulator.sample()
    until("a sample, without script", lambda: browser.row(new))
    assert {kind for kind, _ in browser.requests()} <= {"Document", "Other"}
    browser.picture(pictures, "no-script")
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def it_says_when_it_is_over(simulator, browser, pictures):
    browser.size(1400)
    browser.open(simulator.page_url)
    until("a look", lambda: browser.run("return fetches.ended") > 0)
    before = browser.run("return document.querySelector('main').innerText")
    assert browser.run("return document.querySelector('#state').innerText") == ""
    # An open page does not hold it up.
    assert simulator.end() == 0
    said = until("the end", lambda: browser.run("return document.querySelector('#state').innerText"))
    assert said.startswith("The simulator has ended"), said
    assert simulator.account_id in before
    assert simulator.account_id in browser.text()
    browser.picture(pictures, "ended")


def main(program, pictures=None):
    with contextlib.ExitStack() as ends:
        folder = ends.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        buckets = pathlib.Path(folder, "buckets")
        buckets.mkdir()
        simulator = Simulator(program, buckets)
        ends.callback(simulator.process.kill)
        browser = Browser(pathlib.Path(folder, "profile"))
        ends.callback(browser.end)
        known = it_is_live(simulator, browser)
        challenge = a_full_capture_goes_on_with_the_clock(simulator, browser, buckets)
        what_is_the_same_stays(simulator, browser)
        it_rests_while_nobody_looks(browser)
        it_fits(browser, pictures)
        no_secret_is_seen(simulator, browser, challenge)
        it_keeps_to_itself(simulator, browser)
        it_works_without_script(simulator, browser, known, pictures)
        it_says_when_it_is_over(simulator, browser, pictures)
        print("the page, in", browser.version + ": as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
