// Merges the data segments of a component. A snapshot of memory comes as thousands of them with
// small gaps between, and the adapter bounds how many there may be.

import { module, number, readNumber, readSigned, sections, signed } from './wasm.js';

const MODULE = 1;
const MEMORY = 5, DATA = 11, DATA_COUNT = 12;
/** Gaps of so many bytes are filled. What a segment costs besides its bytes is about a fifth of it. */
const GAP = 32;
/** A module of fewer segments stays as it is. */
const FEW = 100;

/** The same component with neighbouring segments of its modules as one. */
export function withMergedSegments(component) {
  const parts = sections(component).map((part) => (part.id === MODULE ? { ...part, body: merged(part.body) } : part));
  return module(component, parts);
}

function merged(bytes) {
  const parts = sections(bytes), data = parts.find(({ id }) => id === DATA);
  const segments = data === undefined ? undefined : activeSegments(data.body);
  // In the memory of another module, what is between may be something else than zeros.
  const isOwn = parts.some(({ id }) => id === MEMORY);
  if (!isOwn || segments === undefined || segments.length < FEW) return bytes;
  const joined = joinedSegments(segments);
  const written = Buffer.concat([Buffer.from(number(joined.length)), ...joined.map(written32)]);
  return module(bytes, parts.map((part) => {
    if (part.id === DATA) return { ...part, body: written };
    if (part.id === DATA_COUNT) return { ...part, body: Buffer.from(number(joined.length)) };
    return part;
  }));
}

/** Segments at fixed places of the only memory; `undefined` if there are others. */
function activeSegments(body) {
  let [count, at] = readNumber(body, 0), start, length;
  const found = [];
  while (count-- > 0) {
    if (body[at] !== 0 || body[at + 1] !== 0x41) return undefined;
    [start, at] = readSigned(body, at + 2);
    if (body[at++] !== 0x0b) return undefined;
    [length, at] = readNumber(body, at);
    found.push({ start: start >>> 0, bytes: body.subarray(at, at + length) });
    at += length;
  }
  return found;
}

/** Only segments that follow each other upwards are joined, so that no byte is written in another order. */
function joinedSegments(segments) {
  const joined = [];
  let end = -Infinity;
  for (const { start, bytes } of segments) {
    const gap = start - end;
    if (gap >= 0 && gap <= GAP) joined.at(-1).parts.push(Buffer.alloc(gap), bytes);
    else joined.push({ start, parts: [bytes] });
    end = start + bytes.length;
  }
  return joined;
}

function written32({ start, parts }) {
  const bytes = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([0, 0x41, ...signed(start | 0), 0x0b, ...number(bytes.length)]), bytes]);
}
