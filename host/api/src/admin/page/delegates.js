// Delegates: other adapters, which get what is not served here.

import { cell, clocked, el, name as wrapped, state, trouble } from "./dom.js";
import { count, moment, several, since } from "./format.js";
import { list } from "./list.js";

const ORDER = ["failing", "lastGood", "pending", "ok"];
const WORDS = { failing: "failing", lastGood: "its list is old", pending: "not asked yet", ok: "answers" };
const TONES = { failing: "bad", lastGood: "warn", pending: "info", ok: "ok" };

const when = (at) => (at === null ? el("span", "quiet", {}, "never") : el("span", "", { title: moment(at) }, clocked(at, since), " ago"));

export const delegates = () => list({
  kind: "delegate", id: "delegates", heading: "Delegates", optional: true,
  columns: ["Delegate", "For", "Metrics", "Listed"],
  empty: () => "",
  summary: (all) => `${several(all.length, "other adapter gets", "other adapters get")} what is not served here`,
  order: (of) => [ORDER.indexOf(of.state), of.name],
  text: (of) => [of.name, of.address, of.for, ...of.apis, WORDS[of.state], of.error ?? "", of.listError ?? ""],
  problem: (of) => ["failing", "lastGood"].includes(of.state),
  title: (of) => of.name,
  under: (of) => wrapped(of.address),
  states: (of) => [state(WORDS[of.state], TONES[of.state])],
  row: (of) => [
    cell("For", "", `${of.for}, of ${of.apis.join(", ")}`),
    cell("Metrics", "number", count(of.listed)),
    cell("Listed", "", when(of.listedAt)),
    el("div", "across", {},
      of.error ? trouble(`the last request: it ${of.error}`, TONES[of.state]) : null,
      of.listError ? trouble(`the last list: it ${of.listError}`, TONES[of.state]) : null,
      of.unserved.length > 0 ? trouble(`it does not serve ${of.unserved.join(", ")}`, "warn") : null),
  ],
});
