// Strings by number: the dictionary of an input, and that of the measures.

/** The strings of an input. Each is decoded when it is first read. */
export class Dictionary {
  #bytes;
  #ends;
  #texts = [];
  #numbers = new Map();

  constructor({ bytes, ends }) {
    this.#bytes = bytes;
    this.#ends = ends;
    this.length = ends.length;
  }

  /** The string of a number. */
  get(number) {
    let text = this.#texts[number];
    if (text === undefined) {
      text = decode(this.#bytes, number === 0 ? 0 : this.#ends[number - 1], this.#ends[number]);
      this.#texts[number] = text;
      this.#numbers.set(text, number);
    }
    return text;
  }

  /** The number of a string that was read before, or that one of `among` has. */
  find(text, among) {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    return among.find((number) => this.get(number) === text);
  }

  /** The number of a string that was read before; `undefined` for others. */
  known(text) {
    return this.#numbers.get(text);
  }
}

/** Gathers strings, each once, for a dictionary. */
export class Interner {
  #bytes = [];
  #ends = [];
  #numbers = new Map();

  get length() {
    return this.#ends.length;
  }

  /** The number of a string, which is added if it is new. */
  intern(text) {
    let number = this.#numbers.get(text);
    if (number === undefined) {
      number = this.#ends.length;
      encode(text, this.#bytes);
      this.#ends.push(this.#bytes.length);
      this.#numbers.set(text, number);
    }
    return number;
  }

  /** The dictionary in the form of the contract. */
  raw() {
    return { bytes: Uint8Array.from(this.#bytes), ends: this.#ends };
  }
}

// The engine of a component has no TextDecoder and no TextEncoder.

const CHUNK = 4096;

function decode(bytes, start, end) {
  for (let at = start; at < end; at++) {
    if (bytes[at] >= 0x80) return decodeAny(bytes, start, end);
  }
  if (end - start <= CHUNK) return String.fromCharCode.apply(null, bytes.subarray(start, end));
  let text = '';
  for (let at = start; at < end; at += CHUNK) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, Math.min(end, at + CHUNK)));
  }
  return text;
}

/** The adapter sends nothing that is not UTF-8. */
function decodeAny(bytes, start, end) {
  let text = '';
  for (let at = start; at < end;) {
    const first = bytes[at++];
    const more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    let point = more === 0 ? first : first & (0x3f >> more);
    for (let left = more; left > 0; left--) point = (point << 6) | (bytes[at++] & 0x3f);
    text += String.fromCodePoint(point);
  }
  return text;
}

function encode(text, into) {
  for (let at = 0; at < text.length; at++) {
    let point = text.codePointAt(at);
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd; // half of a pair is no character
    if (point < 0x80) into.push(point);
    else if (point < 0x800) into.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000) {
      into.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    } else {
      at++;
      into.push(
        0xf0 | (point >> 18),
        0x80 | ((point >> 12) & 0x3f),
        0x80 | ((point >> 6) & 0x3f),
        0x80 | (point & 0x3f),
      );
    }
  }
}

/** A text as it may be handed over: half of a pair would end the plugin without a word. */
export function wellFormed(text) {
  return String(text).toWellFormed();
}

/** Names within quotes, or that there are none. */
export function listed(names) {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
