import type { WatchBatch, WatchEvent } from '@keelson/storage';
import { expect } from 'vitest';
import type { Item } from './target.ts';

/** What a writer asked for. Values are never used twice, so an event names the write that made it. */
interface Attempt {
  readonly key: string;
  readonly value: string | undefined;
  /** The revision it was acknowledged with; undefined while, and if for ever, unknown. */
  revision: number | undefined;
}

/**
 * Writes down what writers asked for and were told, and what one watch, resumed after each kill, has seen; and checks
 * that it fits together. Each key has one writer, which has one write under way at a time.
 */
export class History {
  readonly #attempts: Attempt[] = [];
  /** By key, the newest attempt: with the acknowledged state before it, the only states that may be found. */
  readonly #newest = new Map<string, Attempt>();
  readonly #acknowledged = new Map<string, Item | undefined>();
  readonly events: WatchEvent[] = [];
  /** The watch has seen everything up to here. */
  watched: number;

  /** @param revision the store's, before the first write */
  constructor(revision: number) {
    this.watched = revision;
  }

  get acknowledgedWrites(): number {
    return this.#attempts.filter(({ revision }) => revision !== undefined).length;
  }

  get unknownWrites(): number {
    return this.#attempts.length - this.acknowledgedWrites;
  }

  attempt(key: string, value: string | undefined): Attempt {
    const attempt: Attempt = { key, value, revision: undefined };
    this.#attempts.push(attempt);
    this.#newest.set(key, attempt);
    return attempt;
  }

  acknowledge(attempt: Attempt, revision: number): void {
    attempt.revision = revision;
    const { key, value } = attempt;
    this.#acknowledged.set(key, value === undefined ? undefined : { value, revision });
  }

  /** Every revision is one event of the watch, so it must see them all, one after the other. */
  onBatch({ events, revision }: WatchBatch): void {
    for (const event of events) {
      expect(revisionOf(event), 'the revision after the last one watched').toBe(this.watched + 1);
      this.watched++;
      this.events.push(event);
    }
    expect(revision).toBe(this.watched);
  }

  /** Nothing that was acknowledged or watched is lost; what was not acknowledged happened as a whole, or not at all. */
  checkState(items: ReadonlyMap<string, Item>, revision: number): void {
    expect(revision, 'what was watched is there').toBeGreaterThanOrEqual(this.watched);
    for (const key of items.keys()) expect(this.#newest.has(key), `${key} was never written`).toBe(true);
    for (const [key, attempt] of this.#newest) {
      const found = items.get(key);
      const acknowledged = this.#acknowledged.get(key);
      if (attempt.revision === undefined && found?.value === attempt.value) {
        // The server carried it out, and died before it could say so.
        this.#acknowledged.set(key, found);
      } else {
        expect(found, `after the last attempt: ${describe(key, attempt.value)}`).toEqual(acknowledged);
      }
    }
  }

  /** What each key is at, for writers to go on from. */
  state(key: string): Item | undefined {
    return this.#acknowledged.get(key);
  }

  /** Each acknowledged write was watched once, as what it was; everything else that was watched had been asked for. */
  checkEvents(): void {
    const byRevision = new Map(this.events.map((event) => [revisionOf(event), event]));
    expect(byRevision.size).toBe(this.events.length);
    for (const { key, value, revision } of this.#attempts) {
      if (revision === undefined) continue;
      expect(describeEvent(byRevision.get(revision)), `revision ${revision}`).toBe(describe(key, value));
    }
    const asked = new Map<string, number>();
    for (const { key, value } of this.#attempts) add(asked, describe(key, value), 1);
    for (const event of this.events) {
      add(asked, describeEvent(event), -1);
      expect(asked.get(describeEvent(event)), describeEvent(event)).toBeGreaterThanOrEqual(0);
    }
  }
}

export function revisionOf(event: WatchEvent): number {
  return event.type === 'put' ? event.kv.modRevision : event.modRevision;
}

function describeEvent(event: WatchEvent | undefined): string {
  if (event === undefined) return 'nothing';
  const path = event.type === 'put' ? event.kv.key : event.key;
  const key = path.slice(path.lastIndexOf('/') + 1);
  return describe(key, event.type === 'put' ? Buffer.from(event.kv.value).toString() : undefined);
}

function describe(key: string, value: string | undefined): string {
  return value === undefined ? `delete ${key}` : `put ${key} ${value.slice(0, 40)}`;
}

function add(counts: Map<string, number>, key: string, n: number): void {
  counts.set(key, (counts.get(key) ?? 0) + n);
}
