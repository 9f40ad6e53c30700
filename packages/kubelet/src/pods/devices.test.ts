import { settle } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import type { AdmittedResources } from '../assembly.ts';
import { NODE, testNode } from '../testing/node.ts';
import { container, podOf } from '../testing/pods.ts';
import type { Rejection } from './admission.ts';

/** Answers when it is told to. */
function slowDevices() {
  const asked: { uid: string; answer(rejection?: Rejection): Promise<void> }[] = [];
  const resources: AdmittedResources = {
    allocate: ({ metadata, spec }) => {
      if (!spec!.containers!.some(({ resources }) => resources?.limits)) return undefined;
      const { promise, resolve } = Promise.withResolvers<Rejection | undefined>();
      const answer = (rejection?: Rejection) => {
        resolve(rejection);
        return settle();
      };
      asked.push({ uid: metadata.uid!, answer });
      return promise;
    },
    nodeFor: () => NODE,
    resizeProblem: () => undefined,
  };
  return { asked, resources };
}

const resources = { limits: { 'example.com/dev': '1' }, requests: { cpu: '1500m' } };
const pod = podOf({ containers: [container('a', { resources })] });
const LACKING = { reason: 'UnexpectedAdmissionError', message: 'Allocate failed due to x, which is unexpected' };

describe('a pod that wants devices', () => {
  it('begins when it has them', async () => {
    const { asked, resources } = slowDevices();
    const node = testNode({ resources });
    await node.put(pod);
    await node.pass(10);
    expect(await node.containers(pod)).toEqual([]);
    expect(node.manager.holders().map(({ metadata }) => metadata.uid)).toEqual(['u1']);
    await asked[0]!.answer();
    await node.pass(10);
    expect(node.stored()!.status!.phase).toBe('Running');
    expect(asked.map(({ uid }) => uid)).toEqual(['u1']);
  });

  it('is refused where there are none, and holds nothing then', async () => {
    const { asked, resources } = slowDevices();
    const node = testNode({ resources });
    await node.put(pod);
    await asked[0]!.answer(LACKING);
    await node.pass(10);
    expect(node.stored()!.status).toMatchObject({
      phase: 'Failed',
      reason: LACKING.reason,
      message: `Pod was rejected: ${LACKING.message}`,
    });
    expect(node.events).toEqual([`${LACKING.reason}: ${LACKING.message}`]);
    expect(node.manager.holders()).toEqual([]);
  });

  it('counts beside others while it waits', async () => {
    const { asked, resources } = slowDevices();
    const node = testNode({ resources });
    await node.put(pod);
    const other = podOf(
      { containers: [container('b', { resources: { requests: { cpu: '1' } } })] },
      { name: 'b', uid: 'u2' },
    );
    await node.put(other);
    await node.pass(10);
    expect(node.stored('b')!.status!.reason).toBe('OutOfcpu');
    await asked[0]!.answer();
    await node.pass(10);
    expect(node.stored()!.status!.phase).toBe('Running');
  });

  it('does not begin when it went meanwhile', async () => {
    const { asked, resources } = slowDevices();
    const node = testNode({ resources });
    await node.put(pod);
    node.manager.remove(pod);
    await asked[0]!.answer();
    await node.pass(10);
    expect(node.manager.worker('u1')).toBeUndefined();
    expect(node.manager.holders()).toEqual([]);
  });

  it('is deleted as any other when it was meant to go meanwhile', async () => {
    const { asked, resources } = slowDevices();
    const node = testNode({ resources });
    await node.put(pod);
    await node.delete('web', 1);
    await asked[0]!.answer();
    await node.pass(3_000);
    expect(node.stored()).toBeUndefined();
  });

  it('that ran before the kubelet did is asked for its devices alone', async () => {
    const { asked, resources } = slowDevices();
    const node = testNode({ resources, alsoAdmit: () => ({ reason: 'Evicted', message: '' }) });
    const before = { ...pod, status: { phase: 'Running' as const } };
    await node.put(before as typeof pod);
    await asked[0]!.answer();
    await node.pass(10);
    expect(node.stored()!.status!.phase).toBe('Running');
  });

  it('that ran and has lost its devices does not run on', async () => {
    const before = testNode();
    await before.put(podOf({ containers: [container('a')] }));
    await before.pass(10);
    before.stop();
    const { asked, resources } = slowDevices();
    const node = testNode({ resources, runtime: before.runtime });
    await node.put({ ...pod, status: before.stored()!.status! });
    await node.manager.removeOrphans();
    expect((await before.runtime.list()).map(({ uid }) => uid)).toEqual(['u1']);
    await asked[0]!.answer(LACKING);
    await node.manager.removeOrphans();
    expect(await before.runtime.list()).toEqual([]);
    expect(node.stored()!.status).toMatchObject({ phase: 'Failed', reason: LACKING.reason });
  });
});
