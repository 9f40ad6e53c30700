/** Service accounts of addons, and the tokens of those that run outside of pods. */
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import { sleep } from '@keelson/client';
import { StartupError } from '../../startup-error.ts';
import type { ClusterApi } from '../api.ts';
import type { CredentialProgram } from '../kubeconfigs.ts';
import { KUBECONFIG_FILES } from '../layout.ts';
import type { InstallContext } from '../phase.ts';
import { bindClusterRole, grant, group, NODES, user } from '../rbac.ts';

const NAMESPACE = 'kube-system';
const POLL_MS = 200;

/** The secret with the token of an account that is no pod's. */
export const tokenSecretName = (account: string) => `${account}-token`;

/**
 * Has a secret hold a token of an account for as long as it is there: who takes the secret away ends the token.
 * @returns the token; undefined in a dry run
 * @throws StartupError where the controller manager does not make one
 */
export async function accountToken(context: InstallContext, account: string): Promise<string | undefined> {
  const api = await context.api();
  const ref = { namespace: NAMESPACE, name: tokenSecretName(account) };
  const annotations = { 'kubernetes.io/service-account.name': account };
  await api.put('secrets', { metadata: { ...ref, annotations }, type: 'kubernetes.io/service-account-token' });
  if (context.dryRun) return undefined;
  const until = context.clock.now() + context.configuration.init.timeouts.kubernetesAPICall;
  for (;;) {
    const secret = await api.get('secrets', ref);
    const token = secret?.data?.token;
    if (token) return Buffer.from(token, 'base64').toString();
    if (context.clock.now() >= until)
      throw new StartupError(
        `the secret ${NAMESPACE}/${ref.name} has no token`,
        'see that the controller manager runs serviceaccount-token-controller',
      );
    await sleep(context.clock, POLL_MS);
  }
}

/** An object of kube-system that tells in which of two ways an addon is run. */
export interface Mark {
  readonly resource: 'daemonsets.apps' | 'deployments.apps' | 'secrets' | 'configmaps';
  readonly name: string;
  /** That it has, too. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** The object of each way. */
export interface Ways {
  readonly pods: Mark;
  readonly units: Mark;
}

export async function isMarked(api: ClusterApi, { resource, name, labels = {} }: Mark): Promise<boolean> {
  const object = await api.get(resource, { namespace: NAMESPACE, name });
  return object !== undefined && hasMark(object, { labels });
}

/** Whether an object of that name is the mark. */
export const hasMark = ({ metadata }: { readonly metadata?: ObjectMeta }, { labels = {} }: Pick<Mark, 'labels'>) =>
  Object.entries(labels).every(([key, value]) => metadata?.labels?.[key] === value);

/** An addon is run by pods or by units, in all of a cluster. @throws StartupError where it is run in the other way already */
export async function refuseOther(
  api: ClusterApi,
  systemd: boolean,
  { pods, units }: Ways,
  phase: string,
): Promise<void> {
  const other = systemd ? pods : units;
  if (!(await isMarked(api, other))) return;
  throw new StartupError(
    `${other.resource} ${NAMESPACE}/${other.name} is there: ${systemd ? 'the cluster runs it in pods' : 'machines run it by units'}`,
    `delete it, or give --skip-phases ${phase}`,
  );
}

/** Whom machines speak as to be given tokens of accounts, and as nothing else. */
export const TOKEN_ASKER = 'keelson:account-tokens';

/**
 * Lets every node have tokens of an account, as the kubelet may of those of its pods: a node may speak as one who may ask for them alone,
 * for itself it may ask for tokens of pods only (NodeRestriction).
 */
export async function grantTokens(api: Pick<ClusterApi, 'put'>, account: string): Promise<void> {
  await api.put('clusterroles.rbac.authorization.k8s.io', {
    metadata: { name: TOKEN_ASKER },
    rules: [{ apiGroups: [''], resources: ['users'], resourceNames: [TOKEN_ASKER], verbs: ['impersonate'] }],
  });
  await bindClusterRole(api, TOKEN_ASKER, TOKEN_ASKER, group(NODES));
  const ask = { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [account], verbs: ['create'] };
  await grant(api, { namespace: NAMESPACE, name: `keelson:${account}-token` }, ask, [user(TOKEN_ASKER)]);
}

/** Tokens of an account, each of which ends soon, or with the node; asked for as this machine's kubelet. */
export function accountCredentials(
  { program, layout }: Pick<InstallContext, 'program' | 'layout'>,
  account: string,
  nodeName: string,
): { readonly exec: CredentialProgram } {
  const kubeconfig = layout.host(KUBECONFIG_FILES.kubelet);
  const args = ['account-token', `--account=${account}`, `--kubeconfig=${kubeconfig}`, `--node-name=${nodeName}`];
  return { exec: { command: program('keelson'), args } };
}
