/** Tests of plugins. */

import type { Input, Plugin, Time } from '../index.js';

/** Makes a test of `node --test` of each `*.json` of a folder: a path, or a URL such as `new URL('fixtures', import.meta.url)`. */
export function fixtures(plugin: Plugin, folder?: string | { readonly href: string }): void;

/** Runs a fixture. Throws an error that says what differs. */
export function checkFixture(plugin: Plugin, fixture: unknown): void;

/** Makes an `Input` from what Prometheus answers. Without a namespace its scope is the cluster. */
export class InputBuilder {
  constructor();
  namespace(name: string): this;
  now(time: Time): this;
  /** An answer as the HTTP API gives it, whole or its `data`; as JSON or parsed. Beside `resultType` there may be a `unit`. */
  answer(query: string, json: unknown): this;
  /** An object that exists in the scope. */
  object(name: string, of?: { namespace?: string; labels?: Record<string, string>; address?: string }): this;
  finish(): Input;
}
