import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CompactedError, openStore, type Store, StoreUnavailableError } from '@keelson/storage';
import { put, Recorder, revisionOf } from '@keelson/storage/conformance/fixture';
import { afterEach, describe, expect, it } from 'vitest';
import { type Etcd, startCluster, startEtcd } from '../support/etcd.ts';
import { createEtcdTls } from '../support/etcd-tls.ts';
import { startProxy } from '../support/proxy.ts';
import { missing } from '../support/tools.ts';

const reason = missing('etcd');

describe.skipIf(reason !== undefined)(`outages of etcd${reason ? ` (skipped: ${reason})` : ''}`, () => {
  const running: { stop(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const etcd of running.splice(0)) await etcd.stop();
  });
  const open = async (etcds: readonly Etcd[], options: { requestTimeoutMs?: number } = {}): Promise<Store> => {
    running.push(...etcds);
    const store = await openStore({ engine: 'etcd', endpoints: etcds.map(({ url }) => url), ...options });
    running.unshift({ stop: () => store.close() });
    return store;
  };

  /** Creates keys one after the other until told to stop; a write of unknown outcome is left behind. */
  const write = (store: Store, name: string) => {
    const acknowledged: number[] = [];
    const unavailable: Error[] = [];
    let stopped = false;
    const work = (async () => {
      for (let i = 0; !stopped; i++) {
        try {
          acknowledged.push(await put(store, `/registry/${name}/${i}`, `${i}`));
        } catch (error) {
          if (!(error instanceof StoreUnavailableError)) throw error;
          unavailable.push(error);
        }
      }
    })();
    const stop = async () => {
      stopped = true;
      await work;
      return { acknowledged, unavailable };
    };
    return { acknowledged, stop };
  };

  it('writes, reads and watches go on when etcd is killed and comes back', { timeout: 60_000 }, async () => {
    const etcd = await startEtcd();
    const store = await open([etcd]);
    const recorder = new Recorder(store, '/registry/', 2);
    const writers = ['a', 'b', 'c'].map((name) => write(store, name));
    for (let i = 0; i < 2; i++) {
      const [first] = writers;
      const before = first!.acknowledged.length;
      while (first!.acknowledged.length < before + 20) await sleep(5);
      await etcd.kill();
      await etcd.restart();
    }
    const results = await Promise.all(writers.map(({ stop }) => stop()));
    const acknowledged = results.flatMap((result) => result.acknowledged);
    const { kvs, revision } = await store.list({ prefix: '/registry/' });
    await recorder.until((seen) => seen.events.length >= kvs.length);

    const expected = Array.from({ length: revision - 1 }, (_, i) => i + 2);
    expect(recorder.events.map(revisionOf)).toEqual(expected);
    expect(kvs.map(({ modRevision }) => modRevision).sort((a, b) => a - b)).toEqual(expected);
    for (const revision of acknowledged) expect(revision).toBeLessThanOrEqual(expected.at(-1)!);
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    for (const { message } of results.flatMap((result) => result.unavailable)) {
      expect(message).toMatch(new RegExp(`^etcd at ${etcd.url}: .+`));
    }
  });

  it('another member takes over when one is killed or hangs', { timeout: 90_000 }, async () => {
    const members = await startCluster(3);
    const store = await open(members, { requestTimeoutMs: 4000 });
    const recorder = new Recorder(store, '/registry/', 2);
    const writer = write(store, 'a');
    const progress = async () => {
      const before = writer.acknowledged.length;
      while (writer.acknowledged.length < before + 20) await sleep(5);
    };
    await progress();
    await members[0]!.kill();
    await progress();
    await members[0]!.restart();
    members[1]!.pause();
    await progress();
    members[1]!.resume();
    await writer.stop();
    const { kvs } = await store.list({ prefix: '/registry/' });
    await recorder.until((seen) => seen.events.length >= kvs.length);
    // A member that hung may still write what it was asked for: after the list, but without a gap.
    expect(recorder.events.map(revisionOf)).toEqual(recorder.events.map((_, i) => i + 2));
  });

  it('opens on the members that answer', { timeout: 60_000 }, async () => {
    const etcd = await startEtcd();
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    running.push(etcd, { stop: async () => void silent.close() });
    const { port } = silent.address() as { port: number };
    const endpoints = ['http://127.0.0.1:1', `http://127.0.0.1:${port}`, etcd.url];
    const store = await openStore({ engine: 'etcd', endpoints, openTimeoutMs: 3000 });
    await put(store, '/registry/a', '1');
    const recorder = new Recorder(store, '/registry/', 2);
    await recorder.until(({ events }) => events.length === 1);
    await store.close();
  });

  it('says which endpoint is unavailable and why', { timeout: 60_000 }, async () => {
    const etcd = await startEtcd();
    const store = await open([etcd], { requestTimeoutMs: 1000 });
    await put(store, '/registry/a', '1');
    etcd.pause();
    const hanging = store.get('/registry/a');
    await expect(hanging).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(hanging).rejects.toThrow(new RegExp(`^etcd at ${etcd.url}: Deadline exceeded`));
    await expect(store.health()).rejects.toThrow(`etcd at ${etcd.url}: `);
    etcd.resume();
    await store.health();
    await etcd.kill();
    const refused = store.put('/registry/b', new Uint8Array(1), { expect: 0 });
    await expect(refused).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(refused).rejects.toThrow(`etcd at ${etcd.url}: `);
    const opening = openStore({ engine: 'etcd', endpoints: [etcd.url], openTimeoutMs: 300 });
    await expect(opening).rejects.toBeInstanceOf(StoreUnavailableError);
    await expect(opening).rejects.toThrow(/^etcd at .*: (connect ECONNREFUSED|no connection)/);
    await etcd.restart();
    await store.health();
  });

  it('a watch whose connection breaks goes on where it was, or says that it cannot', { timeout: 60_000 }, async () => {
    const etcd = await startEtcd();
    const proxy = await startProxy(etcd.url);
    running.push(proxy, etcd);
    const direct = await openStore({ engine: 'etcd', endpoints: [etcd.url] });
    const store = await openStore({ engine: 'etcd', endpoints: [proxy.url] });
    running.unshift({ stop: () => store.close() }, { stop: () => direct.close() });
    let revision = await put(direct, '/registry/a', '1');
    const start = revision;
    const update = async () => {
      for (let i = 0; i < 10; i++) revision = await put(direct, '/registry/a', `${i}`, revision);
    };
    const recorder = new Recorder(store, '/registry/', start);
    for (let i = 0; i < 5; i++) {
      await recorder.until(({ events }) => events.length === revision - start + 1);
      const cut = i % 2 === 0 ? update() : undefined;
      proxy.cut();
      await (cut ?? update());
      proxy.mend();
    }
    await recorder.until(({ events }) => events.length === revision - start + 1);
    expect(recorder.events.map(revisionOf)).toEqual(Array.from({ length: 51 }, (_, i) => start + i));

    proxy.cut();
    await update();
    await direct.compact(revision);
    proxy.mend();
    await recorder.until(({ error }) => error !== undefined);
    expect(recorder.error).toBeInstanceOf(CompactedError);
    expect(recorder.error).toMatchObject({ compactedRevision: revision });
  });

  it('a quiet watch that has seen progress survives compaction while it is disconnected', {
    timeout: 60_000,
  }, async () => {
    const etcd = await startEtcd();
    const proxy = await startProxy(etcd.url);
    running.push(proxy, etcd);
    const direct = await openStore({ engine: 'etcd', endpoints: [etcd.url] });
    const store = await openStore({ engine: 'etcd', endpoints: [proxy.url] });
    running.unshift({ stop: () => store.close() }, { stop: () => direct.close() });
    const recorder = new Recorder(store, '/registry/quiet/', 2);
    let revision = await put(direct, '/registry/busy', '1');
    for (let i = 0; i < 10; i++) revision = await put(direct, '/registry/busy', `${i}`, revision);
    store.requestProgress(revision);
    await recorder.until((seen) => seen.revision === revision);
    proxy.cut();
    await direct.compact(revision);
    proxy.mend();
    const created = await put(direct, '/registry/quiet/a', '1');
    await recorder.until(({ events }) => events.length === 1);
    expect(recorder.revision).toBe(created);
  });

  it('a watch that compaction ends does not keep the others from progress', { timeout: 60_000 }, async () => {
    const etcd = await startEtcd();
    const store = await open([etcd]);
    let revision = await put(store, '/registry/busy', '1');
    for (let i = 0; i < 5; i++) revision = await put(store, '/registry/busy', `${i}`, revision);
    await store.compact(revision);
    const quiet = new Recorder(store, '/registry/quiet/', revision + 1);
    const late = new Recorder(store, '/registry/busy', 2);
    await late.until(({ error }) => error !== undefined);
    expect(late.error).toBeInstanceOf(CompactedError);
    revision = await put(store, '/registry/busy', 'again', revision);
    store.requestProgress(revision);
    await quiet.until((seen) => seen.revision === revision);
  });

  it('TLS files that are replaced are used from the next connection on', { timeout: 60_000 }, async () => {
    const directory = await mkdtemp(join(tmpdir(), 'keelson-etcd-tls-'));
    running.push({ stop: () => rm(directory, { recursive: true }) });
    const tls = await createEtcdTls(directory);
    const etcd = await startEtcd({ tls });
    running.unshift(etcd);
    const endpoints = [etcd.url];
    const { caFile, certFile, keyFile } = tls;
    const store = await openStore({ engine: 'etcd', endpoints, caFile, certFile, keyFile });
    running.unshift({ stop: () => store.close() });
    const recorder = new Recorder(store, '/registry/', 2);
    await put(store, '/registry/a', '1');

    const anonymous = openStore({ engine: 'etcd', endpoints, caFile, openTimeoutMs: 300 });
    await expect(anonymous).rejects.toBeInstanceOf(StoreUnavailableError);

    await etcd.kill();
    await createEtcdTls(directory);
    await etcd.restart();
    await put(store, '/registry/b', '1');
    await recorder.until(({ events }) => events.length === 2);
    await expect(
      openStore({ engine: 'etcd', endpoints, caFile: certFile, certFile, keyFile, openTimeoutMs: 300 }),
    ).rejects.toThrow(/certificate/);
    await expect(openStore({ engine: 'etcd', endpoints, caFile: join(directory, 'missing') })).rejects.toThrow(
      'etcd: its certificates cannot be used: ENOENT',
    );
  });
});
