"use strict";
// The page is whole without this: it only adds what can be pressed. Nothing is fetched, nothing stored.

// A layer's name is in a class of its group: s3_marks, s3_band_marks; of lines with a group each, s3_pathgroup.
const layers = [];
for (const group of document.querySelectorAll("figure g[class]")) {
  const found = /(?:^|\s)(s\d+)(?:_([a-z]+))?_(?:marks|pathgroup)(?:\s|$)/.exec(group.getAttribute("class"));
  if (found) layers.push({ group, series: found[1], kind: found[2] || "" });
}

const off = new Set();
function show() {
  for (const { group, series, kind } of layers) group.classList.toggle("off", off.has(series) || off.has(kind));
}

for (const button of document.querySelectorAll("#legend button")) {
  const key = button.dataset.series || button.dataset.kind;
  button.disabled = false;
  button.addEventListener("click", () => {
    const on = off.delete(key);
    if (!on) off.add(key);
    button.setAttribute("aria-pressed", String(on));
    show();
  });
}

const theme = document.getElementById("theme");
theme.hidden = false;
theme.addEventListener("click", () => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = (root.dataset.theme || (dark ? "dark" : "light")) === "dark" ? "light" : "dark";
});

// A column sorts by its values where it has numbers, else by its texts; what has none stays below.
function order(row, column) {
  const cell = row.cells[column];
  const value = cell.dataset.value ?? cell.textContent.trim();
  const number = value === "" ? NaN : Number(value.replaceAll(",", ""));
  return Number.isNaN(number) ? value : number;
}

function compare(a, b) {
  if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b);
  return typeof a === "number" ? -1 : 1;
}

for (const table of document.querySelectorAll("table:has(thead)")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent || "name";
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].map((row) => [order(row, column), row]);
      rows.sort((a, b) => (up ? 1 : -1) * compare(a[0], b[0]));
      body.append(...rows.map(([, row]) => row));
    });
  });
}

// On paper everything stands open.
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
