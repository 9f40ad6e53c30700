import { ConfigObject } from '@keelson/component/configfile';
import { expect, test } from 'vitest';
import { StartupError } from '../../startup-error.ts';
import { unitFile } from '../layout.ts';
import { runPhases } from '../phase.ts';
import { certsPhase } from '../phases/certs.ts';
import { controlPlanePhase } from '../phases/control-plane.ts';
import { kubeconfigPhase } from '../phases/kubeconfig.ts';
import { document, testInstallation } from '../testing.ts';
import { decodeUpgrade } from './configuration.ts';
import type { UpgradeContext } from './context.ts';
import { upgradeControlPlane } from './control-plane.ts';

const scheduler = unitFile('kube-scheduler');
const configuration = (more = '') => document('ClusterConfiguration', `encryptionAlgorithm: ECDSA-P256\n${more}`);
const changed = configuration('scheduler: {extraArgs: [{name: v, value: "3"}]}');

/** A control plane of units, to be brought to another configuration. @param started told of each start; may throw */
async function installed(to: string, started: (unit: string) => void) {
  const { context, files, lines } = testInstallation(configuration(), { systemd: true });
  await runPhases([certsPhase, kubeconfigPhase, controlPlanePhase], context);
  lines.length = 0;
  const services = {
    start: async () => expect.unreachable('started before its certificates are renewed'),
    restart: async (unit: string) => started(unit),
    stop: async () => {},
  };
  const upgrade: UpgradeContext = {
    ...context,
    configuration: testInstallation(to).context.configuration,
    services,
    isControlPlane: true,
    clusterVersion: 'v1.36.1',
    upgrade: decodeUpgrade(new ConfigObject({ node: { etcdUpgrade: false } }), 'node'),
  };
  return { context: upgrade, files, lines };
}

test('what runs as it should is left alone', async () => {
  const started: string[] = [];
  const { context, files, lines } = await installed(configuration(), (unit) => started.push(unit));
  const before = await files.read('/etc/kubernetes/scheduler.conf');
  await upgradeControlPlane(context);
  expect(started).toEqual([]);
  expect(lines).toContain('[upgrade] kube-scheduler runs as the configuration says');
  expect(await files.read('/etc/kubernetes/scheduler.conf')).toBe(before);
});

test('what does not come up is put back as it was', async () => {
  const started: string[] = [];
  const { context, files } = await installed(changed, (unit) => {
    started.push(unit);
    if (started.length === 1) throw new StartupError('it ends at once', 'see its log');
  });
  const [before, access] = [await files.read(scheduler), await files.read('/etc/kubernetes/scheduler.conf')];
  await expect(upgradeControlPlane(context)).rejects.toThrow(
    'kube-scheduler did not come up, and is as it was: it ends at once',
  );
  expect(started).toEqual(['kube-scheduler.service', 'kube-scheduler.service']);
  expect(await files.read(scheduler)).toBe(before);
  expect(await files.read('/etc/kubernetes/scheduler.conf')).not.toBe(access);
});

test('a dry run starts nothing', async () => {
  const { context, files, lines } = await installed(changed, () => expect.unreachable());
  const access = await files.read('/etc/kubernetes/scheduler.conf');
  await upgradeControlPlane({ ...context, dryRun: true });
  expect(await files.read(scheduler)).toContain('--v=3');
  expect(await files.read('/etc/kubernetes/scheduler.conf')).toBe(access);
  expect(lines).toContain('[upgrade] would renew scheduler.conf');
});
