import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WatchEvent } from '@keelson/storage';
import { expect, it } from 'vitest';
import { OutcomeUnknownError } from '../support/outcome.ts';
import { History, revisionOf } from './history.ts';
import { StoreTarget } from './store-target.ts';
import { record } from './table.ts';
import type { Target } from './target.ts';

/** A few for every day; `npm run robustness` asks for 100. */
const kills = Number(process.env.KEELSON_KILLS ?? 10);
const WRITERS = 24;
const KEYS_PER_WRITER = 8;
/** The longest that a process lives before it is killed. */
const LIFE_MS = 150;
/** How much of the history compaction leaves. */
const KEPT_REVISIONS = 2000;

/** Writes to its own keys, one after the other, until the process dies. */
async function writer(target: Target, history: History, name: string, count: () => number): Promise<void> {
  for (;;) {
    const i = count();
    const key = `${name}-${i % KEYS_PER_WRITER}`;
    const state = history.state(key);
    const remove = state !== undefined && i % 5 === 0;
    const value = remove ? undefined : `${name} ${i} ${'x'.repeat((i * 37) % 3000)}`;
    const attempt = history.attempt(key, value);
    try {
      history.acknowledge(attempt, await target.write(key, value, state?.revision ?? 0));
    } catch (error) {
      if (error instanceof OutcomeUnknownError) return;
      throw error;
    }
  }
}

async function compactor(target: Target, history: History): Promise<void> {
  try {
    for (;;) {
      await sleep(LIFE_MS / 5);
      const revision = history.watched - KEPT_REVISIONS;
      if (revision > (await target.compactedRevision())) await target.compact(revision);
    }
  } catch (error) {
    if (!(error instanceof OutcomeUnknownError)) throw error;
  }
}

/** @returns what was asked for, and the longest time from a kill to an answer: milliseconds */
async function survivesKills(target: Target): Promise<{ history: History; recoveredMs: number }> {
  await target.start();
  let { revision } = await target.list();
  const history = new History(revision);
  let writes = 0;
  let recoveredMs = 0;
  for (let kill = 0; kill < kills; kill++) {
    await target.watch(history.watched + 1, (batch) => history.onBatch(batch));
    const work = Array.from({ length: WRITERS }, (_, w) => writer(target, history, `w${w}`, () => ++writes));
    work.push(compactor(target, history));
    await sleep(Math.random() * LIFE_MS);
    await target.kill();
    await Promise.all(work);
    const killed = performance.now();
    await target.start();
    const found = await target.list();
    recoveredMs = Math.max(recoveredMs, performance.now() - killed);
    history.checkState(found.items, found.revision);
    ({ revision } = found);
  }

  await target.watch(history.watched + 1, (batch) => history.onBatch(batch));
  while (history.watched < revision) await sleep(5);
  history.checkEvents();

  // A watch from as far back as compaction allows is told the same again.
  const oldest = Math.max(await target.compactedRevision(), 2);
  const again: WatchEvent[] = [];
  await target.watch(oldest, ({ events }) => again.push(...events));
  while (again.length === 0 || revisionOf(again.at(-1)!) < revision) await sleep(5);
  expect(again).toEqual(history.events.filter((event) => revisionOf(event) >= oldest));
  await target.kill();
  return { history, recoveredMs };
}

it(`an LMDB store survives ${kills} kills`, { timeout: 30_000 + kills * 3000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'keelson-kill-'));
  const { history, recoveredMs } = await survivesKills(new StoreTarget(directory));
  const { acknowledgedWrites } = history;
  const load = `${WRITERS} writers, 1 watch, compaction`;
  record({ fault: `LMDB killed ${kills} times`, load, acknowledged: acknowledgedWrites, lost: 0, recoveredMs });
  expect(acknowledgedWrites).toBeGreaterThan(kills * WRITERS);
  await rm(directory, { recursive: true });
});
