// Where in the author's source an error came from.

/** What plugins do not have, by the global that something else would find it under. */
const MISSING = {
  fetch: 'no network', XMLHttpRequest: 'no network', WebSocket: 'no network', EventSource: 'no network',
  require: 'no modules but those that were bundled, and no files',
  process: 'no environment and no arguments', Deno: 'no environment and no files', Bun: 'no environment and no files',
  setTimeout: 'no timers', setInterval: 'no timers', setImmediate: 'no timers', queueMicrotask: 'no timers',
  Worker: 'no threads', SharedArrayBuffer: 'no threads',
  performance: 'no clock but input.now', crypto: 'no random numbers',
  TextDecoder: 'no TextDecoder', TextEncoder: 'no TextEncoder', Buffer: 'no Buffer', Intl: 'no Intl',
  URL: 'no URL', structuredClone: 'no structuredClone', WebAssembly: 'no WebAssembly', document: 'no document',
};

/** What an error says, what plugins have in place of what is not there, and where it came from. */
export function explained(error, at = placed) {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  // The bundler has a `require` of its own, which says so in its own words.
  const said = error.message.startsWith('Calling `require` for') ? 'require is not defined' : error.message;
  const absent = /^'?([A-Za-z]+)'? is not defined$/.exec(said)?.[1];
  const hint = absent !== undefined && Object.hasOwn(MISSING, absent) ? `: plugins have ${MISSING[absent]}` : '';
  const place = at(error.stack ?? '');
  return `${error.name}: ${said}${hint}${place === undefined ? '' : ` (${place})`}`;
}

/** The first place of a stack that is not of this package, natively. */
function placed(stack) {
  const own = new URL('.', import.meta.url).href;
  for (const line of String(stack).split('\n')) {
    const match = /^\s*at (?:(.*?) \()?((?:file:\/\/)?[^()]*?):([0-9]+):[0-9]+\)?$/.exec(line);
    if (match !== null && !match[2].startsWith(own) && !match[2].startsWith('node:')) {
      return `${match[2].replace(/^.*\//, '')}:${match[3]}`;
    }
  }
  return undefined;
}
