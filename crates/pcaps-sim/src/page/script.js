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

let waiting;

async function look() {
  clearTimeout(waiting);
  let state = "";
  try {
    const response = await fetch("/", { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    update(document.querySelector("main"), fresh.querySelector("main"));
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
