/** Lines for the adapter's log. How many an evaluation may write is limited by the adapter. */

/** Something only the author looks for. */
export function debug(message: string): void;
/** Something worth knowing. */
export function info(message: string): void;
/** Something that may need attention. */
export function warn(message: string): void;
/** Something that needs attention. */
export function error(message: string): void;
