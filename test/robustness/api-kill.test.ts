/**
 * The API server itself is killed under concurrent writes: what it answered 2xx to is there afterwards, what nobody sent
 * is not, and a watch resumed from the last revision it saw is told every change once.
 */
import { afterEach, expect, it } from 'vitest';
import { apiClient } from '../support/api-client.ts';
import { type ApiServer, startApiServer } from '../support/api-server.ts';
import { Ledger } from './ledger.ts';
import { record } from './table.ts';

/** A few for every day; `npm run robustness` asks for 100. */
const kills = Number(process.env.KEELSON_KILLS ?? 4);
const WRITERS = 12;
/** A life lasts until this many writes have been answered, more or less. */
const WRITES_PER_LIFE = 60;

let server: ApiServer | undefined;
afterEach(() => server?.stop());

it(`an API server survives ${kills} kills`, { timeout: 60_000 + kills * 6000 }, async () => {
  server = await startApiServer('lmdb');
  const { url, token, restart } = server;
  const ledger = new Ledger(() => apiClient(url, token));
  await ledger.start(WRITERS);
  let recoveredMs = 0;
  for (let kill = 0; kill < kills; kill++) {
    await ledger.progress(WRITES_PER_LIFE * (0.5 + Math.random()));
    await server.program.stop('SIGKILL');
    const killedAt = performance.now();
    await restart();
    recoveredMs = Math.max(recoveredMs, performance.now() - killedAt);
  }
  const summary = await ledger.finish();
  record({
    fault: `API server on LMDB killed ${kills} times`,
    load: `${WRITERS} writers, 1 watch`,
    ...summary,
    recoveredMs,
  });
  expect(summary.acknowledged).toBeGreaterThan(kills * WRITERS);
});
