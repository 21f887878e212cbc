// Write a Leadsman plugin: one function that turns the answers of queries into a value for each
// object.

export * as t from './config.js';
export * as log from './log.js';
export { Context, OwnQuery } from './context.js';
export { parseDuration } from './duration.js';
export { Failure, Fault, Faults, refuse } from './failure.js';
export { Answer, Column, Input, KubeObject, Range, Series } from './input.js';
export { Measures } from './measures.js';
export {
  NAMESPACE_LABEL, ObjectFinder, ObjectKey, ObjectValue, ObjectValues, byObject, combined, objectKey,
} from './objects.js';
export { Plugin, definePlugin } from './plugin.js';
export { NsxAlbQuery, Query } from './query.js';
export { isHealthScore, mayBeSummed } from './summable.js';
export { Targets } from './target.js';
