/**
 * What a controller has asked for and not yet seen in its informers. As long as something is missing, it does not act on a
 * copy that is behind its own deeds (pkg/controller/controller_utils.go, ControllerExpectations).
 */
import type { Clock } from '@keelson/api/clock';

/** After so long what was expected is given up: an event was missed, or never came. */
const TIMEOUT_MS = 5 * 60 * 1000;

interface Expected {
  creations: number;
  deletions: number;
  readonly since: number;
}

/** Keyed by the controlling object: `namespace/name`. */
export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Replaces what was expected before. */
  expect(key: string, { creations = 0, deletions = 0 }: { creations?: number; deletions?: number }): void {
    this.#expected.set(key, { creations, deletions, since: this.#clock.now() });
  }

  /** Expects more. */
  raise(key: string, { creations = 0, deletions = 0 }: { creations?: number; deletions?: number }): void {
    const expected = this.#expected.get(key);
    if (!expected) return;
    expected.creations += creations;
    expected.deletions += deletions;
  }

  /** Seen, or known never to come since the request failed. */
  creationObserved(key: string): void {
    this.raise(key, { creations: -1 });
  }

  deletionObserved(key: string): void {
    this.raise(key, { deletions: -1 });
  }

  /** Whether everything was seen, or nothing was expected, or it took too long. */
  satisfied(key: string): boolean {
    const expected = this.#expected.get(key);
    if (!expected || (expected.creations <= 0 && expected.deletions <= 0)) return true;
    return this.#clock.now() - expected.since > TIMEOUT_MS;
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }
}

/**
 * The same with deletions told apart by the names or uids of what is to go: an object whose deletion is seen twice (marked,
 * then gone) counts once (UIDTrackingControllerExpectations).
 */
export class NamedExpectations {
  readonly #counts: Expectations;
  readonly #leaving = new Map<string, Set<string>>();

  constructor(clock: Clock) {
    this.#counts = new Expectations(clock);
  }

  expectCreations(key: string, creations: number): void {
    this.expect(key, creations, []);
  }

  expectDeletions(key: string, leaving: readonly string[]): void {
    this.expect(key, 0, leaving);
  }

  /** Both at once. */
  expect(key: string, creations: number, leaving: readonly string[]): void {
    this.#leaving.set(key, new Set(leaving));
    this.#counts.expect(key, { creations, deletions: leaving.length });
  }

  creationObserved(key: string): void {
    this.#counts.creationObserved(key);
  }

  deletionObserved(key: string, left: string): void {
    if (this.#leaving.get(key)?.delete(left)) this.#counts.deletionObserved(key);
  }

  satisfied(key: string): boolean {
    return this.#counts.satisfied(key);
  }

  forget(key: string): void {
    this.#counts.forget(key);
    this.#leaving.delete(key);
  }
}
