import { accountCredentials, isMarked } from '../../addons/account.ts';
import { dnsWays, ensureDns } from '../../addons/coredns.ts';
import { ensureMachineAddon } from '../../addons/machine.ts';
import { machineAddon } from '../../addons/node-part.ts';
import { machineParts } from '../cluster.ts';
import type { JoinContext } from '../context.ts';
import type { JoinPhase } from '../phase.ts';

/** What the cluster has machines run by units, and not in pods: on all, and on those of the control plane the name server. */
export const joinAddonPhase: JoinPhase = {
  name: 'addon',
  summary: 'Run what the cluster has every machine run by units',
  async run(context) {
    const { access, client, installation } = await context.found();
    const { server, certificateAuthority } = access;
    const { configuration } = installation;
    const nodeName = context.join.init.nodeRegistration.name;
    for (const { part, files } of await machineParts(client)) {
      // What the cluster keeps may be of a release that had no such file.
      const all = { ...part.files(configuration), ...files };
      const addon = machineAddon(part, context, nodeName, all);
      const credentials = accountCredentials(context, part.name, nodeName);
      const of = {
        clusterName: configuration.cluster.clusterName,
        server,
        certificateAuthority,
        account: part.name,
        credentials,
      };
      await ensureMachineAddon(context, addon, of);
    }
    if (await runsNames(context)) await ensureDns(installation);
  },
};

async function runsNames({ join, systemd, found }: JoinContext): Promise<boolean> {
  const { installation } = await found();
  if (!join.isControlPlane || !systemd || installation.configuration.cluster.dns.disabled) return false;
  const api = await installation.api();
  return isMarked(api, dnsWays.units);
}
