// Keeps the page fresh: fetches it anew, decorates it as the user wants it, and takes over what changed, so that a
// selection, an open fold or a scrolled table stays.
import { applyFilter, setUpFilter } from "./filter.js";
import { takeOver } from "./morph.js";
import { draw } from "./plots.js";
import { moveNow, setNow, setUpTimes, showTimes } from "./times.js";

const EACH = 2000; // milliseconds
const HIDDEN = 15000; // milliseconds, while the tab is in the background
const HISTORY = 10000; // milliseconds: the front's own step
const PATIENCE = 5000; // milliseconds until a silent front is called silent

let etag = "";
let plots = { services: {} };
let plotted = -Infinity;
let timer = 0;

function decorate(main) {
  draw(main, plots);
  showTimes(main);
  applyFilter(main);
}

async function get(path, headers = {}) {
  const answer = await fetch(path, { cache: "no-store", headers, signal: AbortSignal.timeout(PATIENCE) });
  if (!answer.ok && answer.status !== 304) {
    throw new Error(answer.statusText);
  }
  return answer;
}

async function refreshPage() {
  const answer = await get("./", etag ? { "If-None-Match": etag } : {});
  if (answer.status === 304) {
    moveNow(document.querySelector("main"));
    decorate(document.querySelector("main"));
    return;
  }
  etag = answer.headers.get("ETag") ?? "";
  // Scripts of a document that was parsed like this do not run.
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  setNow(fresh);
  decorate(fresh.querySelector("main"));
  takeOver(document.querySelector("main"), fresh.querySelector("main"));
  takeOver(document.querySelector("link[rel=icon]"), fresh.querySelector("link[rel=icon]"));
  document.title = fresh.title;
}

async function refresh() {
  clearTimeout(timer);
  const stale = document.getElementById("stale");
  try {
    if (performance.now() - plotted >= HISTORY) {
      plotted = performance.now();
      plots = await (await get("history.json")).json();
    }
    await refreshPage();
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
  timer = setTimeout(refresh, document.hidden ? HIDDEN : EACH);
}

setNow(document);
setUpFilter(() => decorate(document.querySelector("main")));
setUpTimes(() => decorate(document.querySelector("main")));
setInterval(() => showTimes(document.querySelector("main")), 1000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    refresh();
  }
});
refresh();
