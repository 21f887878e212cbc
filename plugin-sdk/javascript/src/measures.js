// What a plugin returns: one measure per object, or per item of an external metric.

import { milliseconds } from './duration.js';
import { Interner } from './text.js';

/** Stands for a time that the plugin did not give. */
const NO_TIME = undefined;

/**
 * The measures of an evaluation, column by column. A name is a text, or the number of one of the
 * input, which passes through as it is.
 */
export class Measures {
  #objects = [];
  #namespaces = [];
  #values = [];
  #times = [];
  #windows = [];
  #labels = new Map();

  get length() {
    return this.#values.length;
  }

  add(object, value, { time, namespace, window } = {}) {
    if (typeof object === 'object' && object !== null) return object.addTo(this, value, { time, namespace, window });
    if (typeof object !== 'string') throw new TypeError(`the name of an object is ${told(object)}, and no text`);
    return this.row(object, namespace, value, time, window);
  }

  addItem(labels, value, { time, window } = {}) {
    const row = this.#values.length;
    this.row(0, undefined, value, time, window);
    for (const [name, text] of pairs(labels)) this.#label(row, name, text);
    return this;
  }

  /** @internal */
  addNumbered(numbers, value, { time, window } = {}) {
    const row = this.#values.length;
    this.row(0, undefined, value, time, window);
    for (let at = 0; at < numbers.length; at += 2) this.#label(row, numbers[at], numbers[at + 1]);
    return this;
  }

  #label(row, name, text) {
    for (const one of [name, text]) {
      if (typeof one !== 'string' && typeof one !== 'number') throw new TypeError(`a label is ${told(one)}, and no text`);
    }
    let cells = this.#labels.get(name);
    if (cells === undefined) this.#labels.set(name, (cells = []));
    cells[row] = text;
  }

  /** @internal */
  row(object, namespace, value, time, window) {
    if (typeof value !== 'number') throw new TypeError(`the value is ${told(value)}, and no number`);
    if (time !== undefined && !Number.isSafeInteger(time)) {
      throw new TypeError(`the time is ${told(time)}, and no whole number of milliseconds`);
    }
    this.#objects.push(object);
    this.#namespaces.push(namespace ?? 0);
    this.#values.push(value);
    this.#times.push(time ?? NO_TIME);
    this.#windows.push(window === undefined ? 0 : seconds(window));
    return this;
  }

  rows(input) {
    const text = (name) => (typeof name === 'number' ? input.texts.get(name) : name);
    const filled = (name) => text(name ?? 0) || undefined;
    return this.#values.map((value, row) => ({
      object: text(this.#objects[row]),
      namespace: filled(this.#namespaces[row]),
      value,
      time: this.#times[row],
      window: this.#windows[row] || undefined,
      labels: Object.fromEntries([...this.#labels]
        .map(([name, cells]) => [text(name), filled(cells[row])])
        .filter(([, value]) => value !== undefined)),
    }));
  }

  /** @internal The columns in the form of the contract. */
  raw(input) {
    const own = new Interner(), shared = input.texts, first = shared.length;
    const number = (name) => {
      if (typeof name === 'number') return name;
      if (name === '') return 0;
      return shared.known(name) ?? first + own.intern(name);
    };
    const column = (names) => (names.every((name) => name === 0 || name === '') ? [] : names.map(number));
    const rows = this.#values.length;
    // A name may have come as a text and as a number: those are one label.
    const labels = new Map();
    for (const [name, cells] of this.#labels) {
      const of = number(name);
      if (!labels.has(of)) labels.set(of, new Array(rows).fill(0));
      const filled = labels.get(of);
      cells.forEach((cell, row) => { filled[row] = number(cell); });
    }
    const timed = this.#times.some((time) => time !== NO_TIME);
    return {
      objects: column(this.#objects),
      namespaces: column(this.#namespaces),
      values: this.#values,
      times: timed ? this.#times.map((time) => (time === NO_TIME ? input.now : time)) : [],
      windows: this.#windows.every((window) => window === 0) ? [] : this.#windows,
      labels: { names: [...labels.keys()], rows, cells: [...labels.values()].flat() },
      dictionary: own.raw(),
    };
  }
}

function seconds(window) {
  return Math.min(Math.floor(milliseconds(window) / 1000), 0xffff_ffff);
}

function pairs(labels) {
  return Symbol.iterator in labels ? labels : Object.entries(labels);
}

function told(value) {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${JSON.stringify(String(value))}`;
}
