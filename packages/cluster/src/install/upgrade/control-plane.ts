/** What runs of a control plane is replaced part by part, and put back where it does not come up (kubeadm/app/phases/upgrade/staticpods.go). */
import { sleep } from '@keelson/client';
import { StartupError } from '../../startup-error.ts';
import { EtcdCluster } from '../etcd-cluster.ts';
import { DryRunFiles } from '../files.ts';
import { controlPlaneHealth } from '../health.ts';
import { type InstalledPart, installedEtcd, installedPart } from '../installed.ts';
import { CONTROL_PLANE, type StaticPodName } from '../layout.ts';
import { ensureControlPlanePart, ensureEtcd } from '../parts.ts';
import { untilWell } from '../phases/wait-control-plane.ts';
import { renew, renewableNames } from '../renewal.ts';
import type { UpgradeContext } from './context.ts';

/** The certificates that a part reads when it starts. */
const certificatesOf: Readonly<Record<StaticPodName, readonly string[]>> = {
  etcd: ['etcd-server', 'etcd-peer', 'etcd-healthcheck-client'],
  'kube-apiserver': ['apiserver', 'apiserver-kubelet-client', 'front-proxy-client', 'apiserver-etcd-client'],
  'kube-controller-manager': ['controller-manager.conf'],
  'kube-scheduler': ['scheduler.conf'],
};

const POLL_MS = 500;

/** @throws StartupError where a part does not come up; it is then as it was */
export async function upgradeControlPlane(context: UpgradeContext): Promise<void> {
  const { configuration, upgrade } = context;
  const parts =
    configuration.cluster.etcd.local && upgrade.etcdUpgrade ? (['etcd', ...CONTROL_PLANE] as const) : CONTROL_PLANE;
  for (const part of parts) await upgradePart(context, part);
  await renewPresent(context, ['admin.conf', 'super-admin.conf']);
}

async function upgradePart(context: UpgradeContext, name: StaticPodName): Promise<void> {
  const { files, report } = context;
  const before = await installedPart(files, name);
  if (before === undefined) throw new StartupError(`nothing runs ${name} on this machine`, "run 'keelson init' again");
  if (!(await differs(context, name, before))) return report(`[upgrade] ${name} runs as the configuration says`);
  const identity = await runningIdentity(context, name);
  await renewPresent(context, certificatesOf[name]);
  await write({ ...context, services: undefined }, name);
  try {
    await restarted(context, name, identity);
  } catch (error) {
    await files.write(before.path, before.text, before.systemd ? 0o644 : 0o600);
    const again = before.systemd ? context.services?.restart(`${name}.service`) : undefined;
    const state = await Promise.resolve(again).then(
      () => 'is as it was',
      (failure: Error) => `does not come up as it was (${failure.message})`,
    );
    throw new StartupError(
      `${name} did not come up, and ${state}: ${(error as Error).message}`,
      error instanceof StartupError ? error.remedy : `see the log of ${name}`,
    );
  }
  report(`[upgrade] Component "${name}" upgraded successfully!`);
}

/** Writes what runs it; whoever starts services is not told yet. */
async function write(context: UpgradeContext, name: StaticPodName): Promise<void> {
  if (name === 'etcd') await ensureEtcd(context, (await installedEtcd(context.files))?.members ?? []);
  else await ensureControlPlanePart(context, name);
}

async function differs(context: UpgradeContext, name: StaticPodName, { path, text }: InstalledPart): Promise<boolean> {
  const files = new DryRunFiles(context.files);
  await write({ ...context, files, services: undefined, report: () => {} }, name);
  return (await files.read(path)) !== text;
}

/** Those that are here, and that an authority of this machine can sign. */
async function renewPresent(context: UpgradeContext, names: readonly string[]): Promise<void> {
  const { files, configuration, dryRun, upgrade, report } = context;
  if (!upgrade.certificateRenewal) return;
  const present = renewableNames.filter((name) => names.includes(name));
  if (dryRun) return report(`[upgrade] would renew ${present.join(', ')}`);
  if (!(await files.exists(`${configuration.cluster.certificatesDir}/ca.key`)))
    return report(`[upgrade] External CA detected, ${present.join(', ')} can't be renewed`);
  await renew(context, present, { passOver: true });
}

/**
 * What tells one run of a static pod from the next: its mirror's hash. An API server that has just been started knows nobody's
 * rights yet, and is asked again.
 */
async function runningIdentity(context: UpgradeContext, name: StaticPodName): Promise<string | undefined> {
  if (context.systemd || context.dryRun) return undefined;
  const { clock, configuration } = context;
  const { nodeRegistration, timeouts } = configuration.init;
  const until = clock.now() + timeouts.upgradeManifests;
  for (;;) {
    try {
      const api = await context.api();
      const pod = await api.get('pods', { namespace: 'kube-system', name: `${name}-${nodeRegistration.name}` });
      return pod?.metadata.annotations?.['kubernetes.io/config.hash'];
    } catch (error) {
      if (!(error instanceof StartupError) || clock.now() >= until) throw error;
      await sleep(clock, POLL_MS);
    }
  }
}

async function restarted(context: UpgradeContext, name: StaticPodName, before: string | undefined): Promise<void> {
  const { clock, configuration, dryRun, report, services, systemd } = context;
  if (dryRun) return;
  const until = clock.now() + configuration.init.timeouts.upgradeManifests;
  if (systemd && services === undefined) return report(`[upgrade] start ${name}.service anew: nothing here does`);
  if (systemd) await services?.restart(`${name}.service`);
  else
    while ((await runningIdentity(context, name)) === before) {
      if (clock.now() >= until)
        throw new StartupError(`the kubelet has not replaced the pod ${name}`, "see the kubelet's log");
      await sleep(clock, POLL_MS);
    }
  await (name === 'etcd' ? untilEtcdIsWell(context) : untilPartIsWell(context));
}

async function untilPartIsWell(context: UpgradeContext): Promise<void> {
  if ((await controlPlaneHealth(context)).length > 0) await untilWell(context);
}

async function untilEtcdIsWell(context: UpgradeContext): Promise<void> {
  const own = await installedEtcd(context.files);
  const etcd = await EtcdCluster.open(context, own?.endpoints ?? []);
  try {
    await etcd.checkHealth();
  } finally {
    etcd.close();
  }
  await untilPartIsWell(context);
}
