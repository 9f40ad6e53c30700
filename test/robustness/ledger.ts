/**
 * Writes down what clients of an API server asked for and were told, and what one watch, resumed wherever it broke, has
 * seen; and checks that it fits together. Each writer has an object of its own, with one write under way at a time, and
 * no value is ever used twice, so that an event names the write that made it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { ApiClient, HttpAnswer } from '../support/api-client.ts';
import { OutcomeUnknownError } from '../support/outcome.ts';

const COLLECTION = '/api/v1/namespaces/default/configmaps';
/** Between two tries of one who was not answered. */
const PAUSE_MS = 20;
let ledgers = 0;

interface ConfigMap {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
  readonly data?: { readonly value?: string };
}

interface ApiEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR' | 'BOOKMARK';
  readonly object: ConfigMap;
}

/** `undefined` stands for no object. */
type Value = string | undefined;

/** What one writer knows of its object. */
interface Own {
  value: Value;
  resourceVersion: string | undefined;
  /** Asked for since, with an unknown outcome. */
  unknown: Value[];
}

export interface LedgerSummary {
  readonly acknowledged: number;
  /** Of them, how many the watch has not been told of. */
  readonly lost: number;
  /** Writes that were not answered with success: who asked had to look what became of them. */
  readonly unanswered: number;
  readonly events: number;
}

export class Ledger {
  readonly #connect: () => ApiClient;
  /** Where the names of its objects begin: there may be others. */
  readonly #prefix = `ledger-${ledgers++}`;
  /** The last object of all: when the watch has told of it, it has told of everything. */
  readonly #end = `${this.#prefix}-end`;
  readonly #own = new Map<string, Own>();
  readonly #sent = new Set<string>();
  readonly #acknowledged = new Map<string, string>();
  readonly #told = new Map<string, string>();
  readonly #clients: ApiClient[] = [];
  #deletions = 0;
  #toldDeletions = 0;
  #events = 0;
  #writes = 0;
  #watched = 0;
  #over = false;
  #hasSeenEnd = false;
  #finished = false;
  #work: Promise<unknown> = Promise.resolve();
  #watching: Promise<void> = Promise.resolve();
  readonly #refusals: string[] = [];
  #lastAnswerAt = 0;
  #longestPause = 0;

  /** @param connect makes the client of one writer */
  constructor(connect: () => ApiClient) {
    this.#connect = connect;
  }

  /** Begins to write and to watch. @param pauseMs between two writes of one writer */
  async start(writers: number, pauseMs = 0): Promise<void> {
    const client = this.#client();
    const list = JSON.parse((await client.send('GET', `${COLLECTION}?limit=1`)).body) as {
      metadata: { resourceVersion: string };
    };
    this.#watched = Number(list.metadata.resourceVersion);
    this.#watching = this.#watch(client);
    this.#work = Promise.all(Array.from({ length: writers }, (_, i) => this.#write(`${this.#prefix}-w${i}`, pauseMs)));
    // Told to whoever waits for progress, or for the end.
    for (const part of [this.#watching, this.#work]) part.catch(() => {});
  }

  get acknowledged(): number {
    return this.#acknowledged.size + this.#deletions;
  }

  /** What was answered instead of success, in order. */
  get refusals(): readonly string[] {
    return this.#refusals;
  }

  /** From here on `progress` looks for pauses. */
  mark(): void {
    this.#lastAnswerAt = performance.now();
    this.#longestPause = 0;
  }

  /** Waits for more writes. @returns the longest time since the mark in which none was acknowledged: milliseconds */
  async progress(writes = 5 * this.#own.size): Promise<number> {
    const failed = this.#failure();
    const before = this.acknowledged;
    while (this.acknowledged < before + writes) await Promise.race([failed, sleep(2)]);
    return this.#longestPause;
  }

  /** Ends the writers, lets the watch see the rest, and checks that all fits together. */
  async finish(): Promise<LedgerSummary> {
    this.#over = true;
    await this.#work;
    const client = this.#client();
    for (const name of this.#own.keys()) await this.#look(client, name);
    const end = await client.send('POST', COLLECTION, { metadata: { name: this.#end } });
    expect(end.status, end.body).toBe(201);
    while (!this.#hasSeenEnd) await Promise.race([this.#watching, sleep(5)]);
    this.#finished = true;
    for (const each of this.#clients) each.close();
    await this.#watching;
    expect(this.#toldDeletions, 'deletions told').toBeGreaterThanOrEqual(this.#deletions);
    const lost = [...this.#acknowledged].filter(([value, revision]) => this.#told.get(value) !== revision);
    expect(lost, 'acknowledged, and not told as acknowledged').toEqual([]);
    const invented = [...this.#told.keys()].filter((value) => !this.#sent.has(value));
    expect(invented, 'told, and never asked for').toEqual([]);
    return {
      acknowledged: this.acknowledged,
      lost: lost.length,
      unanswered: this.#refusals.length,
      events: this.#events,
    };
  }

  #client(): ApiClient {
    const client = this.#connect();
    this.#clients.push(client);
    return client;
  }

  /** Rejects with what ended a writer or the watch. */
  #failure(): Promise<never> {
    const never = new Promise<never>(() => {});
    const failure = Promise.race([this.#work.then(() => never), this.#watching.then(() => never)]);
    failure.catch(() => {});
    return failure;
  }

  async #write(name: string, pauseMs: number): Promise<void> {
    const client = this.#client();
    const own: Own = { value: undefined, resourceVersion: undefined, unknown: [] };
    this.#own.set(name, own);
    while (!this.#over) {
      const i = ++this.#writes;
      const value = own.value !== undefined && i % 7 === 0 ? undefined : `${name} ${i}`;
      if (value) this.#sent.add(value);
      const answer = await this.#attempt(client, name, own, value);
      if (answer && answer.status < 300) this.#acknowledge(own, value, answer);
      else {
        this.#refusals.push(answer ? `${answer.status} ${answer.body.trim()}` : 'no answer');
        expect(answer?.status ?? 0, `only what nobody knows the outcome of may conflict: ${answer?.body}`).toSatisfy(
          (status) => status === 0 || status === 429 || status >= 500 || own.unknown.length > 0,
        );
        own.unknown.push(value);
        await this.#look(client, name);
      }
      if (pauseMs > 0) await sleep(pauseMs);
    }
  }

  async #attempt(client: ApiClient, name: string, own: Own, value: Value): Promise<HttpAnswer | undefined> {
    const body = { metadata: { name, resourceVersion: own.resourceVersion }, data: { value } };
    const preconditions = { preconditions: { resourceVersion: own.resourceVersion } };
    try {
      if (value === undefined) return await client.send('DELETE', `${COLLECTION}/${name}`, preconditions);
      if (own.value === undefined) return await client.send('POST', COLLECTION, body);
      return await client.send('PUT', `${COLLECTION}/${name}`, body);
    } catch (error) {
      if (error instanceof OutcomeUnknownError) return undefined;
      throw error;
    }
  }

  #acknowledge(own: Own, value: Value, { body }: HttpAnswer): void {
    const resourceVersion = value === undefined ? undefined : (JSON.parse(body) as ConfigMap).metadata.resourceVersion;
    own.value = value;
    own.resourceVersion = resourceVersion;
    own.unknown = [];
    if (value === undefined) this.#deletions++;
    else this.#acknowledged.set(value, resourceVersion!);
    const now = performance.now();
    this.#longestPause = Math.max(this.#longestPause, now - this.#lastAnswerAt);
    this.#lastAnswerAt = now;
  }

  /** What has become of the object: as last acknowledged, or as one of the unknown writes would have it. */
  async #look(client: ApiClient, name: string): Promise<void> {
    const own = this.#own.get(name)!;
    for (;;) {
      const answer = await client.send('GET', `${COLLECTION}/${name}`).catch(() => undefined);
      if (answer?.status === 200 || answer?.status === 404) {
        const found = answer.status === 200 ? (JSON.parse(answer.body) as ConfigMap) : undefined;
        expect([own.value, ...own.unknown], `${name} as it was found`).toContain(found?.data?.value);
        own.value = found?.data?.value;
        own.resourceVersion = found?.metadata.resourceVersion;
        return;
      }
      await sleep(PAUSE_MS);
    }
  }

  async #watch(client: ApiClient): Promise<void> {
    while (!this.#finished) {
      const path = `${COLLECTION}?watch=1&resourceVersion=${this.#watched}`;
      await client.watch(path, (event) => this.#onEvent(event as ApiEvent));
      await sleep(PAUSE_MS);
    }
  }

  #onEvent({ type, object }: ApiEvent): void {
    expect(type, JSON.stringify(object)).not.toBe('ERROR');
    const revision = Number(object.metadata.resourceVersion);
    expect(revision, 'revisions go up').toBeGreaterThan(this.#watched);
    this.#watched = revision;
    if (object.metadata.name === this.#end) this.#hasSeenEnd = true;
    if (!this.#own.has(object.metadata.name)) return;
    this.#events++;
    if (type === 'DELETED') {
      this.#toldDeletions++;
      return;
    }
    const value = object.data?.value ?? '';
    expect(this.#told.has(value), `${value} is told twice`).toBe(false);
    this.#told.set(value, object.metadata.resourceVersion);
  }
}
