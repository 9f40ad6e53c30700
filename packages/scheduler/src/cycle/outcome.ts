/** How an attempt to schedule a pod ends, before it is bound. */
export type Outcome =
  | {
      readonly kind: 'placed';
      readonly node: string;
      /** Nodes that were looked at, and those of them that would do. */
      readonly evaluated: number;
      readonly feasible: number;
    }
  | Failure;

/** It did not work out; the pod goes back to the queue. */
export type Failure = Unschedulable | Broken;

export interface Unschedulable {
  readonly kind: 'unschedulable';
  readonly message: string;
  readonly rejectedBy: ReadonlySet<string>;
  readonly pendingBy: ReadonlySet<string>;
  /** The node that the pod is to get when there is room; empty takes away what there was; absent leaves it. */
  readonly nominate?: string;
}

/** Something failed that should not; it is tried again. */
export interface Broken {
  readonly kind: 'error';
  readonly error: Error;
}

const NOBODY: ReadonlySet<string> = new Set();

/** Takes away the node that the pod was to get. */
export function unschedulableBy(plugins: Iterable<string>, message: string): Unschedulable {
  return { kind: 'unschedulable', message, rejectedBy: new Set(plugins), pendingBy: NOBODY, nominate: '' };
}

export function brokenBy(error: unknown): Broken {
  return { kind: 'error', error: error instanceof Error ? error : new Error(String(error)) };
}

export function messageOfFailure(failure: Failure): string {
  return failure.kind === 'error' ? failure.error.message : failure.message;
}
