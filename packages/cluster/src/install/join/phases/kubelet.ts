import { dirname } from 'node:path';
import { type Client, connect, hasReason, KubeconfigError, parseKubeconfig, sleep } from '@keelson/client';
import { StartupError } from '../../../startup-error.ts';
import { kubeconfigText } from '../../kubeconfigs.ts';
import { ensureKubeletFiles } from '../../kubelet-files.ts';
import { BOOTSTRAP_KUBECONFIG, KUBECONFIG_FILES, unitFile } from '../../layout.ts';
import { refuseTakenName } from '../cluster.ts';
import type { JoinContext } from '../context.ts';
import type { JoinPhase } from '../phase.ts';

/** kubeadm/app/cmd/phases/join/kubelet.go; a kubelet of the control plane, too, asks for its certificate at the cluster's address. */
export const joinKubeletStartPhase: JoinPhase = {
  name: 'kubelet-start',
  summary: 'Write what the kubelet reads, and start it',
  async run(context) {
    const { files, layout, join, report, services, hostname, dryRun } = context;
    const { access, client, installation } = await context.found();
    const { nodeRegistration: node } = join.init;
    refuseAdministrator(context);
    await refuseTakenName(client, node.name);
    const text = kubeconfigText({
      clusterName: installation.configuration.cluster.clusterName,
      server: access.server,
      certificateAuthority: access.certificateAuthority,
      user: 'tls-bootstrap-token-user',
      credentials: access.credentials,
    });
    await files.write(BOOTSTRAP_KUBECONFIG, text);
    report(`[kubelet-start] wrote ${layout.local(BOOTSTRAP_KUBECONFIG)}`);
    if (!(await files.exists(join.caCertPath))) {
      await files.write(join.caCertPath, access.certificateAuthority, 0o644);
      report(`[kubelet-start] wrote ${layout.local(join.caCertPath)}`);
    }
    const { kubelet } = installation.configuration;
    await ensureKubeletFiles(installation, { node, kubelet, hostname, registersTaints: !join.isControlPlane });
    if (dryRun) report('[kubelet-start] would start the kubelet');
    else if (!services) report(`[kubelet-start] start the kubelet as ${layout.local(unitFile('kubelet'))} says`);
    else {
      await services.start('kubelet.service');
      report('[kubelet-start] started kubelet.service');
    }
  },
};

/** What a machine becomes a node by is left in a file until it is one; an administrator's access is too much for that. */
function refuseAdministrator({ join: { discovery }, layout }: JoinContext): void {
  if (discovery.kind === 'file' && discovery.path === layout.local(KUBECONFIG_FILES.admin))
    throw new StartupError(
      'the kubelet asks for its certificate by a token, not as the administrator',
      "give HOST:PORT, --token and --discovery-token-ca-cert-hash, as 'keelson token create --print-join-command' shows them",
    );
}

const POLL_MS = 500;

/** The kubelet asks for its certificate by itself; the token is of no use then, and goes. */
export const kubeletWaitBootstrapPhase: JoinPhase = {
  name: 'kubelet-wait-bootstrap',
  summary: 'Wait until the kubelet has its certificate and its node is registered',
  async run(context) {
    const { join, files, layout, world, report, dryRun } = context;
    const { nodeRegistration, timeouts } = join.init;
    if (dryRun) return report('[kubelet-wait-bootstrap] would wait for the kubelet to have its certificate');
    report('[kubelet-wait-bootstrap] waiting for the kubelet to have its certificate');
    const until = world.clock.now() + timeouts.tlsBootstrap;
    try {
      for (;;) {
        const problem = await registrationProblem(context);
        if (problem === undefined) break;
        if (world.clock.now() >= until)
          throw new StartupError(
            `the kubelet did not join in time: ${problem}`,
            "see its log ('journalctl -xeu kubelet'), and run the command again",
          );
        await sleep(world.clock, POLL_MS);
      }
    } finally {
      await files.remove(BOOTSTRAP_KUBECONFIG);
    }
    const path = layout.local(KUBECONFIG_FILES.kubelet);
    report(`[kubelet-wait-bootstrap] ${path} is there, and node ${nodeRegistration.name} is registered`);
  },
};

/** @returns why the node is not there yet */
async function registrationProblem({ files, layout, join, world }: JoinContext): Promise<string | undefined> {
  const path = layout.local(KUBECONFIG_FILES.kubelet);
  const text = await files.read(KUBECONFIG_FILES.kubelet);
  if (text === undefined) return `${path} is not there`;
  let client: Client | undefined;
  try {
    client = connect(parseKubeconfig(text, dirname(path)), { component: 'keelson', world, timeoutMs: 10 * POLL_MS });
    await client.resource('nodes').get({ name: join.init.nodeRegistration.name });
    return undefined;
  } catch (error) {
    if (error instanceof KubeconfigError) return `${path}: ${error.message}`;
    return hasReason(error, 'NotFound', 'Forbidden') ? 'the node is not registered' : (error as Error).message;
  } finally {
    client?.close();
  }
}
