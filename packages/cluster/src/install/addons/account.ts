/** Service accounts of addons, and the tokens of those that run outside of pods. */
import type { ObjectMeta } from '@keelson/api/generated/types/meta/v1';
import { StartupError } from '../../startup-error.ts';
import type { ClusterApi } from '../api.ts';
import type { CredentialProgram } from '../kubeconfigs.ts';
import { KUBECONFIG_FILES } from '../layout.ts';
import type { InstallContext } from '../phase.ts';
import { bindClusterRole, grant, group, NODES, user } from '../rbac.ts';

const NAMESPACE = 'kube-system';

/** An object of kube-system that tells in which of two ways an addon is run. */
export interface Mark {
  readonly resource: 'daemonsets.apps' | 'deployments.apps' | 'roles.rbac.authorization.k8s.io' | 'configmaps';
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

/** Whom machines speak as to be given tokens of an account, and as nothing else. */
export const askerOf = (account: string) => `keelson:${account}-tokens`;

/** The role by which they are given. */
export const tokenRole = (account: string) => `keelson:${account}-token`;

/**
 * Lets nodes have tokens of an account, as the kubelet may of those of its pods: a node may speak as one who may ask for them alone,
 * for itself it may ask for tokens of pods only (NodeRestriction).
 * @param nodeName the node that may; undefined: all may
 */
export async function grantTokens(api: Pick<ClusterApi, 'put'>, account: string, nodeName?: string): Promise<void> {
  const asker = askerOf(account);
  await api.put('clusterroles.rbac.authorization.k8s.io', {
    metadata: { name: asker },
    rules: [{ apiGroups: [''], resources: ['users'], resourceNames: [asker], verbs: ['impersonate'] }],
  });
  if (nodeName === undefined) await bindClusterRole(api, asker, asker, group(NODES));
  else await bindClusterRole(api, `${asker}:${nodeName}`, asker, user(`system:node:${nodeName}`));
  const ask = { apiGroups: [''], resources: ['serviceaccounts/token'], resourceNames: [account], verbs: ['create'] };
  await grant(api, { namespace: NAMESPACE, name: tokenRole(account) }, ask, [user(asker)]);
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
