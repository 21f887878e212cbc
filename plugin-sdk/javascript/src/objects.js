// From series to objects: the part that most plugins share.

import { Failure } from './failure.js';
import * as log from './log.js';

/** The label that names the namespace where a plugin's configuration does not say. */
export const NAMESPACE_LABEL = 'namespace';

/** Which object a value is for. Those of one input may be compared with each other. */
export class ObjectKey {
  /** @internal `fixed` is the object of a configuration, which names one alone. */
  constructor(input, name, namespace, fixed) {
    /** @internal */ this.input = input;
    /** @internal */ this.nameNumber = name;
    /** @internal */ this.namespaceNumber = namespace;
    /** @internal */ this.fixed = fixed;
  }

  get name() {
    return this.fixed === undefined ? this.input.texts.get(this.nameNumber) : this.fixed.name;
  }

  get namespace() {
    return this.namespaceNumber === 0 ? this.fixed?.namespace : this.input.texts.get(this.namespaceNumber);
  }

  /** Tells objects apart, as a key of a `Map`. */
  get key() {
    // Whole numbers of this size spread well in the maps of the engine, which small ones do not.
    return 2 ** 52 + this.namespaceNumber * 2 ** 26 + this.nameNumber;
  }

  called() {
    return `the object ${JSON.stringify(this.name)}`;
  }

  /** @internal */
  addTo(measures, value, time, window) {
    const namespace = this.namespaceNumber === 0 ? this.fixed?.namespace : this.namespaceNumber;
    return measures.row(this.fixed === undefined ? this.nameNumber : this.fixed.name, namespace, value, time, window);
  }
}

/** The object of an entry of `input.objects`. */
export function objectKey(object) {
  const { name, namespace } = object.numbers;
  return new ObjectKey(object.input, name, namespace, undefined);
}

/**
 * A value for an object, made from one or more series. It is its object, too, and a place in columns:
 * in this engine it is the number of fields that a row costs.
 */
export class ObjectValue {
  /** @internal */
  constructor(of, at) {
    /** @internal */ this.of = of;
    /** @internal */ this.at = at;
  }

  get object() {
    return this;
  }

  get value() {
    return this.of.values[this.at];
  }

  set value(value) {
    this.of.values[this.at] = value;
  }

  get time() {
    return this.of.times[this.at];
  }

  set time(time) {
    this.of.times[this.at] = time;
  }

  /** @internal */
  get input() {
    return this.of.input;
  }

  /** @internal */
  get nameNumber() {
    return this.of.names[this.at];
  }

  /** @internal */
  get namespaceNumber() {
    return this.of.namespaces[this.at];
  }

  /** @internal */
  get fixed() {
    return this.of.fixed;
  }

  /** @internal */
  addTo(measures, value, time, window) {
    return this.of.addTo(this.at, measures, value, time, window);
  }
}

// It is one without the constructor of one.
Object.setPrototypeOf(ObjectValue.prototype, ObjectKey.prototype);

/** Values of objects, in the order in which their objects came first; each object once. */
export class ObjectValues {
  // Texts are numbered without gaps, so that the newest value of a name is found by its number, and
  // those of the same name in other namespaces from there. Both count from 1, and 0 is none.
  #newest;
  #older = [];
  /** By place, for those that were met more than once. */
  #counts = new Map();
  #disputed = new Set();

  /** @internal */
  constructor(input, fixed) {
    /** @internal */ this.input = input;
    /** @internal */ this.fixed = fixed;
    /** @internal */ this.names = [];
    /** @internal */ this.namespaces = [];
    /** @internal */ this.values = [];
    /** @internal */ this.times = [];
    /** @internal */ this.rows = [];
    this.#newest = new Int32Array(input.texts.length);
  }

  *[Symbol.iterator]() {
    for (let at = 0; at < this.values.length; at++) yield new ObjectValue(this, at);
  }

  get length() {
    return this.values.length;
  }

  get(object) {
    const at = this.#find(object.nameNumber, object.namespaceNumber);
    return at === 0 ? undefined : new ObjectValue(this, at - 1);
  }

  measures(into) {
    for (let at = 0; at < this.values.length; at++) this.addTo(at, into, this.values[at]);
    return into;
  }

  /** @internal */
  addTo(at, measures, value, time, window) {
    const { fixed } = this, namespace = this.namespaces[at];
    return measures.row(
      fixed === undefined ? this.names[at] : fixed.name,
      namespace === 0 ? fixed?.namespace : namespace,
      value,
      time ?? this.times[at],
      window,
    );
  }

  #find(name, namespace) {
    let at = this.#newest[name];
    while (at > 0 && this.namespaces[at - 1] !== namespace) at = this.#older[at - 1];
    return at;
  }

  #push(name, namespace, value, time, row) {
    this.names.push(name);
    this.namespaces.push(namespace);
    this.values.push(value);
    this.times.push(time);
    this.rows.push(row);
    this.#newest[name] = this.#older.push(this.#newest[name]);
  }

  /** @internal */
  meet(answer, combine, name, namespace, value, time, row) {
    const at = this.#find(name, namespace) - 1;
    if (at < 0) return this.#push(name, namespace, value, time, row);
    const { values, times } = this, known = values[at];
    switch (combine) {
      case 'fail':
        throw new Failure(
          `several series are for the object "${this.#name(at)}"; aggregate them in the query, or set `
            + '`combine` to sum, max, min, average, first or omit',
          { query: answer.query },
        );
      case 'sum':
      case 'average':
        values[at] = known + value;
        break;
      // NaN is kept, so that it is refused where it can be explained and never hidden.
      case 'max':
        if (value > known || Number.isNaN(value)) values[at] = value;
        break;
      case 'min':
        if (value < known || Number.isNaN(value)) values[at] = value;
        break;
      case 'omit':
        if (!this.#disputed.has(at) && !Object.is(value, known)) {
          log.warn(
            `several series are for the object "${this.#name(at)}" and do not agree, so it is left out; `
              + `aggregate them in the query: ${answer.query}`,
          );
          this.#disputed.add(at);
        }
        break;
      case 'first':
        if (comesBefore(answer, row, this.rows[at])) [values[at], times[at], this.rows[at]] = [value, time, row];
        return undefined;
      default:
        throw new TypeError(`${JSON.stringify(combine)} is no way to combine values`);
    }
    times[at] = Math.min(times[at], time);
    this.#counts.set(at, (this.#counts.get(at) ?? 1) + 1);
    return undefined;
  }

  #name(at) {
    return new ObjectValue(this, at).name;
  }

  /** @internal */
  finish(combine) {
    if (combine === 'average') for (const [at, count] of this.#counts) this.values[at] /= count;
    if (this.#disputed.size === 0) return this;
    const kept = new ObjectValues(this.input, this.fixed);
    for (let at = 0; at < this.values.length; at++) {
      if (!this.#disputed.has(at)) kept.#push(this.names[at], this.namespaces[at], this.values[at], this.times[at], this.rows[at]);
    }
    return kept;
  }
}

/** Finds the object of each series of an answer, as `byObject` does. */
export class ObjectFinder {
  #input;
  #fixed;
  #name;
  #namespace;
  #elsewhere;

  constructor(answer, source, namespace) {
    const { input } = answer;
    const column = (label) => (label === '' ? undefined : answer.column(label));
    this.#input = input;
    if (input.namespace === undefined) this.#namespace = column(namespace ?? NAMESPACE_LABEL);
    else if (namespace !== undefined) this.#elsewhere = column(namespace);
    if (typeof source !== 'string') {
      this.#fixed = { name: source.name, namespace: source.namespace ?? undefined };
      // Where the configuration does not name the namespace, series of several namespaces are for
      // several objects of the name.
      if (this.#fixed.namespace !== undefined) this.#namespace = undefined;
      return;
    }
    this.#name = answer.column(source);
    if (this.#name === undefined && answer.rows > 0) throw nothingNamed(answer, source);
  }

  /** The object of a series; `undefined` if it is for none, or for one of another namespace. */
  object(series) {
    const { row } = series, name = this.nameOf(row);
    return name < 0 ? undefined : new ObjectKey(this.#input, name, this.namespaceOf(row), this.#fixed);
  }

  /** @internal The object of the configuration, if it names one. */
  get fixed() {
    return this.#fixed;
  }

  /** @internal The number of the object's name: 0 for the one of the configuration, -1 for none. */
  nameOf(row) {
    if (this.#elsewhere !== undefined) {
      const named = this.#elsewhere.at(row);
      if (named !== 0 && this.#input.texts.get(named) !== this.#input.namespace) return -1;
    }
    if (this.#fixed !== undefined) return 0;
    return this.#name?.at(row) || -1;
  }

  /** @internal */
  namespaceOf(row) {
    return this.#namespace === undefined ? 0 : this.#namespace.at(row);
  }

  /** @internal Whether each row needs no more than the column of the name; that column. */
  get plain() {
    return this.#elsewhere === undefined && this.#namespace === undefined ? this.#name : undefined;
  }
}

function nothingNamed(answer, wanted) {
  const first = answer.table.pairs(0).map(([name]) => name).join(', ') || 'none';
  return new Failure(
    `no series has the label "${wanted}" that names the object (labels of the first series: ${first}); `
      + "keep it in the query's by (…), or set `object` to another label",
    { query: answer.query },
  );
}

/**
 * Finds the object of each series of an answer and combines those that meet.
 *
 * `namespace` is the label with the object's namespace. Where the scope is the cluster it is
 * `namespace` if left out, and no label if it is empty: objects that live in no namespace are by
 * their name alone. Where the scope is a namespace, series that name another one by it are passed
 * over. A series without the object's label belongs to no object and is passed over; it is a failure
 * only if every series lacks it.
 */
export function byObject(answer, source, { namespace, combine = 'fail' } = {}) {
  answer.expect('vector');
  const finder = new ObjectFinder(answer, source, namespace);
  const { values, times } = answer.data, { plain } = finder;
  const found = new ObjectValues(answer.input, finder.fixed);
  for (let row = 0; row < values.length; row++) {
    if (plain !== undefined) {
      const name = plain.cells[plain.start + row];
      if (name !== 0) found.meet(answer, combine, name, 0, values[row], times[row], row);
      continue;
    }
    const name = finder.nameOf(row);
    if (name >= 0) found.meet(answer, combine, name, finder.namespaceOf(row), values[row], times[row], row);
  }
  return found.finish(combine);
}

/**
 * Combines the samples that meet one object: those that a function makes of series, each with its
 * object: `{object, value, time}`. A series of which it makes none is passed over.
 */
export function combined(answer, combine, of) {
  let found;
  for (const series of answer.series) {
    const made = of(series);
    if (made === undefined) continue;
    const { object, value, time } = made;
    found ??= new ObjectValues(answer.input, object.fixed);
    found.meet(answer, combine, object.nameNumber, object.namespaceNumber, value, time, series.row);
  }
  return found?.finish(combine) ?? new ObjectValues(answer.input, undefined);
}

/** Which of two series comes first, whatever their order in the answer: by their labels. */
function comesBefore(answer, row, other) {
  const [a, b] = [row, other].map((one) => answer.table.pairs(one).flatMap(([name, value]) => [[name, value]]).sort(byText));
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const order = byText(a[at], b[at]);
    if (order !== 0) return order < 0;
  }
  return a.length < b.length;
}

function byText(a, b) {
  return compare(a[0], b[0]) || compare(a[1], b[1]);
}

/** @internal The order of code points, which that of UTF-8 is. */
export function compare(a, b) {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    if (a[at] !== b[at]) return a.codePointAt(at) < b.codePointAt(at) ? -1 : 1;
  }
  return a.length - b.length;
}
