// Shows only what has all the words of the filter. A [data-group] holds [data-item]s and is shown with any of them.

function words() {
  return document.getElementById("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
}

export function applyFilter(main) {
  const wanted = words();
  const items = [...main.querySelectorAll("[data-item]")];
  for (const item of items) {
    const group = item.closest("[data-group]").dataset.group;
    const text = `${group} ${item.textContent}`.toLowerCase();
    item.hidden = !wanted.every((word) => text.includes(word));
  }
  for (const group of main.querySelectorAll("[data-group]")) {
    group.hidden = wanted.length > 0 && !group.querySelector("[data-item]:not([hidden])");
  }
  for (const fold of main.querySelectorAll("details")) {
    if (wanted.length && fold.querySelector("[data-item]:not([hidden])")) {
      fold.open = true;
    }
  }
  const shown = items.filter((item) => !item.hidden).length;
  main.querySelector("#matches").textContent = wanted.length ? `${shown} of ${items.length} lines` : "";
  main.querySelector("form").hidden = false;
}

export function setUpFilter(changed) {
  const field = document.getElementById("filter");
  field.value = new URLSearchParams(location.hash.slice(1)).get("filter") ?? "";
  field.addEventListener("input", () => {
    // Kept over a reload of the page, and in a link to it.
    const kept = new URLSearchParams({ filter: field.value });
    history.replaceState(null, "", field.value ? `#${kept}` : location.pathname);
    changed();
  });
  field.form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    }
  });
}
