/** What an upgrade consists of, on the first machine and on the others (kubeadm/app/cmd/phases/upgrade). */
import { StartupError } from '../../startup-error.ts';
import { isMarked, type Ways } from '../addons/account.ts';
import { dnsWays } from '../addons/coredns.ts';
import { waysOf } from '../addons/node-part.ts';
import { nodeParts } from '../addons/node-parts.ts';
import { EtcdCluster, etcdEndpoints } from '../etcd-cluster.ts';
import { ensureKubeletConfiguration } from '../kubelet-files.ts';
import type { Phase } from '../phase.ts';
import { runPhases } from '../phase.ts';
import { addonPhase } from '../phases/addon.ts';
import { bootstrapTokenPhase } from '../phases/bootstrap-token.ts';
import { uploadConfigPhase } from '../phases/upload-config.ts';
import type { UpgradeContext } from './context.ts';
import { upgradeControlPlane } from './control-plane.ts';

type UpgradePhase = Phase<UpgradeContext>;

const preflight: UpgradePhase = {
  name: 'preflight',
  summary: 'See whether anything stands in the way',
  async run(context) {
    const { layout, isControlPlane, dryRun, report } = context;
    if (layout.root === '' && process.getuid?.() !== 0)
      throw new StartupError('IsPrivilegedUser: who installs on this machine has to be root', 'become root');
    if (isControlPlane && !dryRun) {
      await expectReady(context);
      await expectEtcd(context);
    }
    report('[preflight] nothing stands in the way');
  },
};

async function expectReady(context: UpgradeContext): Promise<void> {
  const { ignorePreflightErrors } = context.configuration.init.nodeRegistration;
  const api = await context.api();
  const nodes = await api.list('nodes', { labelSelector: 'node-role.kubernetes.io/control-plane' });
  const ailing = nodes
    .filter(({ status }) => !status?.conditions?.some((each) => each.type === 'Ready' && each.status === 'True'))
    .map(({ metadata }) => metadata.name);
  if (ailing.length === 0) return;
  const problem = `ControlPlaneNodesReady: there are NotReady control-planes in the cluster: [${ailing.join(' ')}]`;
  if (!ignorePreflightErrors.some((name) => /^(all|controlplanenodesready)$/i.test(name)))
    throw new StartupError(problem, 'see to them first, or name the check in --ignore-preflight-errors');
  context.report(`[preflight] WARNING: ${problem}`);
}

async function expectEtcd(context: UpgradeContext): Promise<void> {
  if (!context.configuration.cluster.etcd.local) return;
  const etcd = await EtcdCluster.open(context, await etcdEndpoints(await context.api()));
  try {
    await etcd.checkHealth();
  } finally {
    etcd.close();
  }
}

const controlPlane: UpgradePhase = {
  name: 'control-plane',
  summary: 'Have etcd and the control plane of this machine run as the configuration says, one after the other',
  applies: ({ isControlPlane }) => isControlPlane,
  run: upgradeControlPlane,
};

const kubeletConfig: UpgradePhase = {
  name: 'kubelet-config',
  summary: 'Write the configuration of the kubelet, and start it anew where that has changed',
  async run(context) {
    const { configuration, services, report } = context;
    const { criSocket } = configuration.init.nodeRegistration;
    if (!(await ensureKubeletConfiguration(context, configuration.kubelet, criSocket))) return;
    if (!services) return report('[upgrade] start the kubelet anew: nothing here does');
    await services.start('kubelet.service');
    report('[upgrade] started kubelet.service');
  },
};

/** A phase of init, as it is. */
const same = (phase: Phase): UpgradePhase => ({
  name: phase.name,
  summary: phase.summary,
  run: async (context) => void (await runPhases([phase], context)),
});

/** Only what is there is brought to this release: who left one out at the installation has something else. */
const addons: UpgradePhase = {
  name: addonPhase.name,
  summary: 'Bring what the cluster has beside its control plane to this release',
  phases: (addonPhase.phases ?? []).map((phase) => ({
    name: phase.name,
    summary: phase.summary,
    async run(context) {
      if (await isThere(context, phase.name)) await runPhases([phase], context, new Set(), 'addon/');
      else context.report(`[addon] ${phase.name} is not there, and is left out`);
    },
  })),
};

/** By which objects each of the two ways is known. */
const marks: Readonly<Record<string, Ways>> = {
  coredns: dnsWays,
  ...Object.fromEntries(nodeParts.map((part) => [part.phase, waysOf(part)])),
};

async function isThere(context: UpgradeContext, addon: string): Promise<boolean> {
  const ways = marks[addon]!;
  return isMarked(await context.api(), context.systemd ? ways.units : ways.pods);
}

/** On the first machine of a control plane. */
export const upgradeApplyPhases: readonly UpgradePhase[] = [
  preflight,
  controlPlane,
  same(uploadConfigPhase),
  kubeletConfig,
  same(bootstrapTokenPhase),
  addons,
];

/** On each of the others; on one of the control plane, the units of addons too. */
export const upgradeNodePhases: readonly UpgradePhase[] = [
  preflight,
  controlPlane,
  kubeletConfig,
  { ...addons, applies: ({ isControlPlane, systemd }) => isControlPlane && systemd },
];
