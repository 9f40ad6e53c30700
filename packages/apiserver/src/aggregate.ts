import { aggregateText } from '@keelson/api/aggregate';

/**
 * Several failures as one, with the text that upstream gives them: each message once, in brackets when there are
 * several (k8s.io/apimachinery/pkg/util/errors).
 */
export class AggregateFailure extends Error {
  override readonly name = 'AggregateFailure';
  readonly errors: readonly Error[];

  constructor(errors: readonly Error[]) {
    super(aggregateMessage(errors));
    this.errors = errors;
  }
}

/** Undefined for an empty list. A single error is wrapped too, but reads the same. */
export function aggregate(errors: readonly Error[]): AggregateFailure | undefined {
  return errors.length === 0 ? undefined : new AggregateFailure(errors);
}

function aggregateMessage(errors: readonly Error[]): string {
  return aggregateText(new Set(leaves(errors).map((e) => e.message)));
}

function leaves(errors: readonly Error[]): Error[] {
  return errors.flatMap((e) => (e instanceof AggregateFailure ? leaves(e.errors) : [e]));
}

/** What was thrown, as an Error. */
export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
