// Durations as people write them in a configuration.

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };
/** As many milliseconds as the adapter can hold: 2^64 - 1, which a number comes near to. */
const MOST = 2 ** 64;

/**
 * Reads a duration as mappings have it (`500ms`, `5s`, `1m30s`, `2h`, `7d`), in milliseconds. What is
 * none is an error that says what would be right.
 */
export function parseDuration(text) {
  const rest = text.trim();
  const parts = rest.match(/^(?:[0-9]+(?:ms|[smhdw]))+$/) && [...rest.matchAll(/([0-9]+)(ms|[smhdw])/g)];
  const total = parts?.reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0);
  if (total === undefined || total >= MOST) {
    const short = JSON.stringify([...text].slice(0, 40).join(''));
    throw new Error(`${short} is not a duration such as 30s, 1m30s, 2h or 7d`);
  }
  return total;
}

/** @internal The milliseconds of a duration: of a number of them, or of a text. */
export function milliseconds(duration) {
  const length = typeof duration === 'string' ? parseDuration(duration) : duration;
  if (!Number.isFinite(length) || length < 0) throw new Error(`${length} is not a number of milliseconds`);
  return length;
}
