import type { ContainerStatus, Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { SimulatedPreparer } from '../runtime/simulated/preparer.ts';
import { simulatedProbes } from '../runtime/simulated/probes.ts';
import { testNode } from '../testing/node.ts';
import { container, podOf } from '../testing/pods.ts';
import { PodRejection } from './services.ts';
import { uidOf } from './spec.ts';

const a = container('a');
const simulated = (what: Record<string, string>) => ({
  annotations: Object.fromEntries(
    Object.entries(what).map(([name, value]) => [`keelson.dev/simulated-${name}`, value]),
  ),
});

/** `Running True: a running` */
function told(pod: Pod | undefined): string {
  const {
    phase,
    conditions = [],
    initContainerStatuses: init = [],
    containerStatuses: regular = [],
  } = pod?.status ?? {};
  const ready = conditions.find(({ type }) => type === 'Ready')?.status;
  return `${phase} ${ready}: ${[...init, ...regular].map(state).join(', ')}`;
}

function state({ name, state, restartCount }: ContainerStatus): string {
  const { waiting, running, terminated } = state;
  const is = running ? 'running' : terminated ? `${terminated.reason} ${terminated.exitCode}` : waiting?.reason;
  return `${name} ${is}${restartCount > 0 ? ` (${restartCount})` : ''}`;
}

describe('pods that are nobody’s', () => {
  it('are removed, though one of them cannot be', async () => {
    const { runtime, put } = testNode();
    for (const name of ['stuck', 'web']) await put(podOf({ containers: [a] }, { name, uid: name }));
    const { removeSandbox } = runtime;
    const stuck = (await runtime.pod('stuck')).sandboxes[0]!.id;
    runtime.removeSandbox = (id) =>
      id === stuck ? Promise.reject(new Error('busy')) : removeSandbox.call(runtime, id);
    await testNode({ runtime }).manager.removeOrphans();
    expect((await runtime.list()).map(({ uid }) => uid)).toEqual(['stuck']);
  });
});

describe('a pod', () => {
  it('runs, with one write and its events', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }));
    expect(told(node.stored())).toBe('Running True: a running');
    expect(node.writes).toEqual(['PATCH web']);
    expect(node.events).toEqual([
      'Pulled: Container image "a:v1" already present on machine and can be accessed by the pod',
      'Created: Container created',
      'Started: Container started',
    ]);
    expect(node.stored()?.status).toMatchObject({ hostIP: '192.0.2.1', podIP: '10.128.0.1', observedGeneration: 1 });
  });

  it('fails when the node finds late that it cannot have it', async () => {
    class Full extends SimulatedPreparer {
      override prepare(): Promise<void> {
        return Promise.reject(new PodRejection('Full', 'the node is full'));
      }
    }
    const node = testNode({ preparer: new Full() });
    await node.put(podOf({ containers: [a] }));
    expect(node.stored()?.status).toMatchObject({
      phase: 'Failed',
      reason: 'Full',
      message: 'Pod was rejected: the node is full',
    });
    expect(node.events).toEqual(['Full: the node is full']);
    expect(node.manager.worker('u1')?.state.phase).toBe('finished');
  });

  it('is written again only where something is new', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }));
    await node.pass(120_000);
    expect(node.writes).toEqual(['PATCH web']);
  });

  it('succeeds, and stays', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a], restartPolicy: 'Never' }));
    await node.pass(1_100);
    expect(told(node.stored())).toBe('Succeeded False: a Completed 0');
    expect(node.stored()?.status?.conditions?.find(({ type }) => type === 'Ready')?.reason).toBe('PodCompleted');
  });

  it('fails', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a], restartPolicy: 'Never' }, simulated({ outcome: 'oom' })));
    await node.pass(1_100);
    expect(told(node.stored())).toBe('Failed False: a OOMKilled 137');
  });

  it('backs off when it crashes, and counts', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }, simulated({ outcome: 'crash', 'run-time': '1s' })));
    await node.pass(1_100);
    expect(told(node.stored())).toBe('Running True: a running (1)');
    await node.pass(1_100);
    expect(told(node.stored())).toBe('Running False: a CrashLoopBackOff (1)');
    const [status] = node.stored()!.status!.containerStatuses!;
    expect(status!.state.waiting?.message).toBe('back-off 10s restarting failed container=a pod=web_default(u1)');
    expect(status!.lastState.terminated).toMatchObject({ exitCode: 1, reason: 'Error' });
    expect(node.events).toContain('BackOff: Back-off restarting failed container a in pod web_default(u1)');
    await node.pass(10_400);
    expect(told(node.stored())).toBe('Running True: a running (2)');
  });

  it('is ready after its delay', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }, simulated({ 'ready-delay': '5s' })));
    expect(told(node.stored())).toBe('Running False: a running');
    expect(node.stored()?.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toBe(
      'containers with unready status: [a]',
    );
    await node.pass(5_100);
    expect(told(node.stored())).toBe('Running True: a running');
  });

  it('runs init containers first, and keeps sidecars', async () => {
    const node = testNode();
    const side = container('side', { restartPolicy: 'Always' });
    await node.put(podOf({ containers: [a], initContainers: [container('i'), side] }));
    expect(told(node.stored())).toBe('Pending False: i running, side PodInitializing, a PodInitializing');
    await node.pass(10);
    expect(told(node.stored())).toBe('Running True: i Completed 0, side running, a running');
  });

  it('that fails to initialize fails', async () => {
    const node = testNode();
    const annotations = simulated({ 'exit-code.i': '3' });
    await node.put(podOf({ containers: [a], initContainers: [container('i')], restartPolicy: 'Never' }, annotations));
    await node.pass(10);
    expect(told(node.stored())).toBe('Failed False: i Error 3, a PodInitializing');
  });

  it('that is deleted ends and is deleted for good', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }, simulated({ 'stop-time': '5s' })));
    await node.delete();
    await node.pass(4_000);
    expect(told(node.stored())).toBe('Running True: a running');
    await node.pass(2_000);
    expect(node.stored()).toBeUndefined();
    expect(node.writes.at(-1)).toBe('DELETE web');
    expect(node.events.at(-1)).toBe('Killing: Stopping container a');
    expect(await node.runtime.list()).toEqual([]);
  });

  it('that ends tells whether it is ready', async () => {
    let ready = true;
    const findings = { liveness: () => true, startup: () => true, readiness: () => ready, has: () => false };
    const node = testNode({
      probes: { of: () => findings, follow: () => {}, ending: () => {}, forget: () => {}, stop: () => {} },
    });
    await node.put(podOf({ containers: [a] }, simulated({ 'stop-time': '20s' })));
    await node.delete();
    await node.pass(1_000);
    ready = false;
    node.manager.wake(uidOf(node.stored()!));
    await node.pass(1_000);
    expect(told(node.stored())).toBe('Running False: a running');
    await node.pass(20_000);
    expect(node.stored()).toBeUndefined();
  });

  it('that is deleted does not wait for what it pulls', async () => {
    const node = testNode();
    node.runtime.pullImage = () => new Promise(() => {});
    await node.put(podOf({ containers: [container('a', { imagePullPolicy: 'Always' })] }));
    expect(node.events.at(-1)).toBe('Pulling: Pulling image "a:v1"');
    await node.delete();
    await node.pass(10);
    expect(node.stored()).toBeUndefined();
  });

  it('that does not end in its grace is killed', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }, simulated({ 'stop-time': '1m' })));
    await node.delete('web', 10);
    await node.pass(9_000);
    expect(node.stored()).toBeDefined();
    await node.pass(2_000);
    expect(node.stored()).toBeUndefined();
  });

  it('may be given less grace while it ends', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }, simulated({ 'stop-time': '1m' })));
    await node.delete('web', 40);
    await node.pass(1_000);
    await node.delete('web', 3);
    await node.pass(4_000);
    expect(node.stored()).toBeUndefined();
  });

  it('lets sidecars end last', async () => {
    const node = testNode();
    const side = container('side', { restartPolicy: 'Always' });
    const annotations = simulated({ 'stop-time.a': '5s' });
    const pod = podOf({ containers: [a], initContainers: [side] }, annotations);
    await node.put(pod);
    await node.delete();
    await node.pass(4_000);
    expect((await node.containers(pod)).map(({ metadata, state }) => `${metadata.name} ${state.type}`)).toEqual([
      'a running',
      'side running',
    ]);
    await node.pass(2_000);
    expect(node.stored()).toBeUndefined();
  });

  it('goes where the node runs short, and says why', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a] }));
    const message = 'The node was low on resource: memory. ';
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', message } as const;
    expect(node.manager.active()).toHaveLength(1);
    node.manager.evict('u1', { reason: 'Evicted', message, graceSeconds: 1, condition });
    expect(node.manager.active()).toEqual([]);
    await node.pass(5_000);
    const { status } = node.stored()!;
    expect(status).toMatchObject({ phase: 'Failed', reason: 'Evicted', message });
    expect(status?.conditions?.filter(({ type }) => type === 'DisruptionTarget')).toEqual([
      { ...condition, lastTransitionTime: expect.any(String) },
    ]);
    expect(node.manager.worker('u1')?.state.phase).toBe('finished');
    expect((await node.runtime.list())[0]?.containers).toHaveLength(1);
    await node.manager.removeEnded();
    expect(await node.runtime.list()).toEqual([]);
  });

  it('does not come where the node says no first', async () => {
    const message = 'The node had condition: [DiskPressure]. ';
    const node = testNode({ alsoAdmit: () => ({ reason: 'Evicted', message }) });
    await node.put(podOf({ containers: [a], nodeSelector: { none: 'such' } }));
    await node.pass(1_000);
    expect(node.stored()?.status).toMatchObject({
      phase: 'Failed',
      reason: 'Evicted',
      message: `Pod was rejected: ${message}`,
    });
    expect(node.events).toEqual([`Evicted: ${message}`]);
  });

  it('has a deadline', async () => {
    const node = testNode();
    await node.put(podOf({ containers: [a], activeDeadlineSeconds: 5 }));
    await node.pass(6_000);
    expect(node.stored()?.status).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    });
  });

  it('is not admitted where there is no room', async () => {
    const node = testNode();
    const resources = { requests: { cpu: '1500m' } };
    await node.put(podOf({ containers: [container('a', { resources })] }, { uid: 'u0', name: 'first' }));
    await node.put(podOf({ containers: [container('a', { resources })] }, { generation: 2 }));
    expect(node.stored()?.status).toMatchObject({
      observedGeneration: 2,
      phase: 'Failed',
      reason: 'OutOfcpu',
      message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1500, capacity: 2000",
    });
    expect(node.stored('first')?.status?.phase).toBe('Running');
  });

  it('has the room of one that was deleted by force, though that still runs', async () => {
    const node = testNode();
    const resources = { requests: { cpu: '1500m' } };
    const first = podOf(
      { containers: [container('a', { resources })] },
      { ...simulated({ 'stop-time': '1m' }), uid: 'u0', name: 'first' },
    );
    await node.put(first);
    await node.delete('first', 60);
    await node.put(podOf({ containers: [container('a', { resources })] }, { uid: 'u1', name: 'waits' }));
    expect(node.stored('waits')?.status?.reason).toBe('OutOfcpu');
    node.manager.remove(first);
    await node.put(podOf({ containers: [container('a', { resources })] }, { uid: 'u2' }));
    expect((await node.containers(first)).map(({ state }) => state.type)).toEqual(['running']);
    expect(node.stored()?.status?.phase).toBe('Running');
  });

  it('gets a container that is added while it runs', async () => {
    const node = testNode();
    const pod = podOf({ containers: [a] });
    await node.put(pod);
    const ephemeralContainers = [container('debug')];
    await node.put({ ...node.stored()!, spec: { ...pod.spec!, ephemeralContainers } });
    expect(node.stored()?.status?.ephemeralContainerStatuses?.[0]?.state.running).toBeDefined();
  });

  it('begins anew where a rule says that all containers do', async () => {
    const node = testNode();
    const rule = { action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [7] } };
    const trigger = container('a', { restartPolicy: 'Never', restartPolicyRules: [rule] });
    const annotations = simulated({ 'exit-code.a': '7', 'run-time.a': '1s', 'run-time.b': '1h' });
    const pod = podOf({ containers: [trigger, container('b')], restartPolicy: 'Never' }, annotations);
    await node.put(pod);
    const [before] = await node.containers(pod);
    await node.pass(1_100);
    expect(told(node.stored())).toBe('Running True: a running (1), b running (1)');
    expect((await node.containers(pod)).every(({ id }) => id !== before!.id)).toBe(true);
  });
});

describe('a kubelet that starts anew', () => {
  it('finds its containers again', async () => {
    const node = testNode();
    const pod = podOf({ containers: [a] });
    await node.put(pod);
    const [before] = await node.containers(pod);
    const again = testNode({ runtime: node.runtime, probes: simulatedProbes(node.runtime) });
    node.stop();
    await again.put(node.stored()!);
    await again.pass(1_000);
    expect((await node.containers(pod)).map(({ id }) => id)).toEqual([before!.id]);
    expect(again.writes).toEqual([]);
    expect(again.events).toEqual([]);
  });
});
