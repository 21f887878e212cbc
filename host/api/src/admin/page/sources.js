// Sources: what is asked of each, and how it last ended.

import { cell, clocked, el, name as wrapped, state, trouble } from "./dom.js";
import { count, moment, several, since, took } from "./format.js";
import { list } from "./list.js";

const ORDER = ["failing", "someFail", "ok", "unread"];
const WORDS = { failing: "failing", someFail: "some queries fail", ok: "answers", unread: "not asked yet" };
const TONES = { failing: "bad", someFail: "warn", ok: "ok", unread: null };

const when = (at) => (at === null ? el("span", "quiet", {}, "never") : el("span", "", { title: moment(at) }, clocked(at, since), " ago"));

export const sources = () => list({
  kind: "source", id: "sources", heading: "Sources",
  columns: ["Source", "Last success", "Last failure", "In flight", "p99", "Queries"],
  empty: () => "No mapping asks a source.",
  summary(all) {
    const many = (state) => all.filter((of) => of.state === state).length;
    const parts = [several(all.length, "source", "sources")];
    if (many("failing") > 0) parts.push(`${many("failing")} failing`);
    if (many("someFail") > 0) parts.push(`some queries of ${many("someFail")} fail`);
    return parts.join(", ");
  },
  order: (of) => [ORDER.indexOf(of.state), of.name],
  text: (of) => [of.name, WORDS[of.state], of.lastError ?? "", ...of.mappings],
  problem: (of) => ["failing", "someFail"].includes(of.state),
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
      ["failing", "someFail"].includes(of.state) ? trouble(of.lastError, TONES[of.state]) : of.lastError ? el("div", "quiet small", {}, `the last failure: ${of.lastError}`) : null,
      of.told ? el("div", "quiet small", {}, of.told) : null,
      of.mappings.length > 0 ? el("div", "quiet small", {}, wrapped(of.mappings.slice(0, 6).join(", ")), of.mappingsTotal > 6 ? ` and ${of.mappingsTotal - 6} more` : "") : null),
  ],
});
