// Queries that a plugin brings itself.

import { milliseconds } from './duration.js';
import { wellFormed } from './text.js';

/** A query that a plugin brings itself. */
export class Query {
  #promql;
  #keys;

  constructor(name, promql, keys) {
    this.name = name;
    this.#promql = promql;
    this.#keys = keys;
  }

  static instant(name, promql) {
    return new Query(name, { text: promql });
  }

  static range(name, promql, { duration, step }) {
    return new Query(name, { text: promql, range: { duration: seconds(duration), step: seconds(step) } });
  }

  static nsxAlb(name, query) {
    return Query.written(name, { nsxAlb: query.keys });
  }

  static written(name, keys) {
    return new Query(name, undefined, { ...keys });
  }

  fromSource(source) {
    return this.#with('source', source);
  }

  maxSampleAge(age) {
    return this.#with('maxSampleAge', `${Math.floor(milliseconds(age))}ms`);
  }

  #with(key, value) {
    return this.#keys === undefined ? this : new Query(this.name, undefined, { ...this.#keys, [key]: value });
  }

  get keys() {
    if (this.#keys !== undefined) return this.#keys;
    const { text, range } = this.#promql;
    if (range === undefined) return { promql: text };
    return { promql: text, range: { duration: `${range.duration}s`, step: `${range.step}s` } };
  }

  /** @internal */
  raw() {
    const asked = this.#keys === undefined
      ? { tag: 'promql', val: { text: wellFormed(this.#promql.text), range: this.#promql.range ?? null } }
      : { tag: 'written', val: JSON.stringify(this.#keys) };
    return { name: wellFormed(this.name), asked };
  }
}

function seconds(duration) {
  return Math.min(Math.floor(milliseconds(duration) / 1000), 0xffff_ffff);
}

/**
 * What is asked of an NSX ALB controller: a metric of one object, or of all that AKO made for a
 * cluster. The keys are those of `nsxAlb` in a mapping's query.
 */
export class NsxAlbQuery {
  constructor(keys) {
    this.keys = keys;
  }

  static ofAko(entity, cluster, metric) {
    return new NsxAlbQuery({ entity, ako: cluster, metric });
  }

  static named(entity, name, metric) {
    return new NsxAlbQuery({ entity, name, metric });
  }

  static byUuid(entity, uuid, metric) {
    return new NsxAlbQuery({ entity, uuid, metric });
  }

  with(key, value) {
    return new NsxAlbQuery({ ...this.keys, [key]: value });
  }

  withMetric(metric) {
    return this.with('metric', metric);
  }

  withServers() {
    return this.with('servers', true);
  }

  inNamespace(namespace) {
    return this.with('namespace', namespace);
  }

  get metric() {
    return typeof this.keys.metric === 'string' ? this.keys.metric : '';
  }

  get hasServers() {
    return this.keys.servers === true;
  }
}
