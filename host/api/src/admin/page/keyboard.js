// Keys: / to search, arrows from item to item, Escape to close what is open, then to end a search.

import { byId } from "./dom.js";
import { current, go } from "./place.js";

const items = () => [...document.querySelectorAll("button.open")].filter((button) => button.offsetParent !== null);

function move(by) {
  const all = items();
  if (all.length === 0) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by;
  if (next < 0) {
    byId("search").focus();
    return;
  }
  const item = all[Math.min(next, all.length - 1)];
  item.focus();
  item.scrollIntoView({ block: "nearest" });
}

function escape() {
  const { open, q } = current();
  if (open) {
    go({ open: "" });
  } else if (q) {
    byId("search").value = "";
    go({ q: "" });
  } else {
    document.activeElement?.blur();
  }
}

export function start() {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const into = event.target, search = into === byId("search");
    const writes = into instanceof HTMLInputElement && into.type !== "checkbox";
    if (event.key === "Escape") {
      // A search that is being written is what is meant, not what is open below it.
      if (search && into.value) go({ q: (into.value = "") });
      else escape();
      event.preventDefault();
    } else if (event.key === "/" && !writes) {
      event.preventDefault();
      byId("search").focus();
      byId("search").select();
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (!writes || search)) {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    }
  });
}
