import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLogger } from '@keelson/component/logs/logger';
import { startCollector } from '@keelson/component/tracing/testing';
import { CriRuntime } from '@keelson/kubelet/runtime/cri/runtime';
import { expect, test } from 'vitest';
import { openTracing } from './tracing.ts';

test('a step with a pod, and what the runtime is asked for it, are one trace', async () => {
  const root = await mkdtemp(join(tmpdir(), 'kt-'));
  const socket = join(root, 'c.sock');
  const collector = await startCollector(socket);
  try {
    const file = { tracing: { endpoint: `unix://${socket}`, samplingRatePerMillion: 1_000_000 } };
    const tracing = (await openTracing(file, 'n', silentLogger))!;
    // Nobody answers there: that is told, too.
    const runtime = new CriRuntime(`unix://${join(root, 'none.sock')}`, { tracing, timeoutMs: 1 });
    const step = tracing.root('syncPod', { 'k8s.pod.name': 'p' }, () => runtime.version());
    await expect(step).rejects.toThrow();
    runtime.close();
    await tracing.close();
    const [call, sync] = ['runtime.v1.RuntimeService/Version', 'syncPod'].map((name) =>
      collector.spans.find((span) => span.name === name),
    );
    expect(sync).toMatchObject({ kind: 1, parent: '', status: 2, attributes: { 'k8s.pod.name': 'p' } });
    expect(call).toMatchObject({ kind: 3, parent: sync!.spanId, traceId: sync!.traceId, status: 2 });
    expect(collector.resource).toMatchObject({ 'service.name': 'kubelet', 'host.name': 'n' });
  } finally {
    collector.stop();
    await rm(root, { recursive: true });
  }
});

test('nothing is traced without, and what makes no sense is refused', async () => {
  expect(await openTracing({}, 'n', silentLogger)).toBeUndefined();
  expect(await openTracing({ tracing: null }, 'n', silentLogger)).toBeUndefined();
  const wrong = { tracing: { endpoint: 'http://foo:1', samplingRatePerMillion: -1 } };
  await expect(openTracing(wrong, 'n', silentLogger)).rejects.toThrow(
    'failed to validate kubelet configuration, error: [tracing.samplingRatePerMillion: Invalid value: -1: sampling rate must be positive, tracing.endpoint: Invalid value: "http://foo:1": unsupported scheme: http.',
  );
});
