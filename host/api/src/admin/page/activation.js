// The workload that a mapping takes to zero and from zero.

import { el, name as wrapped } from "./dom.js";
import { age, quantity } from "./format.js";

// What the last look at it came to. Another replica may be the one that looks.
const told = (of) => of.told || "this replica has not looked at it";

// In a row: which one, and where it stands.
export const activates = ({ activation: of }) => of && el("div", "quiet small", { "data-activation": "" },
  "takes ", wrapped(of.workload), " to zero and from zero: ", told(of));

// In what is opened: when, as it is written, too.
export function activation(of) {
  if (!of) return null;
  const measured = of.object ? `the value of ${of.object}` : of.selector ? `the sum of ${of.selector}` : "the sum of all items";
  const replicas = `${of.minReplicas} ${of.minReplicas === 1 ? "replica" : "replicas"}`;
  const rules = [
    `${measured} above ${quantity(of.threshold)}: from zero to ${replicas}`, `not above it for ${age(of.cooldownSeconds)}: to zero`,
    `looked at every ${age(of.everySeconds)}`, of.takeOver && "a zero that somebody else has set is left, too",
  ].filter(Boolean);
  return el("div", "", {}, wrapped(of.workload), ": ", told(of), el("div", "quiet small", {}, rules.join("; ")));
}
