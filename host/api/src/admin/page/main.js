// The page: sections that follow the server's events.

import { autoscalers, isProblem as isAutoscalerProblem } from "./autoscalers.js";
import { delegates } from "./delegates.js";
import { byId, el, put, state, tick } from "./dom.js";
import { moment, now, several, since } from "./format.js";
import * as keyboard from "./keyboard.js";
import { mappings } from "./mappings.js";
import * as place from "./place.js";
import { plugins } from "./plugins.js";
import { sources } from "./sources.js";
import * as store from "./store.js";
import { follow } from "./stream.js";
import { kinds, rejected, teams, unserved } from "./teams.js";
import * as theme from "./theme.js";
import * as token from "./token.js";

// How often charts go on while nothing changes.
const REDRAW_MS = 15000;

const sections = [autoscalers(), rejected(), mappings(), sources(), delegates(), plugins(), teams(), unserved(), kinds()];
byId("token").after(...sections.map(({ section }) => section));

function render() {
  for (const { render: one } of sections) one();
  head();
}

// What is wrong, in the order in which it matters, each with the search that shows it.
function troubles() {
  const hpas = store.all("autoscaler").map(([, hpa]) => hpa), served = store.all("mapping").map(([, of]) => of);
  const failing = (all) => all.filter((of) => of.state === "failing").length;
  const found = [];
  const add = (many, total, what, tone, change, id) => many > 0 && found.push({ text: `${many} of ${total} ${what}`, tone, change, id });
  add(failing(hpas), hpas.length, "autoscalers failing", "bad", { q: "failing", problems: false }, "autoscalers");
  add(failing(served), served.length, "mappings failing", "bad", { q: "failing", problems: false }, "mappings");
  add(served.filter((of) => of.state === "lastGood").length, served.length, "mappings serving old values", "warn", { q: "old values", problems: false }, "mappings");
  add(hpas.filter((hpa) => hpa.state !== "failing" && isAutoscalerProblem(hpa)).length, hpas.length, "autoscalers held", "warn", { q: "", problems: true }, "autoscalers");
  const others = store.all("delegate").map(([, of]) => of);
  add(failing(others), others.length, "delegates failing", "bad", { q: "failing", problems: false }, "delegates");
  const lost = store.all("rejected").length;
  if (lost > 0) found.push({ text: `${several(lost, "thing", "things")} not served as configured`, tone: "warn", change: { q: "", problems: true }, id: "rejected" });
  return found;
}

let shown = null;

function head() {
  const told = store.entry("head"), ready = byId("ready");
  if (!told) return;
  const found = troubles();
  const chips = found.slice(0, 4).map(({ text, tone, change, id }) => {
    const link = place.link(el("a", "state", { "data-tone": tone }, text), change);
    link.addEventListener("click", () => byId(id).scrollIntoView());
    return link;
  });
  if (told.notReady) chips.unshift(state(`not ready: ${told.notReady}`, "bad"));
  if (chips.length === 0) chips.push(state("ready, and nothing is wrong", "ok"));
  // What a reader is about to follow is not replaced by the same.
  const said = JSON.stringify([told.notReady, found]);
  if (said !== shown) ready.replaceChildren(...chips);
  shown = said;
  put(byId("facts"), `${told.version}, configuration ${told.generation}, up ${since(told.begun)}`);
  document.title = found.length > 0 && !told.notReady ? `${found[0].text} – Leadsman` : "Leadsman";
}

let heard = null;

function connection(how, why) {
  const live = how === "live";
  if (live) heard = now();
  document.body.classList.toggle("old", !live);
  document.body.classList.toggle("empty", heard === null);
  byId("notice").hidden = live;
  put(byId("live"), live ? "live" : "reconnecting");
  if (live) return;
  const old = heard === null ? "There is nothing to show yet." : `What stands below is from ${moment(heard)}.`;
  put(byId("notice"), `The server does not answer (${why}). ${old} Trying again.`);
  if (heard === null) byId("ready").replaceChildren(state("no answer", "bad"));
}

// What the address says is what the controls show.
function controls() {
  const { q, problems } = place.current();
  if (byId("search").value !== q) byId("search").value = q;
  byId("problems").checked = problems;
}

byId("search").addEventListener("input", () => place.go({ q: byId("search").value }));
byId("problems").addEventListener("change", () => place.go({ problems: byId("problems").checked }));
place.listen(() => { controls(); render(); });
store.listen((changed) => { if (changed.size > 0) render(); });
controls();
theme.start();
keyboard.start();
setInterval(tick, 1000);
setInterval(() => { store.hold(); sections.forEach(({ redraw }) => redraw()); head(); }, REDRAW_MS);

let retry = () => {};
addEventListener("online", () => retry());
follow({
  event: store.tell,
  state: connection,
  known: store.hasTrends,
  again: () => new Promise((resolve) => { retry = resolve; }),
  async refused(status, message) {
    byId("notice").hidden = true;
    put(byId("live"), "asks for a token");
    byId("ready").replaceChildren();
    // A user without the right may have another token.
    if (status === 403) token.forget();
    await token.ask(message);
  },
});
