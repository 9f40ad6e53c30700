/** A program as its users see it. */
import { Pending } from './errors.ts';
import type { Value } from './values.ts';

/** Units that one evaluation may cost unless its caller says otherwise (k8s.io/apiserver/pkg/apis/cel PerCallLimit). */
export const PER_CALL_LIMIT = 1_000_000;

/** Variables by name: plain JSON, read as their declarations say, or a `Value`. */
export type Activation = Readonly<Record<string, unknown>>;

export interface EvaluationOptions {
  /** Units of cost; PER_CALL_LIMIT unless given. */
  readonly budget?: number;
}

export interface Evaluation {
  readonly value: Value;
  readonly cost: number;
}

/** Evaluates, and waits and evaluates again as long as answers are missing. */
export async function settled<T>(evaluate: () => T): Promise<T> {
  while (true) {
    try {
      return evaluate();
    } catch (error) {
      if (!(error instanceof Pending)) throw error;
      await error.ready;
    }
  }
}
