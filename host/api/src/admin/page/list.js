// A section of the page: a list of entries of one kind, the worst first, of which one may be open.

import { byId, el, name as wrapped, put } from "./dom.js";
import { count } from "./format.js";
import { current, go } from "./place.js";
import { all } from "./store.js";

// `kind` is how names of entries begin. Of an entry, `order` gives numbers and texts to sort by, `text`
// what is searched, `problem` whether it is one, `title` and `under` its name, `row` the cells beside the
// name, and `inside` what is shown of one that is open. `summary` says what is in the heading.
export function list(settings) {
  const { kind, heading, empty, id = kind } = settings;
  const items = new Map();
  const summary = el("span", "quiet small"), left = el("p", "notice", { "data-tone": "info", hidden: true });
  const body = el("ul", "items", { "data-list": id, role: "list" });
  const heads = el("div", "row heads quiet small", { "data-list": id, "aria-hidden": "true" }, (settings.columns ?? []).map((text) => el("span", "", {}, text)));
  const section = el("section", "", { id, "aria-labelledby": `${id}-title` },
    el("div", "heading", {}, el("h2", "", { id: `${id}-title` }, heading), summary), left, settings.columns ? heads : null, body);
  byId("sections").append(el("a", "", { href: `#${id}` }, heading));

  function render() {
    const { q, problems, open } = current();
    const words = q.toLowerCase().split(/\s+/).filter(Boolean);
    const entries = all(kind);
    const shown = entries.filter(([name, value]) => {
      if (name === open) return true;
      if (problems && !settings.problem(value)) return false;
      const text = settings.text(value).join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    shown.sort(([, a], [, b]) => compare(settings.order(a), settings.order(b)));
    follow(body, items, shown, (name) => item(settings, name), open);
    put(summary, settings.summary(entries.map(([, value]) => value)));
    const hidden = entries.length - shown.length;
    left.hidden = entries.length > 0 && shown.length > 0;
    put(left, entries.length === 0 ? empty() : `${hidden === 1 ? "One is" : `All ${count(hidden)} are`} hidden by the search.`);
    heads.hidden = shown.length === 0;
    section.hidden = entries.length === 0 && Boolean(settings.optional);
    link(id).hidden = section.hidden;
    put(link(id), entries.length > 0 ? `${heading} ${count(entries.length)}` : heading);
  }
  const redraw = () => { for (const { redraw: one } of items.values()) one(); };
  return { section, render, redraw };
}

const link = (id) => byId("sections").querySelector(`[href="#${id}"]`);

function compare(one, other) {
  for (const [at, part] of one.entries()) {
    const order = typeof part === "number" ? part - other[at] : part.localeCompare(other[at], "en", { numeric: true });
    if (order !== 0) return order;
  }
  return 0;
}

function item(settings, entryName) {
  const openable = Boolean(settings.inside);
  const title = el(openable ? "button" : "span", openable ? "open" : "plainname", openable ? { type: "button", "aria-expanded": "false" } : {});
  const under = el("div", "under quiet small"), states = el("div", "");
  const row = el("div", "row", {}, el("div", openable ? "name" : "name flat", {}, title, under, states));
  const inside = el("div", "inside", { hidden: true });
  const node = el("li", "", { "data-entry": entryName }, row, inside);
  if (openable) title.addEventListener("click", () => go({ open: current().open === entryName ? "" : entryName }));
  let known = null, wasOpen = false;
  function update(value, open) {
    const changed = value !== known, opens = open && !wasOpen;
    if (changed) {
      known = value;
      title.replaceChildren(...wrapped(settings.title(value)));
      under.replaceChildren(...settings.under(value));
      states.replaceChildren(...(settings.states?.(value) ?? []));
      while (row.children.length > 1) row.lastChild.remove();
      row.append(...settings.row(value, entryName));
    }
    if (openable) title.setAttribute("aria-expanded", String(open));
    inside.hidden = !open;
    if (open && (changed || opens)) settings.inside(inside, value, entryName);
    if (!open && wasOpen) inside.replaceChildren();
    if (opens && known) requestAnimationFrame(() => node.scrollIntoView({ block: "nearest" }));
    wasOpen = open;
  }
  return { node, update, redraw: () => known && settings.redraw?.(row, known, entryName) };
}

// Makes the children of `parent` follow `shown`. What stays is updated in place, so that focus stays too.
function follow(parent, items, shown, make, open) {
  const focused = document.activeElement;
  const names = new Set(shown.map(([name]) => name));
  for (const [name, { node }] of items) {
    if (names.has(name)) continue;
    node.remove();
    items.delete(name);
  }
  let place = parent.firstChild;
  for (const [name, value] of shown) {
    if (!items.has(name)) items.set(name, make(name));
    const { node, update } = items.get(name);
    update(value, name === open);
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
  if (focused !== document.activeElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

// Fills what is open anew, and keeps open what was within it.
export function refill(inside, ...children) {
  const opened = new Set([...inside.querySelectorAll("details[open]")].map((node) => node.dataset.key));
  inside.replaceChildren(...children.flat(Infinity).filter(Boolean));
  for (const node of inside.querySelectorAll("details[data-key]")) if (opened.has(node.dataset.key)) node.open = true;
}
