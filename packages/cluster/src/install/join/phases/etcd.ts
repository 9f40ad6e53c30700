import { StartupError } from '../../../startup-error.ts';
import { addressOf, etcdPeerUrl } from '../../configuration/endpoints.ts';
import { EtcdCluster, etcdEndpoints } from '../../etcd-cluster.ts';
import { manifestFile, unitFile } from '../../layout.ts';
import { ensureEtcd } from '../../parts.ts';
import type { InstallContext } from '../../phase.ts';
import type { JoinContext } from '../context.ts';
import type { JoinPhase } from '../phase.ts';

const isStacked = ({ join }: JoinContext) => join.isControlPlane;

/** Nothing is added to an etcd that is not well (kubeadm/app/cmd/phases/join/checketcd.go). */
export const checkEtcdPhase: JoinPhase = {
  name: 'check-etcd',
  summary: 'See that etcd is well',
  applies: isStacked,
  async run({ found, report, dryRun }) {
    const { installation } = await found();
    if (installation.configuration.cluster.etcd.external)
      return report('[check-etcd] Skipping etcd check in external mode');
    if (dryRun) return report('[check-etcd] Would check that the etcd cluster is healthy');
    await withEtcd(installation, (etcd) => etcd.checkHealth());
    report('[check-etcd] a majority of etcd is well');
  },
};

/**
 * Has this machine's etcd be one of the cluster's (kubeadm/app/cmd/phases/join/controlplanejoin.go): it is announced without
 * a vote, so that nothing depends on it yet, started, and given its vote when it has caught up.
 */
export const etcdJoinPhase: JoinPhase = {
  name: 'etcd-join',
  summary: "Have this machine's etcd be a member of the cluster's",
  applies: isStacked,
  async run({ found, report, dryRun, layout, services, systemd }) {
    const { installation } = await found();
    const { cluster, init } = installation.configuration;
    if (cluster.etcd.external) return report('[etcd-join] Using external etcd - no local stacked instance added');
    const own = { name: init.nodeRegistration.name, peerUrl: etcdPeerUrl(addressOf(init)) };
    if (dryRun) {
      report(`[etcd-join] Would add etcd member: ${own.peerUrl}`);
      return ensureEtcd(installation);
    }
    await withEtcd(installation, async (etcd) => {
      if (await isMember(installation, etcd, own.peerUrl)) return report('[etcd-join] kept the member that is here');
      const members = await etcd.addLearner(own);
      report(`[etcd-join] announced ${own.name} to etcd, as a member without a vote`);
      await ensureEtcd(installation, members);
      if (!services && systemd)
        report(`[etcd-join] start etcd as ${layout.local(unitFile('etcd'))} says, and what is beside it`);
      await etcd.promote(own.peerUrl);
      const voters = (await etcd.members()).filter(({ isLearner }) => !isLearner);
      report(`[etcd-join] etcd has ${voters.length} members with a vote`);
      await etcd.checkHealth();
    });
  },
};

/**
 * Whether this machine's etcd has its vote already.
 * @throws StartupError where that of another, or of what this one was before, has its address
 */
async function isMember(
  { files, configuration }: InstallContext,
  etcd: EtcdCluster,
  peerUrl: string,
): Promise<boolean> {
  const known = (await etcd.members()).find(({ peerUrls }) => peerUrls.includes(peerUrl));
  if (known === undefined || known.isLearner) return false;
  const { dataDir } = configuration.cluster.etcd.local!;
  const parts = await Promise.all([manifestFile('etcd'), unitFile('etcd')].map((path) => files.exists(path)));
  if (parts.includes(true) && (await files.list(dataDir)).length > 0) return true;
  throw new StartupError(
    `etcd has a member ${known.name} at ${peerUrl} already, whose data are not here`,
    `where that machine is lost, run 'etcdctl member remove ${known.id}' on another of the control plane, then this again`,
  );
}

async function withEtcd(installation: InstallContext, use: (etcd: EtcdCluster) => Promise<void>): Promise<void> {
  const endpoints = await etcdEndpoints(await installation.api());
  if (endpoints.length === 0)
    throw new StartupError(
      'could not retrieve the list of etcd endpoints',
      "see that the service default/kubernetes has endpoints: 'kubectl get endpointslices kubernetes'",
    );
  const etcd = await EtcdCluster.open(installation, endpoints);
  try {
    await use(etcd);
  } finally {
    etcd.close();
  }
}
