// Writes each <time> as the time since then, or as the moment itself, and keeps counting between two fetches.

const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

let ahead = 0; // milliseconds of the front's clock to this one
let absolute = false;

export function setNow(page) {
  ahead = Date.parse(page.getElementById("now").dateTime) - Date.now();
}

// The front has nothing new: what is shown is as of now.
export function moveNow(main) {
  const now = main.querySelector("#now");
  now.dateTime = `${new Date(Date.now() + ahead).toISOString().slice(0, 19)}Z`;
  now.textContent = now.dateTime.replace("T", " ").replace("Z", " UTC");
}

// The time in its one or two largest units, "4 min 3 s", as the front words it (contract/figures.py).
function duration(seconds) {
  let rest = Math.max(0, Math.floor(seconds));
  const parts = UNITS.map(([size, unit]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return [count, unit];
  });
  const found = parts.findIndex(([count]) => count);
  const first = found < 0 ? parts.length - 1 : found;
  return parts
    .slice(first, first + 2)
    .filter(([count], at) => count || (at === 0 && first === parts.length - 1))
    .map((part) => part.join(" "))
    .join(" ");
}

export function showTimes(main) {
  const now = Date.now() + ahead;
  for (const time of main.querySelectorAll("time[title]")) {
    const text = absolute ? time.title : duration((now - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) {
      time.textContent = text;
    }
  }
  main.querySelector("#times").hidden = false;
  main.querySelector("#times").setAttribute("aria-pressed", String(absolute));
  main.classList.toggle("absolute", absolute);
}

export function setUpTimes(changed) {
  document.addEventListener("click", (event) => {
    if (event.target.closest("#times, time[title]")) {
      absolute = !absolute;
      changed();
    }
  });
}
