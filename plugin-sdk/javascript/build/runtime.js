// The QuickJS runtime of componentize-qjs, with everything that it imports answered within: no
// files, no clock, no environment, always the same seed. A component made of it imports the log of
// the contract and nothing else, so the adapter takes it.
//
// The runtime lies in the native binding of componentize-qjs for Linux on x86-64, byte for byte.
// Those of other platforms carry runtimes of another build, so that only this one gives the same
// component everywhere; it is made when the package is packed, and shipped in it.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { module, number, readName, readNumber, sections, signed } from './wasm.js';

export const BINDING = '@andreiltd/componentize-qjs-binding-linux-x64-gnu';
const LENGTH = 1_497_910;
const DIGEST = '25703f010b80efb806f9c35daf9ee6524ad60320c9781b0bae4e234264f8dac5';
/** Where the package has the runtime once it is packed. */
export const SHIPPED = fileURLToPath(new URL('../runtime/quickjs.wasm', import.meta.url));

const CUSTOM = 0, TYPE = 1, IMPORT = 2, FUNCTION = 3, CODE = 10;
const I32 = 0x7f, I64 = 0x7e;

/** The runtime that the package ships, or that the installed binding carries. */
export function runtime() {
  if (existsSync(SHIPPED)) return readFileSync(SHIPPED);
  return answered(carried(binding()));
}

function binding() {
  const require = createRequire(import.meta.url);
  const own = createRequire(require.resolve('componentize-qjs/package.json'));
  try {
    return readFileSync(own.resolve(BINDING));
  } catch (error) {
    throw new Error(`${SHIPPED} is missing, and ${BINDING}, of which it is made, is not installed; `
      + 'run `npm run runtime` in the folder of leadsman-plugin, once', { cause: error });
  }
}

/** The runtime within a binding. */
export function carried(binding) {
  const start = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  for (let at = binding.indexOf(start); at >= 0; at = binding.indexOf(start, at + 1)) {
    const bytes = binding.subarray(at, at + LENGTH);
    if (createHash('sha256').update(bytes).digest('hex') === DIGEST) return bytes;
  }
  throw new Error(`${BINDING} does not carry the runtime sha256:${DIGEST}; is it of version 0.4.5?`);
}

/**
 * The same runtime with all functions that it imports as functions of its own. Imports come first
 * among functions, so in their place nothing else is renumbered.
 */
export function answered(runtime) {
  const parts = sections(runtime);
  const types = functionTypes(parts.find(({ id }) => id === TYPE).body);
  const { kept, functions } = imports(parts.find(({ id }) => id === IMPORT).body);
  const head = (bytes, count) => Buffer.from(number(readNumber(bytes, 0)[0] + count));
  const tail = (bytes) => bytes.subarray(readNumber(bytes, 0)[1]);
  const changed = parts.filter(isNeeded).map(({ id, body }) => {
    if (id === IMPORT) return { id, body: Buffer.concat([Buffer.from(number(kept.length)), ...kept]) };
    if (id === FUNCTION) {
      const own = functions.flatMap(({ type }) => number(type));
      return { id, body: Buffer.concat([head(body, functions.length), Buffer.from(own), tail(body)]) };
    }
    if (id === CODE) {
      const own = functions.flatMap((one) => code(instructions(one, types[one.type])));
      return { id, body: Buffer.concat([head(body, functions.length), Buffer.from(own), tail(body)]) };
    }
    return { id, body };
  });
  return module(runtime, changed);
}

/** Custom sections that describe imports of WASI would bring them back. */
function isNeeded({ id, body }) {
  if (id !== CUSTOM) return true;
  const [title] = readName(body, 0);
  return title === 'dylink.0' || (title.startsWith('component-type') && title.includes('local:init'));
}

function functionTypes(body) {
  let [count, at] = readNumber(body, 0);
  const types = [];
  while (count-- > 0) {
    if (body[at++] !== 0x60) throw new Error('the runtime has a type that is no function');
    const lists = [[], []];
    for (const list of lists) {
      let [length, next] = readNumber(body, at);
      while (length-- > 0) list.push(body[next++]);
      at = next;
    }
    types.push({ parameters: lists[0], results: lists[1] });
  }
  return types;
}

function imports(body) {
  let [count, at] = readNumber(body, 0);
  const kept = [], functions = [];
  while (count-- > 0) {
    const start = at;
    let from, title;
    [from, at] = readName(body, at);
    [title, at] = readName(body, at);
    const kind = body[at++];
    if (kind === 0) {
      let type;
      [type, at] = readNumber(body, at);
      functions.push({ from, title, type });
      continue;
    }
    // Tables have a type before their limits, globals a type and whether they change.
    if (kind === 1) at++;
    if (kind === 3) at += 2;
    else {
      const limited = body[at++];
      at = readNumber(body, at)[1];
      if (limited & 1) at = readNumber(body, at)[1];
    }
    kept.push(body.subarray(start, at));
  }
  return { kept, functions };
}

function code(body) {
  const bytes = [0, ...body, 0x0b]; // no locals
  return [...number(bytes.length), ...bytes];
}

const local = (index) => [0x20, ...number(index)];
const i32 = (value) => [0x41, ...signed(value)];
const i64 = (value) => [0x42, ...signed(value)];
const store = (pointer, offset, value) => [...local(pointer), ...i32(value), 0x36, 2, ...number(offset)];
const store64 = (pointer, offset, value) => [...local(pointer), ...i64(value), 0x37, 3, ...number(offset)];
const zeros = (pointer, ...offsets) => offsets.flatMap((offset) => store(pointer, offset, 0));
const trap = [0x00];

/** What a function does in place of the import. Results of more than one value go to a place that the last parameter tells. */
const BODIES = {
  resolve: [...store(4, 0, 1), ...zeros(4, 4, 8)],
  load: [...store(2, 0, 1), ...zeros(2, 4, 8)],
  reset_adapter_state: [],
  'insecure-seed': [...store64(0, 0, 7), ...store64(0, 8, 11)],
  'get-environment': zeros(0, 0, 4),
  'get-directories': zeros(0, 0, 4),
  'get-terminal-stdin': zeros(0, 0),
  'get-terminal-stdout': zeros(0, 0),
  'get-terminal-stderr': zeros(0, 0),
  'get-stdin': i32(0),
  'get-stdout': i32(0),
  'get-stderr': i32(0),
  '[method]output-stream.check-write': [...store64(1, 0, 0), ...store64(1, 8, 4096)],
  '[method]output-stream.write': zeros(3, 0),
  '[method]output-stream.blocking-flush': zeros(1, 0),
  '[method]output-stream.subscribe': i32(0),
  'subscribe-duration': i32(0),
  '[method]pollable.block': [],
  poll: trap,
  exit: trap,
};

function instructions({ from, title }, { parameters, results }) {
  if (title.startsWith('[resource-drop]')) return [];
  // A file is asked for something: the error is "would block", as good as any where there are none.
  if (title.startsWith('[method]descriptor.')) return [...local(parameters.length - 1), ...i32(1), 0x3a, 0, 0];
  if (title === 'now') {
    if (results.length === 1 && results[0] === I64) return i64(0);
    return [...store64(0, 0, 0), ...store(0, 8, 0)];
  }
  const body = BODIES[title];
  if (body === undefined) throw new Error(`the runtime imports ${from} ${title}, which nothing answers`);
  if (results.length > 0 && results[0] !== I32) throw new Error(`${title} has another result`);
  return body;
}
