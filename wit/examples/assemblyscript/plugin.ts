// Errors per request of each pod in AssemblyScript, without a generator of bindings: the contract of
// wit/plugin.wit is read where it lies, by the offsets of the canonical ABI.

export function cabi_realloc(old: usize, size: usize, align: usize, wanted: usize): usize {
  return old ? heap.realloc(old, wanted) : heap.alloc(wanted);
}

// --- what the host passes ---

// @ts-ignore: decorator
@inline
function word(at: usize): u32 {
  return load<u32>(at);
}

function put(at: usize, text: string): void {
  const length = String.UTF8.byteLength(text);
  const bytes = heap.alloc(length);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, bytes);
  store<u32>(at, bytes as u32);
  store<u32>(at + 4, length as u32);
}

/** A record `answer` of 88 bytes whose data are a vector: its variant is at 8, the vector at 16. */
class Answer {
  constructor(private input: Input, private at: usize) {}

  get isVector(): bool { return load<u8>(this.at + 8) == 0; }
  get query(): string { return String.UTF8.decodeUnsafe(word(this.at), word(this.at + 4)); }
  get rows(): u32 { return word(this.at + 24); }
  time(row: u32): i64 { return load<i64>(word(this.at + 36) + (row << 3)); }
  value(row: u32): f64 { return load<f64>(word(this.at + 44) + (row << 3)); }

  /** Where a label of all series lies, or 0 if none has it. */
  column(label: string): usize {
    const wanted = this.input.text(label);
    const names: usize = word(this.at + 16), count = word(this.at + 20);
    for (let c: u32 = 0; c < count; c++) {
      if (word(names + (c << 2)) as i32 == wanted) return word(this.at + 28) + ((c * this.rows) << 2);
    }
    return 0;
  }
}

class Input {
  constructor(private at: usize) {}

  /** The number of a text, or -1 if it is not in the dictionary. */
  text(wanted: string): i32 {
    const bytes: usize = word(this.at), ends: usize = word(this.at + 8), count = word(this.at + 12);
    const encoded = String.UTF8.encode(wanted), length: u32 = encoded.byteLength;
    let start: u32 = 0;
    for (let n: u32 = 0; n < count; n++) {
      const end = word(ends + (n << 2));
      if (end - start == length && memory.compare(bytes + start, changetype<usize>(encoded), length) == 0) return n;
      start = end;
    }
    return -1;
  }

  vector(query: string): Answer | null {
    const first: usize = word(this.at + 28), count = word(this.at + 32);
    for (let n: u32 = 0; n < count; n++) {
      const answer = new Answer(this, first + n * 88);
      if (answer.query == query) return answer.isVector ? answer : null;
    }
    return null;
  }
}

// --- what the plugin gives ---

export function describe(): usize {
  const at = heap.alloc(32);
  put(at, 'error-ratio');
  put(at + 8, '0.1.0');
  put(at + 16, 'Errors per request of each pod');
  put(at + 24, '{"type":"object","additionalProperties":false}');
  return at;
}

/** A plan without queries of its own and without objects: all 0. */
export function configure(
  config: usize, length: u32, api: u32, hasServed: u32, served: usize, servedLength: u32, queries: usize, count: u32,
): usize {
  return zeroed(32);
}

function zeroed(size: usize): usize {
  const at = heap.alloc(size);
  memory.fill(at, 0, size);
  return at;
}

/** The configuration is at 0, the input at 8; a result of 80 bytes has a failure or measures at 4. */
export function evaluate(given: usize): usize {
  const result = zeroed(80), input = new Input(given + 8);
  const errors = input.vector('errors'), requests = input.vector('requests');
  if (errors === null || requests === null) {
    store<u8>(result, 1);
    put(result + 4, 'the queries "errors" and "requests" are needed, as vectors');
    return result;
  }
  const failed = errors.column('pod'), pods = requests.column('pod');
  const rows = new Map<u32, u32>();
  for (let row: u32 = 0; failed && row < errors.rows; row++) rows.set(word(failed + (row << 2)), row);
  const most = requests.rows;
  const objects = heap.alloc(most << 2), values = heap.alloc(most << 3), times = heap.alloc(most << 3);
  let count: u32 = 0;
  for (let row: u32 = 0; pods && row < most; row++) {
    const pod = word(pods + (row << 2));
    // No value is better than one that was not measured.
    if (pod == 0 || !rows.has(pod) || requests.value(row) == 0) continue;
    const other = rows.get(pod);
    store<u32>(objects + (count << 2), pod);
    store<f64>(values + (count << 3), errors.value(other) / requests.value(row));
    store<i64>(times + (count << 3), min(errors.time(other), requests.time(row)));
    count++;
  }
  list(result + 20, objects, count);
  list(result + 36, values, count);
  list(result + 44, times, count);
  store<u32>(result + 68, count);
  return result;
}

function list(at: usize, first: usize, length: u32): void {
  store<u32>(at, first as u32);
  store<u32>(at + 4, length);
}
