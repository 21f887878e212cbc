// What is searched for and what is open, as the address has it: a link shows another reader the same.

const listeners = [];
let place = read();

function read() {
  const query = new URLSearchParams(location.search);
  return { q: query.get("q") ?? "", problems: query.get("problems") === "true", open: query.get("open") ?? "" };
}

export const current = () => place;
export const listen = (listener) => listeners.push(listener);

export function address(change = {}) {
  const query = new URLSearchParams();
  const { q, problems, open } = { ...place, ...change };
  if (q) query.set("q", q);
  if (problems) query.set("problems", "true");
  if (open) query.set("open", open);
  const text = query.toString();
  return text ? `?${text}` : location.pathname;
}

// What is opened can be gone back from; letters of a search cannot, one by one.
export function go(change) {
  const before = place, next = address(change);
  place = { ...place, ...change };
  const how = "open" in change && change.open !== before.open ? "pushState" : "replaceState";
  history[how](null, "", next);
  for (const listener of listeners) listener(before);
}

// A link to another place of the page, which does not load it anew.
export function link(node, change) {
  node.href = address(change);
  node.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go(typeof change === "function" ? change() : change);
  });
  return node;
}

addEventListener("popstate", () => {
  const before = place;
  place = read();
  for (const listener of listeners) listener(before);
});
