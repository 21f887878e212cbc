// Where each line of a bundle comes from, out of its source map.

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * For each line of the bundle, counted from 1, the number of a source and a line of it; nothing for
 * lines that come from files of which `isAuthors` says no.
 */
export function lines({ mappings, sources }, isAuthors) {
  const kept = sources.map(isAuthors), names = [], numbers = new Map();
  let source = 0, line = 0;
  const places = [null, ...mappings.split(';').map((text) => {
    let first = null;
    for (const segment of text === '' ? [] : text.split(',')) {
      const [, sourceStep, lineStep] = decoded(segment);
      if (sourceStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      if (first === null && kept[source] !== undefined) {
        if (!numbers.has(source)) numbers.set(source, names.push(kept[source]) - 1);
        first = [numbers.get(source), line + 1];
      }
    }
    return first;
  })];
  return { sources: names, places };
}

function decoded(segment) {
  const fields = [];
  let value = 0, shift = 0;
  for (const letter of segment) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    fields.push(value & 1 ? -(value >> 1) : value >> 1);
    value = shift = 0;
  }
  return fields;
}
