// Lines for the adapter's log. They carry the mapping's name; how many an evaluation may write is
// limited by the adapter. In tests they go to standard error.

let write = (level, message) => globalThis.process?.stderr?.write(`${level}: ${message}\n`);

/** @internal Where lines go within a component. */
export function writeTo(writer) {
  write = writer;
}

/** Something only the author looks for. */
export const debug = (message) => write('debug', String(message));
/** Something worth knowing. */
export const info = (message) => write('info', String(message));
/** Something that may need attention. */
export const warn = (message) => write('warn', String(message));
/** Something that needs attention. */
export const error = (message) => write('error', String(message));
