import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { ManualClock } from '@keelson/api/clock';
import { StatusError } from '@keelson/api/errors';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RequestContext } from '../context.ts';
import { audit, auditEarlyRefusals } from '../filters/audit.ts';
import { attributesOf } from '../filters/authorization.ts';
import { sendAnswer, sendChunks, sendWhole } from '../handlers/send.ts';
import { parseRequestInfo } from '../requestinfo.ts';
import type { AuditEvent } from './event.ts';
import { type LineWriter, logBackend } from './log.ts';
import { LogFile } from './logfile.ts';
import { AuditMetrics } from './metrics.ts';
import { auditEvaluator, auditPolicy, type PolicyRule } from './policy.ts';
import { type AuditLoss, type AuditSink, auditSink, type SinkOptions } from './sink.ts';

const metrics = () => new AuditMetrics(new MetricsRegistry());
const NOW = new Date('2026-01-02T03:04:05.678Z');
const HEAD = { apiVersion: 'audit.k8s.io/v1', kind: 'Policy' };

function contextOf(url: string, more: Partial<RequestContext> = {}, method = 'GET'): RequestContext {
  return {
    exchange: { url, method, headers: { 'user-agent': 'test' }, remoteAddress: '::ffff:10.0.0.9', status: 200 },
    info: parseRequestInfo(method, url),
    receivedAt: NOW,
    auditId: 'the-id',
    user: { name: 'bob', uid: 'u-1', groups: ['devs'], extra: {} },
    warnings: [],
    auditAnnotations: {},
    ...more,
  } as unknown as RequestContext;
}

describe('a policy', () => {
  const level = (rules: PolicyRule[], url: string, method = 'GET') =>
    auditEvaluator({ rules })(attributesOf(contextOf(url, {}, method))).level;
  const pods = (...resources: string[]): PolicyRule => ({ level: 'Request', resources: [{ group: '', resources }] });
  it.each<[PolicyRule, string, boolean]>([
    [{ level: 'Request' }, '/version', true],
    [{ level: 'Request', users: ['bob'] }, '/version', true],
    [{ level: 'Request', users: ['eve'] }, '/version', false],
    [{ level: 'Request', userGroups: ['ops', 'devs'] }, '/version', true],
    [{ level: 'Request', verbs: ['list'] }, '/api/v1/pods', true],
    [{ level: 'Request', verbs: ['get'] }, '/api/v1/pods', false],
    [{ level: 'Request', namespaces: ['a'] }, '/api/v1/namespaces/a/pods', true],
    [{ level: 'Request', namespaces: [''] }, '/api/v1/nodes', true],
    [{ level: 'Request', namespaces: ['a'] }, '/version', false],
    [{ level: 'Request', nonResourceURLs: ['/healthz*'] }, '/healthz/etcd', true],
    [{ level: 'Request', nonResourceURLs: ['*'] }, '/api/v1/pods', false],
    [pods('pods'), '/api/v1/namespaces/a/pods/p', true],
    [pods('pods'), '/api/v1/namespaces/a/pods/p/status', false],
    [pods('pods/*'), '/api/v1/namespaces/a/pods/p/status', true],
    [pods('*/status'), '/api/v1/namespaces/a/pods/p/status', true],
    [pods('*'), '/api/v1/namespaces/a/pods/p/status', true],
    [pods(), '/api/v1/secrets', true],
    [pods(), '/apis/apps/v1/deployments', false],
    [{ level: 'Request', resources: [{ group: '*', resources: ['deployments'] }] }, '/apis/apps/v1/deployments', true],
    [
      { level: 'Request', resources: [{ resources: ['pods'], resourceNames: ['p'] }] },
      '/api/v1/namespaces/a/pods/q',
      false,
    ],
  ])('%j %s %s', (rule, url, expected) => expect(level([rule], url)).toBe(expected ? 'Request' : 'None'));

  it('the first rule that matches decides', () => {
    expect(level([{ level: 'None', verbs: ['list'] }, { level: 'Metadata' }], '/api/v1/pods')).toBe('None');
    expect(level([{ level: 'None', verbs: ['list'] }, { level: 'Metadata' }], '/version')).toBe('Metadata');
  });

  it.each([
    [{}, 'unknown group version field , Kind= in policy'],
    [{ ...HEAD, rules: [] }, 'loaded illegal policy with 0 rules'],
    [{ ...HEAD, rules: [{}] }, 'rules[0].level: Required value'],
    [
      { ...HEAD, rules: [{ level: 'All' }] },
      'rules[0].level: Unsupported value: "All": supported values: "None", "Metadata", "Request", "RequestResponse"',
    ],
    [
      { ...HEAD, rules: [{ level: 'None', nonResourceURLs: ['x'], namespaces: ['a'] }] },
      `[rules[0].nonResourceURLs[0]: Invalid value: "x": non-resource URL rules must begin with a '/' character, rules[0].nonResourceURLs: Invalid value: ["x"]: rules cannot apply to both regular resources and non-resource URLs]`,
    ],
    [
      { ...HEAD, omitStages: ['Never'], rules: [{ level: 'None' }] },
      'omitStages[0]: Invalid value: "Never": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
    ],
  ])('%j is refused', (document, message) => expect(() => auditPolicy(document)).toThrow(message));
});

/** Keeps events as parsed JSON. */
class Sink implements AuditSink {
  readonly blocks = false;
  readonly events: Record<string, unknown>[] = [];
  async process(event: AuditEvent): Promise<void> {
    const json = event.json();
    expect(json.indexOf('\n')).toBe(json.length - 1);
    this.events.push(JSON.parse(json));
  }
  async close(): Promise<void> {}
}

describe('a request', () => {
  const run = async (rule: PolicyRule, ctx: RequestContext, handle: (ctx: RequestContext) => Promise<void>) => {
    const sink = new Sink();
    const filter = audit({ evaluate: auditEvaluator({ rules: [rule] }), sink, metrics: metrics(), now: () => NOW });
    await filter(ctx, () => handle(ctx)).catch(() => {});
    return sink.events;
  };
  const pod = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p', managedFields: [{ manager: 'm' }] } };
  const POST = (): RequestContext => contextOf('/api/v1/namespaces/a/pods?dryRun=All', {}, 'POST');
  const create = async (ctx: RequestContext): Promise<void> => {
    ctx.auditAnnotations['authorization.k8s.io/reason'] = '';
    ctx.auditAnnotations['authorization.k8s.io/decision'] = 'allow';
    ctx.audit!.requestObject(pod as never);
    ctx.audit!.responseObject(Buffer.from('{\n  "kind": "Pod",\n  "note": "two  blanks \\" and"\n}'));
  };

  it('is recorded when it comes and when it is over', async () => {
    const events = await run({ level: 'Metadata' }, POST(), create);
    expect(events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseComplete']);
    expect(Object.entries(events[1]!)).toEqual(
      Object.entries({
        kind: 'Event',
        apiVersion: 'audit.k8s.io/v1',
        level: 'Metadata',
        auditID: 'the-id',
        stage: 'ResponseComplete',
        requestURI: '/api/v1/namespaces/a/pods?dryRun=All',
        verb: 'create',
        user: { username: 'bob', uid: 'u-1', groups: ['devs'] },
        sourceIPs: ['10.0.0.9'],
        userAgent: 'test',
        objectRef: { resource: 'pods', namespace: 'a', name: 'p', apiVersion: 'v1' },
        responseStatus: { metadata: {}, code: 200 },
        requestReceivedTimestamp: '2026-01-02T03:04:05.678000Z',
        stageTimestamp: '2026-01-02T03:04:05.678000Z',
        annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': '' },
      }),
    );
  });

  it('with what was sent, and with the answer', async () => {
    const [, ofRequest] = await run({ level: 'Request' }, POST(), create);
    expect([ofRequest!.requestObject, ofRequest!.responseObject]).toEqual([pod, undefined]);
    const [, whole] = await run({ level: 'RequestResponse', omitManagedFields: true }, POST(), create);
    expect(whole!.requestObject).toEqual({ ...pod, metadata: { name: 'p' } });
    expect(whole!.responseObject).toEqual({ kind: 'Pod', note: 'two  blanks " and' });
  });

  it('a patch that is no JSON is recorded as text', async () => {
    const [, event] = await run({ level: 'Request' }, POST(), async (ctx) => {
      ctx.audit!.requestBody(Buffer.from('a: b\n'));
    });
    expect(event!.requestObject).toBe('a: b\n');
  });

  it('what is too large is left out', async () => {
    const [, event] = await run({ level: 'Request' }, POST(), async (ctx) => {
      ctx.audit!.requestBody(Buffer.alloc(11 * 1024 * 1024, '1'));
    });
    expect([event!.requestObject, event!.annotations]).toEqual([undefined, { 'audit.k8s.io/truncated': 'true' }]);
  });

  it('that fails has its Status', async () => {
    const [, event] = await run({ level: 'RequestResponse' }, POST(), async () => {
      throw new StatusError(403, 'Forbidden', 'no', { kind: 'pods' });
    });
    const status = { status: 'Failure', message: 'no', reason: 'Forbidden', details: { kind: 'pods' }, code: 403 };
    expect(event!.responseStatus).toEqual({ metadata: {}, ...status });
    expect(event!.responseObject).toMatchObject({ kind: 'Status', apiVersion: 'v1', ...status });
  });

  it('in the name of somebody else, through proxies', async () => {
    const [, event] = await run({ level: 'Metadata' }, contextOf('/version'), async (ctx) => {
      ctx.impersonator = ctx.user;
      ctx.user = { name: 'eve', uid: '', groups: [], extra: {} };
      ctx.impersonationConstraint = 'impersonate:user-info';
      Object.assign(ctx.exchange.headers, { 'x-forwarded-for': '1.2.3.4, 5.6.7.8' });
    });
    expect(event).toMatchObject({
      user: { username: 'bob' },
      impersonatedUser: { username: 'eve' },
      authenticationMetadata: { impersonationConstraint: 'impersonate:user-info' },
      sourceIPs: ['1.2.3.4', '5.6.7.8', '10.0.0.9'],
    });
    expect(event!.objectRef).toBeUndefined();
  });

  it('that runs long is recorded when its answer begins, too', async () => {
    const url = '/api/v1/pods?watch=1';
    const stages = (await run({ level: 'Metadata' }, contextOf(url), async (ctx) => ctx.exchange.onAnswer?.(200))).map(
      ({ stage }) => stage,
    );
    expect(stages).toEqual(['RequestReceived', 'ResponseStarted', 'ResponseComplete']);
    const omitted = await run({ level: 'Metadata', omitStages: ['ResponseStarted'] }, contextOf(url), async () => {});
    expect(omitted.map(({ stage }) => stage)).toEqual(['RequestReceived', 'ResponseComplete']);
  });

  it('of level None is not recorded', async () => {
    const ctx = contextOf('/version');
    expect(await run({ level: 'None' }, ctx, async () => {})).toEqual([]);
    expect(ctx.audit).toBeUndefined();
  });

  it.each([
    [401, 'Unauthorized'],
    [400, 'BadRequest'],
  ] as const)('of somebody unknown that is refused with %d is recorded once', async (code, reason) => {
    const sink = new Sink();
    const options = {
      evaluate: auditEvaluator({ rules: [{ level: 'Metadata' }] }),
      sink,
      metrics: metrics(),
      now: () => NOW,
    };
    const ctx = contextOf('/version', { user: { name: '', uid: '', groups: [], extra: {} } });
    const refuse = () => Promise.reject(new StatusError(code, reason, reason));
    await expect(auditEarlyRefusals(options)(ctx, refuse)).rejects.toThrow(reason);
    expect(sink.events).toMatchObject([{ stage: 'ResponseStarted', user: {}, responseStatus: { code } }]);
  });

  it('is refused when it cannot be recorded and has to be', async () => {
    const writer: LineWriter = { write: () => Promise.reject(new Error('disk full')), close: async () => {} };
    const errors: string[] = [];
    const registry = new MetricsRegistry();
    const counted = new AuditMetrics(registry);
    const go = async (mode: SinkOptions['mode']) => {
      const onLost: AuditLoss = (_, error) => errors.push(error.message);
      const sink = auditSink({ ...base, backend: logBackend(writer, 'json'), mode, onLost });
      const evaluate = auditEvaluator({ rules: [{ level: 'Metadata' }] });
      const filter = audit({ evaluate, sink, metrics: counted, now: () => NOW });
      await filter(contextOf('/version'), async () => {});
    };
    await go('blocking');
    await expect(go('blocking-strict')).rejects.toThrow('failed to store audit event');
    expect(new Set(errors)).toEqual(new Set(['disk full']));
    const text = await registry.text();
    expect(text).toContain('apiserver_audit_requests_rejected_total 1\n');
    expect(text).toContain('apiserver_audit_event_total 3\n');
    expect(text).toContain('apiserver_audit_level_total{level="Metadata"} 2\n');
  });
});

const base = {
  mode: 'blocking',
  batch: { bufferSize: 3, maxSize: 2, maxWaitMs: 100 },
  clock: new ManualClock(),
  onLost: () => {},
} as const;
const event = (name: string, withoutBodies = name): AuditEvent => ({
  level: 'Request',
  stage: 'ResponseComplete',
  json: () => `${name}\n`,
  item: () => name,
  withoutBodies: () => event(withoutBodies),
  legacy: () => `legacy ${name}\n`,
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a log', () => {
  /** Writes when it is told to. */
  class Writer implements LineWriter {
    readonly texts: string[] = [];
    release: (() => void)[] = [];
    slow = false;
    async write(text: string): Promise<void> {
      this.texts.push(text);
      if (this.slow) await new Promise<void>((resolve) => this.release.push(resolve));
    }
    async close(): Promise<void> {
      this.texts.push('closed');
    }
  }

  type Answer = (ctx: RequestContext) => Promise<void>;
  const answers: Record<string, Answer> = {
    whole: (ctx) => sendWhole(ctx, 201, {}, Buffer.from('answer')),
    'of a path': (ctx) => sendAnswer(ctx, { status: 201, headers: {}, body: 'answer' }),
    'in chunks': (ctx) =>
      sendChunks(
        ctx,
        201,
        {},
        {
          estimate: 6,
          *write(out) {
            out.text('answer');
            yield;
          },
        },
      ),
    refusing: () => Promise.reject(new StatusError(403, 'Forbidden', 'no')),
  };
  it.each<[SinkOptions['mode'], string, waits: boolean]>([
    ['blocking', 'whole', true],
    ['blocking', 'of a path', true],
    ['blocking', 'in chunks', true],
    ['blocking', 'refusing', true],
    ['blocking-strict', 'whole', true],
    ['batch', 'whole', false],
    ['batch', 'in chunks', false],
  ])('in mode %s, an answer %s waits for its line: %s', async (mode, kind, waits) => {
    const writer = new Writer();
    const sink = auditSink({ ...base, backend: logBackend(writer, 'json'), mode });
    const evaluate = auditEvaluator({ rules: [{ level: 'Metadata' }], omitStages: ['RequestReceived'] });
    const filter = audit({ evaluate, sink, metrics: metrics(), now: () => NOW });
    let answered = false;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => {
      answered = true;
      resolve();
    };
    const exchange = {
      status: 0,
      respond: (status: number) => {
        exchange.status = status;
        done();
      },
      begin: (status: number) => {
        exchange.status = status;
        return new PassThrough().once('finish', done).resume();
      },
      onClose: () => {},
    };
    const ctx = contextOf('/version');
    Object.assign(ctx, { exchange: Object.assign(exchange, { ...ctx.exchange, ...exchange }) });
    writer.slow = true;
    const asked = filter(ctx, () => answers[kind]!(ctx)).catch(done);
    await settled();
    await settled();
    expect([answered, writer.texts.length]).toEqual([!waits, waits ? 1 : 0]);
    writer.slow = false;
    for (const release of writer.release) release();
    await Promise.all([asked, promise]);
    await sink.close();
    const [line] = writer.texts;
    expect(JSON.parse(line!)).toMatchObject({
      stage: 'ResponseComplete',
      responseStatus: { code: kind === 'refusing' ? 403 : 201 },
    });
  });

  it('in batches: when one is full, or after a while; what is too much is dropped', async () => {
    const [writer, clock, errors] = [new Writer(), new ManualClock(), [] as string[]];
    writer.slow = true;
    const onLost: AuditLoss = (plugin, error) => errors.push(`${plugin}: ${error.message}`);
    const sink = auditSink({ ...base, backend: logBackend(writer, 'json'), clock, mode: 'batch', onLost });
    await sink.process(event('1'));
    await settled();
    expect(writer.texts).toEqual([]);
    clock.advance(100);
    await settled();
    expect(writer.texts).toEqual(['1\n']);
    for (const name of ['2', '3', '4', '5']) await sink.process(event(name));
    expect(errors).toEqual(['buffered: audit buffer queue blocked']);
    writer.slow = false;
    for (const release of writer.release) release();
    await sink.close();
    expect(writer.texts).toEqual(['1\n', '2\n3\n', '4\n', 'closed']);
  });

  it('in batches, no more than so many a second', async () => {
    const [writer, clock] = [new Writer(), new ManualClock()];
    const batch = { bufferSize: 10, maxSize: 1, maxWaitMs: 0, throttle: { qps: 10, burst: 1 } };
    const sink = auditSink({ ...base, batch, backend: logBackend(writer, 'json'), clock, mode: 'batch' });
    for (const name of ['1', '2', '3']) await sink.process(event(name));
    await settled();
    expect(writer.texts).toEqual(['1\n']);
    clock.advance(100);
    await settled();
    expect(writer.texts).toEqual(['1\n', '2\n']);
  });

  it('as text, and cut', async () => {
    const [writer, errors] = [new Writer(), [] as string[]];
    await auditSink({ ...base, backend: logBackend(writer, 'legacy') }).process(event('1'));
    const onLost: AuditLoss = (plugin, error) => errors.push(`${plugin}: ${error.message}`);
    const truncate = { maxEventBytes: 5, maxBatchBytes: 5 };
    const cutting = auditSink({ ...base, backend: logBackend(writer, 'json'), truncate, onLost });
    await cutting.process(event('1234', 'x'));
    await cutting.process(event('12345', 'x'));
    await cutting.process(event('12345'));
    expect(writer.texts).toEqual(['legacy 1\n', '1234\n', 'x\n']);
    expect(errors).toEqual(['truncate: event is too large even after truncating']);
  });
});

describe('a log file', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'keelson-audit-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const clock = new ManualClock(NOW.getTime());
  const open = (more: object = {}) =>
    LogFile.open({
      ...{ path: join(folder, 'logs/audit.log'), maxBytes: 10, maxBackups: 0, maxAgeDays: 0, compress: false },
      now: () => new Date(clock.now()),
      onError: (error) => {
        throw error;
      },
      ...more,
    });
  const files = async () => (await readdir(join(folder, 'logs'))).sort();

  it('is only for its owner, and is gone on with', async () => {
    for (const text of ['one\n', 'two\n']) {
      const log = await open();
      await log.write(text);
      await log.close();
    }
    expect(await readFile(join(folder, 'logs/audit.log'), 'utf8')).toBe('one\ntwo\n');
    expect((await stat(join(folder, 'logs/audit.log'))).mode & 0o777).toBe(0o600);
  });

  it('lines stay in order, whoever waits for them', async () => {
    const log = await open({ maxBytes: 0 });
    const lines = Array.from({ length: 100 }, (_, i) => `${i}\n`);
    await Promise.all(lines.map((line) => log.write(line)));
    await log.close();
    expect(await readFile(join(folder, 'logs/audit.log'), 'utf8')).toBe(lines.join(''));
  });

  it('makes room when it is full, and drops what is too old or too much', async () => {
    const log = await open({ maxBackups: 2 });
    for (const text of ['aaaaaaaa\n', 'bbbbbbbb\n', 'cccccccc\n', 'dddddddd\n']) {
      await log.write(text);
      clock.advance(1000);
    }
    await log.close();
    expect(await readFile(join(folder, 'logs/audit.log'), 'utf8')).toBe('dddddddd\n');
    expect(await files()).toHaveLength(3);
    expect((await files())[0]).toMatch(/^audit-2026-01-02T03-04-\d\d\.678\.log$/);
    clock.advance(3 * 86_400_000);
    const later = await open({ maxAgeDays: 2 });
    await later.write('eeeeeeee\n');
    await later.close();
    expect(await files()).toHaveLength(2);
  });

  it('compresses old files, and leaves alone what is not its own', async () => {
    const log = await open({ compress: true });
    await writeFile(join(folder, 'logs/audit-notes.log'), 'mine');
    await utimes(join(folder, 'logs/audit-notes.log'), 0, 0);
    await log.write('aaaaaaaa\n');
    await log.write('bbbbbbbb\n');
    await log.close();
    const zipped = (await files()).find((file) => file.endsWith('.log.gz'))!;
    expect(gunzipSync(await readFile(join(folder, 'logs', zipped))).toString()).toBe('aaaaaaaa\n');
    expect(await files()).toEqual([zipped, 'audit-notes.log', 'audit.log'].sort());
  });
});
