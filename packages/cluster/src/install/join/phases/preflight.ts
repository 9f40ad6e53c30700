import { StartupError } from '../../../startup-error.ts';
import { extraArgument } from '../../command-lines.ts';
import type { ClusterConfiguration } from '../../configuration/types.ts';
import { KUBECONFIG_FILES } from '../../layout.ts';
import { preflightPhase } from '../../phases/preflight.ts';
import type { JoinContext } from '../context.ts';
import type { JoinPhase } from '../phase.ts';
import { expectShared } from '../shared.ts';

/** Whether anything stands in the way (kubeadm/app/cmd/phases/join/preflight.go). */
export const joinPreflightPhase: JoinPhase = {
  name: 'preflight',
  summary: 'See whether anything stands in the way',
  async run(context) {
    refuseUser(context);
    await refuseMember(context);
    if (!context.join.isControlPlane) return context.report('[preflight] nothing stands in the way');
    const { installation } = await context.found();
    refuseCluster(installation.configuration.cluster);
    if (context.join.init.certificateKey === '') await expectShared(installation);
    await preflightPhase.run?.(installation);
  },
};

function refuseUser({ layout }: JoinContext): void {
  if (layout.root === '' && process.getuid?.() !== 0)
    throw new StartupError('IsPrivilegedUser: who installs on this machine has to be root', 'become root');
}

async function refuseMember({ files, layout, join, report }: JoinContext): Promise<void> {
  const ignored = new Set(join.init.nodeRegistration.ignorePreflightErrors.map((name) => name.toLowerCase()));
  const path = KUBECONFIG_FILES.kubelet;
  if (!(await files.exists(path))) return;
  const check = 'FileAvailable--etc-kubernetes-kubelet.conf';
  const problem = `${check}: ${layout.local(path)} already exists`;
  if (!ignored.has('all') && !ignored.has(check.toLowerCase()))
    throw new StartupError(problem, "this machine is in a cluster already: see 'keelson reset'");
  report(`[preflight] WARNING: ${problem}`);
}

/** Flags of etcd that differ from machine to machine. */
const ownOfMembers: ReadonlySet<string> = new Set([
  'name',
  'advertise-client-urls',
  'initial-advertise-peer-urls',
  'initial-cluster',
  'listen-client-urls',
  'listen-peer-urls',
]);

/** @throws StartupError for a cluster whose control plane cannot be of several machines */
export function refuseCluster({ controlPlaneEndpoint, apiServer, etcd }: ClusterConfiguration): void {
  const storage = extraArgument(apiServer.extraArgs, 'storage');
  if (storage === 'lmdb' || storage === 'memory')
    throw new StartupError(
      `the cluster keeps its objects in the API server's own store (--storage=${storage}), which cannot have a second member`,
      'have it keep them in etcd, without that argument; machines that are no part of the control plane join it as it is',
    );
  const own = etcd.local?.extraArgs.find(({ name }) => ownOfMembers.has(name));
  if (own !== undefined)
    throw new StartupError(
      `the configuration of the cluster gives etcd --${own.name} (etcd.local.extraArgs), which no two members have in common`,
      "run 'keelson init phase upload-config' with a configuration that does not",
    );
  if (controlPlaneEndpoint === '')
    throw new StartupError(
      "unable to add a new control plane instance to a cluster that doesn't have a stable controlPlaneEndpoint address",
      "set controlPlaneEndpoint, a name or an address in front of all API servers, in the configuration of the first machine; remove its apiserver.crt and apiserver.key, and run 'keelson init' there again",
    );
}
