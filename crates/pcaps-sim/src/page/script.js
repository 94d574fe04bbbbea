"use strict";

// Makes what is shown what it is to be, and leaves alone what is the same: where it is scrolled to, what is selected.
function update(shown, fresh) {
  if (shown.isEqualNode(fresh)) {
    return;
  }
  const [now, next] = [[...shown.childNodes], [...fresh.childNodes]];
  if (!shown.cloneNode().isEqualNode(fresh.cloneNode())) {
    shown.replaceWith(fresh);
  } else if (now.length === next.length && now.every((node, at) => node.nodeName === next[at].nodeName)) {
    now.forEach((node, at) => update(node, next[at]));
  } else {
    shown.replaceChildren(...next);
  }
}

// What was seen last, and the timer of the next look.
let seen = "";
let waiting;

async function look() {
  clearTimeout(waiting);
  let state = "";
  try {
    const response = await fetch("/", { cache: "no-store" });
    const page = await response.text();
    // Without its style and script: they are refused, as those of another answer, and not needed.
    const main = page.slice(page.indexOf("<main>"), page.indexOf("</main>"));
    if (main !== seen) {
      const fresh = new DOMParser().parseFromString(main, "text/html");
      update(document.querySelector("main"), fresh.querySelector("main"));
      seen = main;
    }
  } catch {
    state = "The simulator has ended: this is what was last seen.";
  }
  const line = document.querySelector("#state");
  if (line.textContent !== state) {
    line.textContent = state;
  }
  wait();
}

function wait() {
  clearTimeout(waiting);
  if (!document.hidden) {
    waiting = setTimeout(look, 1000);
  }
}

document.addEventListener("visibilitychange", wait);
wait();
