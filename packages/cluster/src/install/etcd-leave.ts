/** A machine that is no more of the control plane leaves its etcd (kubeadm/app/cmd/phases/reset/removeetcdmember.go). */
import { dirname } from 'node:path';
import { parseKubeconfig, type World } from '@keelson/client';
import { StartupError } from '../startup-error.ts';
import { administratorApi } from './api.ts';
import { EtcdCluster, etcdEndpoints } from './etcd-cluster.ts';
import { type InstalledEtcd, installedEtcd } from './installed.ts';
import { KUBECONFIG_FILES } from './layout.ts';
import type { InstallContext } from './phase.ts';

/** As long as what this machine knows of etcd is tried alone. */
const NEAR_MS = 3_000;

/**
 * Takes this machine's etcd out of the cluster that it is in with others. What fails is told and stands in nobody's way: the
 * machine may be all that is left.
 */
export async function leaveEtcd(context: InstallContext, world: World): Promise<void> {
  const { dryRun, layout, report } = context;
  const own = await installedEtcd(context.files);
  if (own === undefined || !layout.isThisMachine) return;
  if (dryRun) return report('[reset] would remove the etcd member on this machine from the etcd cluster');
  try {
    const etcd = await openEtcd(context, own, world);
    try {
      const removed = await etcd.remove(own.peerUrl);
      report(removed ? `[reset] removed the etcd member ${own.peerUrl}` : '[reset] etcd has no other members');
    } finally {
      etcd.close();
    }
  } catch (error) {
    report(
      `[reset] WARNING: Failed to remove etcd member: ${(error as Error).message}, please manually remove this etcd member using etcdctl`,
    );
  }
}

/**
 * By its members, or where those that this machine knows of are silent, by whom the control plane knows. Where nobody is known
 * and nobody listens either, nobody is waited for.
 */
async function openEtcd(context: InstallContext, { endpoints }: InstalledEtcd, world: World): Promise<EtcdCluster> {
  let known: string[] = [];
  try {
    const near = await EtcdCluster.open(context, endpoints, NEAR_MS);
    near.close();
  } catch (error) {
    known = await knownEndpoints(context, world);
    if (known.length === 0 && NOBODY.test((error as Error).message)) throw error;
  }
  return EtcdCluster.open(context, [...new Set([...endpoints, ...known])]);
}

const NOBODY = /ECONNREFUSED|EHOSTUNREACH|ENETUNREACH/;

async function knownEndpoints(context: InstallContext, world: World): Promise<string[]> {
  const { configuration, files } = context;
  const text = await files.read(KUBECONFIG_FILES.admin);
  if (text === undefined) return [];
  const { init } = configuration;
  const hasty = { ...init, timeouts: { ...init.timeouts, kubernetesAPICall: NEAR_MS } };
  try {
    const { server } = parseKubeconfig(text, dirname(KUBECONFIG_FILES.admin));
    const api = await administratorApi({ ...context, configuration: { ...configuration, init: hasty } }, world, server);
    try {
      return await etcdEndpoints(api);
    } finally {
      api.close();
    }
  } catch (error) {
    if (error instanceof StartupError) return [];
    throw error;
  }
}
