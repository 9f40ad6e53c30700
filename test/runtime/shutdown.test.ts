import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import type { Running } from '@keelson/component/running';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ContainerNode, soon, startContainerNode } from '../support/container-node.ts';
import { BUSYBOX, noContainers } from '../support/containerd.ts';

const namespace = 'default';
const SIGNAL = '{"type":"signal","member":"PrepareForShutdown","payload":{"type":"b","data":[true]}}';

describe.skipIf(noContainers())('a machine that goes down', { timeout: 60_000 }, () => {
  let machine: ContainerNode;
  let kubelet: Running;
  let told: string;
  let held: string;

  /** In the place of systemd's: the machine goes down when there is a file, and waits as long as there is another. */
  async function standIns(): Promise<void> {
    const programs = join(machine.directory, 'programs');
    await mkdir(programs);
    told = join(programs, 'told');
    held = join(programs, 'held');
    const monitor = `echo Monitoring >&2; until [ -e ${told} ]; do sleep 0.1; done; echo '${SIGNAL}'; exec sleep 600`;
    const busctl = `case "$*" in *monitor) ${monitor};; esac; echo '{"type":"t","data":60000000}'`;
    const inhibit = `shift 4; touch ${held}; "$@"; rm ${held}`;
    for (const [name, script] of Object.entries({ busctl, 'systemd-inhibit': inhibit })) {
      await writeFile(join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    vi.stubEnv('PATH', `${programs}:${process.env.PATH}`);
  }

  beforeAll(async () => {
    machine = await startContainerNode();
    await standIns();
    kubelet = await machine.startKubelet({
      shutdownPeriods: [{ priority: 0, seconds: 30 }],
    });
  }, 120_000);

  afterAll(async () => {
    await kubelet?.stop();
    vi.unstubAllEnvs();
    await machine?.stop();
  }, 120_000);

  const pods = () => machine.admin.resource('pods');
  const statusOf = async (name: string) => (await pods().get({ namespace, name })).status;
  const create = (name: string) =>
    pods().create({
      metadata: { namespace, name },
      spec: {
        nodeName: 'real',
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: 'c', image: BUSYBOX, command: ['/bin/sh', '-c', 'while :; do sleep 0.2; done'] }],
      },
    } as Draft<Pod>);
  const isHeld = () =>
    access(held).then(
      () => true,
      () => false,
    );

  it('waits until its pods have ended, and takes no others', async () => {
    await create('web');
    await soon(async () => (await statusOf('web'))?.phase).toBe('Running');
    await soon(isHeld).toBe(true);
    await writeFile(told, '');
    await soon(() => statusOf('web')).toMatchObject({
      phase: 'Failed',
      reason: 'Terminated',
      message: 'Pod was terminated in response to imminent node shutdown.',
      containerStatuses: [{ state: { terminated: { exitCode: 137 } } }],
    });
    await soon(isHeld).toBe(false);
    const ready = async () => {
      const { status } = await machine.admin.resource('nodes').get({ name: 'real' });
      return status?.conditions?.find(({ type }) => type === 'Ready');
    };
    await soon(ready).toMatchObject({ status: 'False', reason: 'KubeletNotReady' });
    expect((await ready())?.message).toContain('node is shutting down');
    await create('late');
    await soon(() => statusOf('late')).toMatchObject({
      phase: 'Failed',
      reason: 'NodeShutdown',
      message: 'Pod was rejected: Pod was rejected as the node is shutting down.',
    });
  });
});
