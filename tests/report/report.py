"""The page of `pcaps report` in a real browser: python3 report.py PCAPS [SCREENSHOTS]

PCAPS is the program, SCREENSHOTS a folder to leave pictures in. Takes chromium and chromedriver.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

from browser import Browser

# Pixels: a phone, a tablet, a desk.
WIDTHS = (360, 768, 1280)
SCHEMES = ("light", "dark")

HOSTILE = "<script>document.title='taken'<!--\"'&lt;.pcap"

# What is wrong with what can be seen: text and parts of charts that hardly differ from what they are on, and text that is small.
LOOK = """
const luminance = (color) => {
  const channels = color.match(/[\\d.]+/g).slice(0, 3).map((it) => it / 255);
  const [r, g, b] = channels.map((it) => (it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};
const behind = (element) => {
  for (let it = element; it; it = it.parentElement) {
    const color = getComputedStyle(it).backgroundColor;
    if (!/, 0\\)$/.test(color)) {
      return color;
    }
  }
  return "rgb(255, 255, 255)";
};
const isSeen = (it) => it.checkVisibility() && it.getBoundingClientRect().width > 1;
const wrong = [];
let texts = 0;
for (const it of document.querySelectorAll("body *")) {
  const own = [...it.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  if (!own || !isSeen(it) || ["title", "desc"].includes(it.tagName)) {
    continue;
  }
  texts += 1;
  const style = getComputedStyle(it);
  const ratio = contrast(it instanceof SVGElement ? style.fill : style.color, behind(it));
  const scale = it instanceof SVGElement ? it.getScreenCTM().a : 1;
  const size = parseFloat(style.fontSize) * scale;
  if (ratio < 4.5 || size < 11) {
    wrong.push(`${it.tagName} "${it.textContent.slice(0, 40)}": contrast ${ratio.toFixed(2)}, ${size.toFixed(1)} px`);
  }
}
// What is beyond the edge of a chart is not there.
for (const it of document.querySelectorAll("svg.chart text")) {
  if (isSeen(it)) {
    const [text, chart] = [it, it.closest("svg.chart")].map((it) => it.getBoundingClientRect());
    // The box of a text is a little larger than its letters.
    const over = Math.max(chart.left - text.left, text.right - chart.right, chart.top - text.top, text.bottom - chart.bottom);
    if (over > 2) {
      wrong.push(`"${it.textContent.trim()}" is cut off: ${over.toFixed(1)} px are outside of the chart`);
    }
  }
}
let parts = 0;
for (const it of document.querySelectorAll(".chart svg :is(rect, polygon), .key")) {
  // Tracks are for the eye only.
  if (!isSeen(it) || it.getAttribute("fill") === "#D8DEE6") {
    continue;
  }
  parts += 1;
  const style = getComputedStyle(it);
  const ratio = contrast(it.tagName === "SPAN" ? style.backgroundColor : style.fill, behind(it.parentElement));
  if (ratio < 3) {
    wrong.push(`${it.tagName} ${it.getAttribute("fill") ?? it.className}: contrast ${ratio.toFixed(2)}`);
  }
}
const page = document.documentElement;
if (page.scrollWidth > page.clientWidth) {
  wrong.push(`the page is ${page.scrollWidth} px wide, and there are ${page.clientWidth}`);
}
return { wrong, texts, parts, charts: [...document.querySelectorAll("svg.chart")].filter(isSeen).length };
"""


def make(program, folder):
    """Pages: of attacks, of several files of which one is torn and one has a hostile name, and of nothing."""

    def pcaps(*arguments, code=0):
        environment = os.environ | {"PCAPS_CONFIG": str(folder / "none.toml")}
        done = subprocess.run([program, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == code, (arguments, done)
        return done.stdout

    pathlib.Path(folder, "none.toml").touch()
    pcaps("capture", "--simulate", "-o", "attack.pcap")
    whole = pathlib.Path(folder, "attack.pcap").read_bytes()
    pathlib.Path(folder, HOSTILE).write_bytes(whole)
    pathlib.Path(folder, "torn.pcap").write_bytes(whole[: len(whole) // 2 + 7])
    pathlib.Path(folder, "empty.pcap").write_bytes(whole[:24])
    pcaps("report", "attack.pcap", "-o", "attack.html", "--utc")
    pcaps("report", "torn.pcap", HOSTILE, "attack.pcap", "-o", "several.html", code=8)
    pcaps("report", HOSTILE, "-o", "hostile.html")
    pcaps("report", "empty.pcap", "-o", "empty.html")
    return json.loads(pcaps("stats", "attack.pcap", "--json"))["total"]


def it_can_be_seen(browser, folder, pictures):
    """Nothing is cut, faint or small, at any width, light or dark, with its tables folded or not."""
    charts = {"attack": 7, "several": 7, "hostile": 7, "empty": 0}
    for name, number in charts.items():
        browser.open((folder / f"{name}.html").as_uri())
        assert browser.run("return document.title") != "taken"
        for width in WIDTHS:
            browser.size(width)
            for scheme in SCHEMES:
                browser.scheme(scheme)
                for folded in (True, False):
                    browser.run("document.querySelectorAll('details').forEach((it) => { it.open = !arguments[0] })", folded)
                    seen = browser.run(LOOK)
                    assert not seen["wrong"], (name, width, scheme, folded, seen["wrong"][:5])
                    assert seen["charts"] == number, seen
                    assert seen["texts"] > 20 and (seen["parts"] > 30) == (number > 0), seen
                    if folded:
                        browser.picture(pictures, f"{name}-{width}-{scheme}")


def it_has_room(browser, folder):
    """The widest numbers fit into charts, and wider ones would be noticed."""
    browser.open((folder / "attack.html").as_uri())
    fill = """
    const texts = [...document.querySelectorAll(".cards svg.chart text")].filter((it) => it.textContent.includes(" · "));
    texts.forEach((it) => { it.textContent = arguments[0] });
    return texts.length;
    """
    for width in WIDTHS:
        browser.size(width)
        for text, fits in (("999,999 · 100.0%", True), ("1,234,567,890 · 100.0%", False)):
            # Each is found by its middle dot, and has one afterwards.
            assert browser.run(fill, text) > 10
            wrong = browser.run(LOOK)["wrong"]
            assert bool(wrong) != fits, (width, text, wrong[:5])


def it_can_be_heard(browser, folder):
    """What is only drawn has a name and a description; tables, sections and headings have names."""
    browser.size(1280)
    browser.open((folder / "attack.html").as_uri())
    nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    of = lambda role: [it for it in nodes if not it["ignored"] and it["role"]["value"] == role]
    text = lambda it, what: it.get(what, {}).get("value", "")
    pictures = of("image") + of("img")
    assert len(pictures) == 7, len(pictures)
    for it in pictures:
        assert text(it, "name") and text(it, "description"), it
    names = [text(it, "name") for it in of("table")]
    assert names and all(names), names
    assert len(of("heading")) > 10 and len(of("main")) == 1
    levels = browser.run("return [...document.querySelectorAll('h1, h2, h3')].map((it) => +it.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1, levels
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:])), levels


def it_is_whole(browser, folder, total):
    """It asks for nothing, complains of nothing, and says the same where no script may run."""
    browser.open("about:blank")
    browser.requests(), browser.console()
    for name in ("attack", "several", "hostile"):
        url = (folder / f"{name}.html").as_uri()
        browser.open(url)
        asked = {it for _, it in browser.requests()} - {url, "data:,"}
        assert not asked, asked
    assert browser.console() == []
    # And it would be noticed.
    browser.run("document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/odd.png' }))")
    assert any("odd.png" in it and "Content Security Policy" in it for it in browser.console())
    browser.devtools("Emulation.setScriptExecutionDisabled", value=True)
    browser.open((folder / "attack.html").as_uri())
    seen = browser.text()
    for number in (total["packets"], total["talker_count"], total["flow_count"]):
        assert f"{number:,}" in seen, number
    for finding in total["findings"][:2]:
        assert finding["address"] in seen and finding["text"].split(": ")[1] in seen, finding
    browser.devtools("Emulation.setScriptExecutionDisabled", value=False)


def it_can_be_printed(browser, folder, pictures):
    """On few sheets, and on white paper whatever the screen is."""
    browser.open((folder / "attack.html").as_uri())
    browser.devtools("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    colours = browser.run("const it = getComputedStyle(document.body); return [it.color, it.backgroundColor]")
    assert colours == ["rgb(27, 36, 48)", "rgb(255, 255, 255)"], colours
    browser.devtools("Emulation.setEmulatedMedia", media="", features=[])
    pdf = base64.b64decode(browser.devtools("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"])
    sheets = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert pdf.startswith(b"%PDF") and 2 <= sheets <= 6, sheets
    if pictures:
        pathlib.Path(pictures, "attack.pdf").write_bytes(pdf)


def main(program, pictures=None):
    with contextlib.ExitStack() as ends:
        folder = pathlib.Path(ends.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        total = make(os.path.abspath(program), folder)
        browser = Browser(folder / "profile")
        ends.callback(browser.end)
        it_can_be_seen(browser, folder, pictures)
        it_has_room(browser, folder)
        it_can_be_heard(browser, folder)
        it_is_whole(browser, folder, total)
        it_can_be_printed(browser, folder, pictures)
        print("the report, in", browser.version + ": as it should be")


if __name__ == "__main__":
    main(*sys.argv[1:])
