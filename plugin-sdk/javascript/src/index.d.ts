/** Write a Leadsman plugin: one function that turns the answers of queries into a value for each object. */

import type { Combine, Infer, Keys, ObjectSource, Type } from './config.js';

export * as t from './config.js';
export * as log from './log.js';

/** A time in milliseconds since the epoch. */
export type Time = number;
/** A length of time: milliseconds, or a text such as `1m30s`. */
export type Duration = number | string;
/** In which API a metric is served: a value for each object, or items with labels. */
export type Api = 'custom' | 'external';

// Plugins

export interface Definition<C extends Keys | Type<any, boolean>> {
  /** Those of `package.json`, if left out. */
  name?: string;
  version?: string;
  about?: string;
  /** The keys of the configuration. Without it there are none. */
  config?: C;
  /**
   * Checks what types cannot, looks at the mapping around the configuration, and says what is needed
   * beyond the mapping's queries. Refuse a configuration with `refuse(…)`.
   */
  plan?(config: Infer<C>, context: Context): Plan | undefined | void;
  /** Turns the answers of the queries into values. Throw a `Failure` where there can be none. */
  evaluate(input: Input, config: Infer<C>): Measures;
}

/** Makes a function the plugin of this package: `export default definePlugin({…})`. */
export function definePlugin<const C extends Keys | Type<any, boolean> = {}>(definition: Definition<C>): Plugin;

/** A plugin as the adapter sees it. */
export class Plugin {
  private constructor();
  readonly name: string | undefined;
  readonly version: string | undefined;
  readonly about: string | undefined;
  /** The JSON schema of the configuration. */
  readonly schema: Record<string, unknown>;
  /** Checks a configuration, given as JSON. Throws `Faults`. */
  plan(config: string, context: Context): Plan;
  /** Evaluates, without a sandbox. Throws a `Failure`, or whatever the plugin throws. */
  run(config: string, input: Input): Measures;
}

/** What a plugin needs for a configuration. */
export interface Plan {
  /** Queries that the plugin brings itself: at most 20. */
  queries?: Query[];
  /**
   * Whether `input.objects` is to be filled: with all labels, or with those of these keys alone; with
   * the addresses, which only pods have. With addresses alone there are no labels.
   */
  objects?: boolean | { labels?: readonly string[]; addresses?: boolean };
}

// What went wrong

/**
 * Why an evaluation gave no result. The text reaches the person who reads `kubectl describe hpa`, so
 * it should say what was found and what to do.
 */
export class Failure extends Error {
  /** `query` is the one whose answer could not be used, if it was one. */
  constructor(message: string, options?: { query?: string; cause?: unknown });
  readonly query: string | undefined;
}

/** Something wrong in a configuration or the mapping around it, and where. */
export class Fault {
  /** `path` is a JSON pointer into the configuration (`/object/label`); empty for the whole, or the mapping. */
  constructor(path: string, message: string);
  readonly path: string;
  readonly message: string;
}

/** All that is wrong with a configuration or the mapping around it. */
export class Faults extends Error {
  constructor(faults: Fault[]);
  readonly faults: Fault[];
}

/** Refuses a configuration if there are faults among these. Everything else is passed over. */
export function refuse(...faults: (Fault | false | null | undefined)[]): void;

// What is given

/** Everything one evaluation is made from. */
export class Input {
  private constructor();
  /** The namespace that the evaluation is for; `undefined` for the whole cluster, where each measure of a namespaced object must name its namespace. */
  readonly namespace: string | undefined;
  /** When the evaluation began. Plugins have no other clock. */
  readonly now: Time;
  /** All answers, in the order of the mapping's queries. */
  readonly answers: readonly Answer[];
  /** The answer of the query with this name. */
  answer(query: string): Answer;
  /** The answer of the mapping's only query, whatever its name. */
  only(): Answer;
  /** The objects that exist in the scope. Empty unless the plan asks for them. */
  readonly objects: readonly KubeObject[];
}

/** What one query was answered with. What is read of it in the wrong kind is a failure that names both. */
export class Answer {
  private constructor();
  /** The query's name. */
  readonly query: string;
  /** What the values are counted in, if the source says so, in its own words: `count`, `percent`, `milliseconds`. */
  readonly unit: string | undefined;
  /** What the source warned of. */
  readonly warnings: readonly string[];
  /** The series of an instant vector. */
  readonly series: readonly Series[];
  /** The series of a range query. */
  readonly ranges: readonly Range[];
  /** The sample of a scalar. */
  readonly scalar: Sample;
  /** Whether the answer is a scalar, for plugins that take either. */
  readonly isScalar: boolean;
  /** The text of a string result. */
  readonly text: string;
  /** Finds a label once, for plugins that read it of many series; `undefined` if no series has it. */
  column(name: string): Column | undefined;
}

/** A label of an answer, found once for all of its series. */
export class Column {
  private constructor();
  private readonly table: unknown;
}

/** A value and when it was taken. Values may be NaN or infinite, as they came. */
export interface Sample {
  readonly time: Time;
  readonly value: number;
}

interface Labelled {
  readonly answer: Answer;
  /** The value of a label, `undefined` where it is not set. */
  label(name: string): string | undefined;
  /** The value of a label that was found with `answer.column` of the same answer. */
  at(column: Column | undefined): string | undefined;
  /** The value of a label that every series must have. */
  require(name: string): string;
  /** All labels that are set, with their values. */
  readonly labels: [name: string, value: string][];
}

/** One series of an instant vector. */
export interface Series extends Labelled, Sample {}
export class Series {
  private constructor();
}

/** One series of a range query. Samples are oldest first. */
export interface Range extends Labelled {
  readonly values: number[];
  readonly times: Time[];
  readonly samples: Sample[];
}
export class Range {
  private constructor();
}

/** An object that exists in the scope. */
export class KubeObject {
  private constructor();
  readonly name: string;
  /** `undefined` for objects that live in no namespace. */
  readonly namespace: string | undefined;
  /** The IP address of a pod; `undefined` where it is not known or the plan does not ask for it. */
  readonly address: string | undefined;
  /** The value of one of its labels, `undefined` where it is not set. */
  label(name: string): string | undefined;
}

// What is returned

/** When a value was measured, and the time over which it was. Without a time it is when the evaluation began: pass that of the sample on. */
export interface Measured {
  time?: Time | undefined;
  window?: Duration | undefined;
}

/** The measures of an evaluation. */
export class Measures {
  constructor();
  /** How many there are. */
  readonly length: number;
  /** Adds a value for an object: its name, or what `byObject`, `ObjectFinder` or `Targets` gave. The namespace is needed only where the scope is the cluster. */
  add(object: string, value: number, measured?: Measured & { namespace?: string | undefined }): this;
  add(object: ObjectKey | ObjectValue | Target, value: number, measured?: Measured): this;
  /** Adds an item of an external metric. */
  addItem(labels: Record<string, string> | Iterable<readonly [string, string]>, value: number, measured?: Measured): this;
  /** The measures row by row, for tests. `input` is what they were made from. */
  rows(input: Input): Row[];
}

/** A measure as a test sees it. */
export interface Row {
  /** Empty for an item of an external metric. */
  object: string;
  namespace: string | undefined;
  value: number;
  time: Time | undefined;
  /** Seconds. */
  window: number | undefined;
  labels: Record<string, string>;
}

// From series to objects

/** The label that names the namespace where a configuration does not say. */
export const NAMESPACE_LABEL: 'namespace';

/** What a series is for: an object, or an item of an external metric. */
export interface Target {
  /** Tells what series of one input are for apart, as the key of a `Map`. */
  readonly key: number | string;
  /** How messages call it. */
  called(): string;
}

/** Which object a value is for. */
export class ObjectKey implements Target {
  private constructor();
  readonly key: number;
  readonly name: string;
  readonly namespace: string | undefined;
  called(): string;
}

/** The object of an entry of `input.objects`. */
export function objectKey(object: KubeObject): ObjectKey;

/** A value for an object, made from one or more series. */
export class ObjectValue implements Sample {
  private constructor();
  readonly object: ObjectKey;
  value: number;
  /** When the oldest of its samples was taken. */
  time: Time;
}

/** Values of objects, each object once, in the order in which they came first. */
export class ObjectValues implements Iterable<ObjectValue> {
  private constructor();
  readonly length: number;
  [Symbol.iterator](): IterableIterator<ObjectValue>;
  /** The value of an object, which may be one of another answer. */
  get(object: ObjectKey): ObjectValue | undefined;
  /** Adds all of them to measures, which it gives. */
  measures(into: Measures): Measures;
}

/**
 * Finds the object of each series of an answer and combines those that meet.
 *
 * `namespace` is the label with the object's namespace. Where the scope is the cluster it is
 * `namespace` if left out, and no label if it is empty. Where the scope is a namespace, series that
 * name another one by it are passed over. So is a series without the object's label; if every series
 * lacks it, that is a failure.
 */
export function byObject(
  answer: Answer,
  source: ObjectSource,
  options?: { namespace?: string | undefined; combine?: Combine },
): ObjectValues;

/** Combines the samples that meet one object: those that a function makes of series. A series of which it makes none is passed over. */
export function combined(
  answer: Answer,
  combine: Combine,
  of: (series: Series) => (Sample & { object: ObjectKey }) | undefined,
): ObjectValues;

/** Finds the object of each series of an answer, as `byObject` does. */
export class ObjectFinder {
  constructor(answer: Answer, source: ObjectSource, namespace?: string);
  /** `undefined` if a series is for none, or for one of another namespace. */
  object(series: Series | Range): ObjectKey | undefined;
}

/** Finds what the series of an answer are for: with a source objects, without items of an external metric. */
export class Targets {
  /** `without` are labels that do not tell items apart, as `le` of a histogram. The name of the series never does. */
  constructor(answer: Answer, source: ObjectSource | undefined, options?: { namespace?: string | undefined; without?: readonly string[] });
  /** `undefined` if a series lacks the object's label, or is of another namespace. */
  of(series: Series | Range): Target | undefined;
  /** The item without labels, as a scalar is. */
  none(): Target;
}

// The mapping around a configuration

/** The mapping that a configuration belongs to. Its checks give the fault for one that could never work. */
export class Context {
  constructor(mapping: { api: Api; servedFor?: string; queries?: { name: string; range: boolean; written?: unknown }[] });
  readonly api: Api;
  /** The objects that a custom metric is served for: `pods`, `ingresses.networking.k8s.io`. */
  readonly servedFor: string | undefined;
  readonly queries: readonly OwnQuery[];
  /** Unless the mapping has exactly one query, and it is no range query. */
  onlyInstant(): Fault | undefined;
  /** Unless the mapping has a query of this name, and it is no range query. */
  instant(name: string): Fault | undefined;
  /** Unless the mapping has exactly one query, and it is a range query. */
  onlyRange(): Fault | undefined;
  /** Unless `object` is set exactly where the API serves objects. */
  objectFits(isSet: boolean): Fault | undefined;
  /** Unless the metric is served in this API. */
  servedIn(api: Api): Fault | undefined;
}

/** A query that the mapping has already. */
export class OwnQuery {
  private constructor();
  readonly name: string;
  readonly isRange: boolean;
  /** What it asks, as the mapping has it: `{source, promql, …}`. */
  readonly written: any;
  /** What it asks of an NSX ALB controller, if it does. */
  readonly nsxAlb: NsxAlbQuery | undefined;
  /** A query of the same source and age of samples, for something else. */
  beside(name: string, asked: NsxAlbQuery): Query;
}

/** A query that a plugin brings itself. */
export class Query {
  private constructor();
  /** PromQL. `${namespace}` and `${selector}` are replaced in it as in a mapping's own queries. */
  static instant(name: string, promql: string): Query;
  /** PromQL over the last `duration`, one sample each `step`; both are rounded to seconds. */
  static range(name: string, promql: string, over: { duration: Duration; step: Duration }): Query;
  /** To an NSX ALB controller. */
  static nsxAlb(name: string, query: NsxAlbQuery): Query;
  /** To any kind of source, with the keys that a query of a mapping has. Without `source` it goes where the mapping's says. */
  static written(name: string, keys: Record<string, unknown>): Query;
  /** The same to another source. Has no effect on PromQL that is not `written`. */
  fromSource(source: string): Query;
  /** The same with samples of at most this age. Has no effect on PromQL that is not `written`. */
  maxSampleAge(age: Duration): Query;
  readonly name: string;
  /** What it asks, with the keys of a query of a mapping. */
  readonly keys: Record<string, unknown>;
}

/** What is asked of an NSX ALB controller: the keys of `nsxAlb` in a mapping's query. */
export class NsxAlbQuery {
  private constructor();
  /** A metric of the pools or virtual services that AKO made for a cluster. */
  static ofAko(entity: string, cluster: string, metric: string): NsxAlbQuery;
  /** A metric of the object with this name. */
  static named(entity: string, name: string, metric: string): NsxAlbQuery;
  /** A metric of the object with this uuid. */
  static byUuid(entity: string, uuid: string, metric: string): NsxAlbQuery;
  /** With any other key. */
  with(key: string, value: unknown): NsxAlbQuery;
  withMetric(metric: string): NsxAlbQuery;
  /** With a series for each server of a pool, which has the labels `server` and `address`. */
  withServers(): NsxAlbQuery;
  /** Only objects that AKO made for this namespace. */
  inNamespace(namespace: string): NsxAlbQuery;
  readonly keys: Record<string, unknown>;
  readonly metric: string;
  readonly hasServers: boolean;
}

/** Reads a duration as mappings have it (`1m30s`), in milliseconds. */
export function parseDuration(text: string): number;
/** Whether values of a metric of NSX ALB may be added. */
export function mayBeSummed(metric: string): boolean;
/** Whether a metric of NSX ALB is a score of health. */
export function isHealthScore(metric: string): boolean;

// What the SDK puts in place of what the engine lacks. Where TypeScript knows the DOM or Node, this is no more than they say.
declare global {
  interface Console {
    log(...values: any[]): void;
    info(...values: any[]): void;
    debug(...values: any[]): void;
    warn(...values: any[]): void;
    error(...values: any[]): void;
  }
  var console: Console;
}
