// Elements. Names and messages come from outside: they only ever become text and attributes.

const SVG = "http://www.w3.org/2000/svg";

// An element of a tag and classes: `el("span", "state small", {title: "x"}, "text", child)`.
export function el(tag, name, attributes, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  return filled(node, attributes, children);
}

export function svg(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== null && value !== false) node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

export function put(node, text) {
  const next = String(text ?? "");
  if (node.textContent !== next) node.textContent = next;
}

// A name that may wrap where its parts meet, and nowhere else.
export function name(text) {
  const parts = String(text ?? "").split(/(?<=[/._:@,=-])(?=[^/._:@,=-])/);
  return parts.flatMap((part, at) => (at === 0 ? [part] : [document.createElement("wbr"), part]));
}

// A state as a word of its own. `tone` is ok, warn, bad, info, or nothing.
export function state(text, tone, title) {
  return el("span", "state", { "data-tone": tone, title }, text);
}

// Something that is said of trouble.
export const trouble = (text, tone = "bad") => el("p", "trouble", { "data-tone": tone }, text);

// A text that is brought up to date each second: `age` or `since` of a time in milliseconds.
export function clocked(at, say) {
  const node = el("span", "");
  node.clock = () => put(node, say(at));
  node.dataset.clock = "";
  node.clock();
  return node;
}

export function tick() {
  for (const node of document.querySelectorAll("[data-clock]")) node.clock?.();
}

// A cell of a row, with the label that it has where columns have none.
export const cell = (label, classes, ...children) => el("div", classes, {}, el("span", "label", {}, label), ...children);

// A list of terms; those without a value are left out.
export function terms(pairs) {
  const known = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return el("dl", "", {}, known.flatMap(([term, value]) => [el("dt", "", {}, term), el("dd", "", {}, value)]));
}

// A table whose rows are lists of cells.
export function table(titles, rows) {
  const head = el("tr", "", {}, titles.map((title) => el("th", "", { scope: "col" }, title)));
  const body = rows.map((cells) => el("tr", "", {}, cells.map((content) => (content instanceof HTMLTableCellElement ? content : el("td", "", {}, content)))));
  return el("div", "scroll", {}, el("table", "", {}, el("thead", "", {}, head), el("tbody", "", {}, body)));
}
