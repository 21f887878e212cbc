// Sources: what is asked of each, and how it last ended.

import { cell, clocked, el, name as wrapped, state, trouble } from "./dom.js";
import { count, moment, several, since, took } from "./format.js";
import { list } from "./list.js";

const ORDER = ["failing", "ok", "unread"];
const WORDS = { failing: "last query failed", ok: "answers", unread: "not asked yet" };
const TONES = { failing: "bad", ok: "ok", unread: null };

const when = (at) => (at === null ? el("span", "quiet", {}, "never") : el("span", "", { title: moment(at) }, clocked(at, since), " ago"));

export const sources = () => list({
  kind: "source", id: "sources", heading: "Sources",
  columns: ["Source", "Last success", "Last failure", "In flight", "p99", "Queries"],
  empty: () => "No mapping asks a source.",
  summary(all) {
    const failing = all.filter((of) => of.state === "failing").length;
    return several(all.length, "source", "sources") + (failing > 0 ? `, the last query of ${failing} failed` : "");
  },
  order: (of) => [ORDER.indexOf(of.state), of.name],
  text: (of) => [of.name, WORDS[of.state], of.lastError ?? "", ...of.mappings],
  problem: (of) => of.state === "failing",
  title: (of) => of.name,
  under: (of) => [several(of.mappingsTotal, "mapping asks it", "mappings ask it")],
  states: (of) => [state(WORDS[of.state], TONES[of.state])],
  row: (of) => [
    cell("Last success", "", when(of.lastSuccess)),
    cell("Last failure", "", when(of.lastFailure)),
    cell("In flight", "number", count(of.inFlight)),
    cell("p99", "number", el("span", "", { title: "of the last five minutes" }, took(of.p99Seconds ?? NaN))),
    cell("Queries", "number", count(of.perMinute), el("span", "quiet small", {}, " a minute")),
    el("div", "across", {},
      of.state === "failing" ? trouble(of.lastError) : of.lastError ? el("div", "quiet small", {}, `the last failure: ${of.lastError}`) : null,
      of.told ? el("div", "quiet small", {}, of.told) : null,
      of.mappings.length > 0 ? el("div", "quiet small", {}, wrapped(of.mappings.slice(0, 6).join(", ")), of.mappingsTotal > 6 ? ` and ${of.mappingsTotal - 6} more` : "") : null),
  ],
});
