// The mapping that a configuration belongs to.

import { Fault } from './failure.js';
import { NsxAlbQuery, Query } from './query.js';
import { listed } from './text.js';

/** A query that the mapping has already. */
export class OwnQuery {
  constructor({ name, range, written }) {
    this.name = name;
    this.isRange = range;
    this.written = written;
  }

  beside(name, asked) {
    const { source, maxSampleAge } = this.written ?? {};
    const kept = Object.entries({ source, maxSampleAge }).filter(([, value]) => value !== undefined);
    return Query.written(name, { ...Object.fromEntries(kept), nsxAlb: asked.keys });
  }

  get nsxAlb() {
    const keys = this.written?.nsxAlb;
    return typeof keys === 'object' && keys !== null && !Array.isArray(keys) ? new NsxAlbQuery(keys) : undefined;
  }
}

/** The mapping that a configuration belongs to. */
export class Context {
  constructor({ api, servedFor, queries = [] }) {
    this.api = api;
    this.servedFor = servedFor;
    this.queries = queries.map((query) => new OwnQuery(query));
  }

  /** @internal */
  static ofRaw(raw) {
    return new Context({
      api: raw.api,
      servedFor: raw.servedFor ?? undefined,
      queries: raw.queries.map(({ name, range, written }) => ({ name, range, written: parsed(written) })),
    });
  }

  onlyInstant() {
    if (this.queries.length === 1) return this.instant(this.queries[0].name);
    return new Fault('', `this plugin works on one query, and the mapping has ${this.queries.length}`);
  }

  instant(name) {
    const found = this.queries.find((query) => query.name === name);
    if (found === undefined) {
      const known = listed(this.queries.map((query) => query.name));
      return new Fault('', `the mapping has no query "${name}"; it has ${known}`);
    }
    if (!found.isRange) return undefined;
    return new Fault('', `this plugin takes no range query, which "${name}" is; leave its \`range\` out`);
  }

  onlyRange() {
    if (this.queries.length !== 1) {
      const count = this.queries.length;
      return new Fault('', `this plugin works on one range query, and the mapping has ${count} queries`);
    }
    const [{ name, isRange }] = this.queries;
    if (isRange) return undefined;
    return new Fault(
      '',
      `this plugin works on a range query, and "${name}" is none; give it a \`range\` with \`duration\` and \`step\``,
    );
  }

  objectFits(isSet) {
    if (this.api === 'custom' && !isSet) {
      return new Fault('', 'the key "object" is missing: a custom metric has a value for each object');
    }
    if (this.api === 'external' && isSet) {
      return new Fault('/object', 'an external metric has items with labels and no objects; leave this out');
    }
    return undefined;
  }

  servedIn(api) {
    if (this.api === api) return undefined;
    const [these, instead] = api === 'custom'
      ? ['custom metrics, which have objects', 'external']
      : ['external metrics, which have none', 'per-object'];
    return new Fault('', `this plugin makes values for ${these}; use ${instead}`);
  }
}

/** The adapter sends JSON; what it does not tell is not known. */
function parsed(written) {
  try {
    return JSON.parse(written);
  } catch {
    return null;
  }
}
