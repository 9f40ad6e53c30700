/**
 * The API server itself is killed under concurrent writes: what it answered 2xx to is there afterwards, what nobody sent
 * is not, and a watch resumed from the last revision it saw is told every change once.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type ApiEvent, ApiTarget, type ConfigMap } from './api-target.ts';
import { record } from './table.ts';
import { OutcomeUnknownError } from './target.ts';

/** A few for every day; `npm run robustness` asks for 100. */
const kills = Number(process.env.KEELSON_KILLS ?? 4);
const WRITERS = 12;
/** A life lasts until this many of its writes have been answered, more or less. */
const WRITES_PER_LIFE = 60;

interface State {
  readonly value: string;
  readonly resourceVersion: string;
}

/** What one writer knows of the one object that only it writes. */
interface Own {
  acknowledged: State | undefined;
  /** Sent last, and never answered. */
  unknown: { readonly value: string | undefined } | undefined;
}

it(`an API server survives ${kills} kills`, { timeout: 60_000 + kills * 6000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-api-kill-'));
  const target = new ApiTarget(directory);
  await target.start();
  const own = new Map<string, Own>();
  const acknowledged = new Map<string, string>();
  const sent = new Set<string>();
  const events: ApiEvent[] = [];
  let watched = (await target.list()).resourceVersion;
  let writes = 0;
  let recoveredMs = 0;
  let answers = 0;

  const onEvent = (event: ApiEvent): void => {
    expect(event.type, JSON.stringify(event.object)).not.toBe('ERROR');
    const { resourceVersion } = event.object.metadata;
    expect(Number(resourceVersion), 'revisions go up').toBeGreaterThan(Number(watched));
    watched = resourceVersion;
    events.push(event);
  };
  const writer = async (name: string): Promise<void> => {
    const mine = own.get(name) ?? { acknowledged: undefined, unknown: undefined };
    own.set(name, mine);
    for (;;) {
      const i = ++writes;
      const value = mine.acknowledged && i % 7 === 0 ? undefined : `${name} ${i}`;
      if (value) sent.add(value);
      mine.unknown = { value };
      try {
        const answer = await target.write(name, value, mine.acknowledged?.resourceVersion);
        answers++;
        mine.unknown = undefined;
        mine.acknowledged =
          value === undefined ? undefined : { value, resourceVersion: answer.metadata.resourceVersion };
        if (value) acknowledged.set(value, answer.metadata.resourceVersion);
      } catch (error) {
        if (error instanceof OutcomeUnknownError) return;
        throw error;
      }
    }
  };
  const check = (items: readonly ConfigMap[]): void => {
    const found = new Map(items.map((item) => [item.metadata.name, item]));
    for (const [name, mine] of own) {
      const item = found.get(name);
      const value = item?.data?.value;
      const possible = [mine.acknowledged?.value, ...(mine.unknown ? [mine.unknown.value] : [])];
      expect(possible, `${name} after a kill`).toContain(value);
      mine.acknowledged = item && { value: value!, resourceVersion: item.metadata.resourceVersion };
      mine.unknown = undefined;
    }
  };

  for (let kill = 0; kill < kills; kill++) {
    const watching = target.watch(watched, onEvent);
    const work = Array.from({ length: WRITERS }, (_, w) => writer(`w${w}`));
    const enough = answers + WRITES_PER_LIFE * (0.5 + Math.random());
    while (answers < enough) await sleep(1);
    await target.kill();
    await Promise.all([...work, watching]);
    const killed = performance.now();
    await target.start();
    check((await target.list()).items);
    recoveredMs = Math.max(recoveredMs, performance.now() - killed);
  }

  const final = await target.list();
  void target.watch(watched, onEvent);
  const newest = Math.max(0, ...final.items.map((item) => Number(item.metadata.resourceVersion)));
  while (Number(watched) < newest) await sleep(5);
  await target.kill();

  const told = events.filter((event) => event.type !== 'DELETED').map((event) => event.object);
  const byValue = new Map(told.map((object) => [object.data?.value ?? '', object.metadata.resourceVersion]));
  expect(byValue.size, 'no value is told twice').toBe(told.length);
  expect(
    [...byValue.keys()].filter((value) => !sent.has(value)),
    'nothing is invented',
  ).toEqual([]);
  const lost = [...acknowledged].filter(([value, revision]) => byValue.get(value) !== revision);
  record({
    fault: `API server on LMDB killed ${kills} times`,
    load: `${WRITERS} writers, 1 watch`,
    acknowledged: acknowledged.size,
    lost: lost.length,
    recoveredMs,
  });
  expect(lost, 'nothing is lost').toEqual([]);
  expect(acknowledged.size).toBeGreaterThan(kills * WRITERS);
  await rm(directory, { recursive: true });
});
