// Keeps the page fresh: fetches it anew and takes over what changed, so that a selection or a scrolled table stays.
"use strict";

const EACH = 1000; // milliseconds
const PATIENCE = 5000; // milliseconds until a silent front is called silent

function takeOver(old, fresh) {
  if (old.isEqualNode(fresh)) {
    return;
  }
  if (old.nodeName !== fresh.nodeName) {
    old.replaceWith(document.importNode(fresh, true));
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    old.nodeValue = fresh.nodeValue;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name)) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) {
      old.setAttribute(name, value);
    }
  }
  const [now, next] = [[...old.childNodes], [...fresh.childNodes]];
  now.slice(next.length).forEach((node) => node.remove());
  next.forEach((node, at) => {
    if (at < now.length) {
      takeOver(now[at], node);
    } else {
      old.append(document.importNode(node, true));
    }
  });
}

async function refresh() {
  const stale = document.getElementById("stale");
  try {
    const answer = await fetch("", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) {
      throw new Error(answer.statusText);
    }
    // Scripts of a document that was parsed like this do not run.
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    takeOver(document.querySelector("main"), fresh.querySelector("main"));
    document.title = fresh.title;
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
  setTimeout(refresh, EACH);
}

setTimeout(refresh, EACH);
