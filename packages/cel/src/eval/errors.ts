/** How an evaluation ends without a value. */

/** The expression could not be evaluated; the message is cel-go's. `&&` and `||` absorb it. */
export class EvaluationError extends Error {
  override readonly name: string = 'EvaluationError';
  /** Units that the evaluation had cost when it ended; 0 within it. */
  cost = 0;
}

/** The budget is used up. No operator absorbs it. */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';

  constructor() {
    super('operation cancelled: actual cost limit exceeded');
  }
}

/** The answer to a question is not known yet: evaluate again when `ready` is settled. No operator absorbs it. */
export class Pending extends Error {
  override readonly name = 'Pending';
  readonly ready: Promise<unknown>;

  constructor(ready: Promise<unknown>) {
    super('waiting for an answer');
    this.ready = ready;
  }
}

/** Errors are absorbed by operators, often and for nothing: no stack is taken. */
function quick<E extends Error>(make: () => E): E {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = limit;
  }
}

export function failure(message: string): EvaluationError {
  return quick(() => new EvaluationError(message));
}

/** The arguments are of types for which there is no function. @param name left out by operators */
export function noSuchOverload(name?: string): EvaluationError {
  return failure(name === undefined ? 'no such overload' : `no such overload: ${name}`);
}
