// What the build puts around a plugin to make it a component: the log of the contract, what stands
// in for what the engine lacks or must not have, and places in the author's source.

import * as log from './log.js';
import { Plugin } from './plugin.js';
import { explained } from './place.js';
import { wellFormed } from './text.js';

// This module is loaded before the author's, which find these however early they look.
installConsole();
const clock = installClock();

/** The frames of the bundle in a stack of the engine. */
const FRAME = /^\s*at (.*?) \(.*?user\.js:([0-9]+):[0-9]+\)/;

/**
 * The exports of the contract. `lines` is where each line of the bundle comes from, as JSON: a source
 * and a line at a time, with nothing for lines that are not the author's.
 */
export function component(plugin, { write, lines, ...about }) {
  if (!(plugin instanceof Plugin)) {
    throw new TypeError('the file has no plugin: write `export default definePlugin({…})`');
  }
  log.writeTo((level, message) => write(level, wellFormed(message)));
  const exports = plugin.exports({ ...about, explain: (error) => explained(error, (stack) => place(stack, JSON.parse(lines))) });
  return {
    describe: exports.describe,
    configure: exports.configure,
    evaluate: (config, input) => {
      clock.now = Number(input.now);
      return exports.evaluate(config, input);
    },
  };
}

function place(stack, { sources, places }) {
  for (const line of String(stack).split('\n')) {
    const match = FRAME.exec(line), found = match && places[Number(match[2])];
    if (found) {
      const called = match[1] === '<anonymous>' ? '' : ` in ${match[1]}`;
      return `${sources[found[0]]}:${found[1]}${called}`;
    }
  }
  return undefined;
}

function installConsole() {
  const shown = (value) => {
    if (typeof value === 'string') return value;
    if (value instanceof Error) return String(value);
    try {
      return JSON.stringify(value) ?? String(value);
    } catch {
      return String(value);
    }
  };
  const line = (level) => (...values) => log[level](values.map(shown).join(' '));
  globalThis.console = {
    log: line('info'), info: line('info'), debug: line('debug'), trace: line('debug'), warn: line('warn'), error: line('error'),
  };
}

/** Within an evaluation it is the time when that began; else it is 1970. Nothing runs on. */
function installClock() {
  const clock = { now: 0 };
  const Native = globalThis.Date;
  class Date extends Native {
    constructor(...parts) {
      if (parts.length === 0) super(clock.now);
      else super(...parts);
    }

    static now() {
      return clock.now;
    }
  }
  globalThis.Date = new Proxy(Date, { apply: () => new Date().toString() });
  Date.prototype.constructor = globalThis.Date;
  return clock;
}
