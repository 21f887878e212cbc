// The little of WebAssembly's binary format that the build reads and writes.

const HEADER = 8;

/** Reads an unsigned LEB128 number; gives it and the place after it. */
export function readNumber(bytes, at) {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[at++];
    value += (byte & 127) * scale;
    if (byte < 128) return [value, at];
  }
}

/** Reads a signed LEB128 number of 32 bits; gives it and the place after it. */
export function readSigned(bytes, at) {
  let value = 0, shift = 0;
  for (;;) {
    const byte = bytes[at++];
    value |= (byte & 127) << shift;
    shift += 7;
    if (byte < 128) return [shift < 32 && byte & 64 ? value | (-1 << shift) : value, at];
  }
}

/** An unsigned number as LEB128. */
export function number(value) {
  const bytes = [];
  do {
    const byte = value % 128;
    value = Math.floor(value / 128);
    bytes.push(value > 0 ? byte | 128 : byte);
  } while (value > 0);
  return bytes;
}

/** A signed number as LEB128. */
export function signed(value) {
  const bytes = [];
  for (;;) {
    const byte = value & 127;
    value >>= 7;
    if ((value === 0 && byte < 64) || (value === -1 && byte >= 64)) return [...bytes, byte];
    bytes.push(byte | 128);
  }
}

/** A name: its length and its bytes in UTF-8. */
export function name(text) {
  const bytes = Buffer.from(text);
  return [...number(bytes.length), ...bytes];
}

/** Reads a name; gives it and the place after it. */
export function readName(bytes, at) {
  const [length, start] = readNumber(bytes, at);
  return [Buffer.from(bytes.subarray(start, start + length)).toString(), start + length];
}

/** The sections of a module or component, in their order. */
export function sections(bytes) {
  const found = [];
  for (let at = HEADER; at < bytes.length;) {
    const [length, start] = readNumber(bytes, at + 1);
    found.push({ id: bytes[at], body: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return found;
}

/** A section with its head. */
export function section({ id, body }) {
  return Buffer.concat([Buffer.from([id, ...number(body.length)]), body]);
}

/** A module of these sections. */
export function module(header, parts) {
  return Buffer.concat([header.subarray(0, HEADER), ...parts.map(section)]);
}

/** A custom section, with its head. */
export function customSection(title, data) {
  return section({ id: 0, body: Buffer.concat([Buffer.from(name(title)), data]) });
}
