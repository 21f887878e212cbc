// Why there is no result, and what is wrong with a configuration.

/**
 * Why an evaluation gave no result. The text reaches the person who reads `kubectl describe hpa`,
 * so it should say what was found and what to do.
 */
export class Failure extends Error {
  /** The query whose answer could not be used, if it was one. */
  query;

  constructor(message, { query, cause } = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.query = query;
  }

  get name() {
    return 'Failure';
  }

  /** As the adapter writes it. */
  toString() {
    return this.query === undefined ? this.message : `query "${this.query}": ${this.message}`;
  }
}

/** Something wrong in a configuration or the mapping around it, and where. */
export class Fault {
  /** A JSON pointer into the configuration (`/object/label`); empty for the whole, or the mapping. */
  path;
  /** What is wrong and what would be right. */
  message;

  constructor(path, message) {
    this.path = path;
    this.message = message;
  }

  toString() {
    return this.path === '' ? this.message : `${this.path}: ${this.message}`;
  }
}

/** All that is wrong with a configuration or the mapping around it. */
export class Faults extends Error {
  faults;

  constructor(faults) {
    super(faults.map(String).join('; '));
    this.faults = faults;
  }

  get name() {
    return 'Faults';
  }
}

/**
 * Refuses a configuration if there are faults: those that the checks of a `Context` give, and the
 * plugin's own. Everything that is no fault is passed over, so that `floor <= 0 && new Fault(…)`
 * can stand among them.
 */
export function refuse(...faults) {
  const found = faults.filter((fault) => fault instanceof Fault);
  if (found.length > 0) throw new Faults(found);
}
