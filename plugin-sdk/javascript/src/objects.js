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

/** A value for an object, made from one or more series. It is its object, too: one thing for each row costs least. */
export class ObjectValue {
  /** @internal */
  constructor(input, name, namespace, fixed, value, time, row) {
    this.input = input;
    this.nameNumber = name;
    this.namespaceNumber = namespace;
    this.fixed = fixed;
    this.value = value;
    this.time = time;
    /** @internal */ this.row = row;
  }

  get object() {
    return this;
  }

  /** @internal */
  addTo(measures, value, time, window) {
    const namespace = this.namespaceNumber === 0 ? this.fixed?.namespace : this.namespaceNumber;
    return measures.row(this.fixed === undefined ? this.nameNumber : this.fixed.name, namespace, value, time ?? this.time, window);
  }
}

// It inherits without `extends`: calling the constructor above it would double what a row costs.
Object.setPrototypeOf(ObjectValue.prototype, ObjectKey.prototype);
// Few objects are met twice, so these are told of those alone.
/** @internal How many series it was made from. */
ObjectValue.prototype.count = 1;
/** @internal Whether its series do not agree, and there is no saying which of them is right. */
ObjectValue.prototype.disputed = false;

/** Values of objects, in the order in which their objects came first; each object once. */
export class ObjectValues {
  #values = [];
  // Texts are numbered without gaps, so that the newest value of a name is found by its number, and
  // those of the same name in other namespaces from there.
  #newest;
  #older = [];

  /** @internal */
  constructor(input) {
    this.#newest = new Int32Array(input.texts.length);
  }

  [Symbol.iterator]() {
    return this.#values[Symbol.iterator]();
  }

  get length() {
    return this.#values.length;
  }

  get(object) {
    return this.find(object.nameNumber, object.namespaceNumber);
  }

  /** @internal */
  find(name, namespace) {
    for (let at = this.#newest[name]; at > 0; at = this.#older[at - 1]) {
      const value = this.#values[at - 1];
      if (value.namespaceNumber === namespace) return value;
    }
    return undefined;
  }

  /** @internal */
  push(value) {
    const name = value.nameNumber, newest = this.#newest;
    this.#older.push(newest[name]);
    newest[name] = this.#values.push(value);
  }

  measures(into) {
    for (const value of this.#values) value.addTo(into, value.value);
    return into;
  }

  /** @internal */
  finish(combine) {
    if (combine === 'average') for (const value of this.#values) value.value /= value.count;
    if (combine !== 'omit' || !this.#values.some((value) => value.disputed)) return this;
    const kept = this.#values.filter((value) => !value.disputed);
    this.#values = [];
    this.#older = [];
    this.#newest.fill(0);
    for (const value of kept) this.push(value);
    return this;
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

  /** @internal The value of a row for an object; it knows the numbers of both. */
  value(name, namespace, value, time, row) {
    return new ObjectValue(this.#input, name, namespace, this.#fixed, value, time, row);
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
  const found = new ObjectValues(answer.input);
  for (let row = 0; row < values.length; row++) {
    const name = plain === undefined ? finder.nameOf(row) : plain.at(row) || -1;
    if (name < 0) continue;
    const of = plain === undefined ? finder.namespaceOf(row) : 0;
    const known = found.find(name, of), time = times[row];
    if (known === undefined) found.push(finder.value(name, of, values[row], time, row));
    else meet(answer, known, row, values[row], time, combine);
  }
  return found.finish(combine);
}

/**
 * Combines the samples that meet one object: those that a function makes of series, each with its
 * object: `{object, value, time}`. A series of which it makes none is passed over.
 */
export function combined(answer, combine, of) {
  const found = new ObjectValues(answer.input);
  for (const series of answer.series) {
    const made = of(series);
    if (made === undefined) continue;
    const { object, value, time } = made, known = found.get(object);
    if (known === undefined) {
      found.push(new ObjectValue(object.input, object.nameNumber, object.namespaceNumber, object.fixed, value, time, series.row));
    }
    else meet(answer, known, series.row, value, time, combine);
  }
  return found.finish(combine);
}

function meet(answer, known, row, value, time, combine) {
  switch (combine) {
    case 'fail':
      throw new Failure(
        `several series are for the object "${known.name}"; aggregate them in the query, or set `
          + '`combine` to sum, max, min, average, first or omit',
        { query: answer.query },
      );
    case 'sum':
    case 'average':
      known.value += value;
      break;
    // NaN is kept, so that it is refused where it can be explained and never hidden.
    case 'max':
      if (value > known.value || Number.isNaN(value)) known.value = value;
      break;
    case 'min':
      if (value < known.value || Number.isNaN(value)) known.value = value;
      break;
    case 'omit':
      if (!known.disputed && !Object.is(value, known.value)) {
        log.warn(
          `several series are for the object "${known.name}" and do not agree, so it is left out; `
            + `aggregate them in the query: ${answer.query}`,
        );
        known.disputed = true;
      }
      break;
    case 'first':
      if (comesBefore(answer, row, known.row)) Object.assign(known, { row, value, time });
      return;
    default:
      throw new TypeError(`${JSON.stringify(combine)} is no way to combine values`);
  }
  known.time = Math.min(known.time, time);
  known.count += 1;
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
