import type { Secret } from '@keelson/api/generated/types/core/v1';
import type { Draft } from '@keelson/client';
import { clusterInfoText } from '../cluster-info.ts';
import { splitToken } from '../configuration/init.ts';
import type { BootstrapToken } from '../configuration/types.ts';
import type { InstallContext, Phase } from '../phase.ts';
import { BOOTSTRAPPERS, bindClusterRole, grant, group, NODES, readConfigMap, user } from '../rbac.ts';

/** What lets machines join by a token (kubeadm/app/phases/bootstraptoken). */
export const bootstrapTokenPhase: Phase = {
  name: 'bootstrap-token',
  summary: 'Let machines join by a token',
  description:
    'Puts the bootstrap tokens into the cluster, lets whoever shows one ask for the certificate of a node, has those approved, and publishes where the cluster is and by which authority it is known.',
  async run(context) {
    const { configuration, report, skipTokenPrint, clock } = context;
    const api = await context.api();
    for (const token of configuration.init.bootstrapTokens) {
      await api.put('secrets', tokenSecret(token, clock.now()));
      const { id } = splitToken(token.token);
      report(`[bootstrap-token] wrote the token ${skipTokenPrint ? `${id}.…` : token.token}`);
    }
    await api.put('clusterroles.rbac.authorization.k8s.io', {
      metadata: { name: 'kubeadm:get-nodes' },
      rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['get'] }],
    });
    for (const [name, role, subject] of bindings) await bindClusterRole(api, name, role, subject);
    report('[bootstrap-token] who shows it may ask for the certificate of a node, and is given it');
    await publish(context);
  },
};

const requests = 'system:certificates.k8s.io:certificatesigningrequests';

const bindings = [
  ['kubeadm:get-nodes', 'kubeadm:get-nodes', group(BOOTSTRAPPERS)],
  ['kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', group(BOOTSTRAPPERS)],
  ['kubeadm:node-autoapprove-bootstrap', `${requests}:nodeclient`, group(BOOTSTRAPPERS)],
  ['kubeadm:node-autoapprove-certificate-rotation', `${requests}:selfnodeclient`, group(NODES)],
  ['kubeadm:apiserver-kubelet-client', 'system:kubelet-api-admin', user('kube-apiserver-kubelet-client')],
] as const;

/** Everybody may read where the cluster is; that it is the right one, they know by the token. */
async function publish(context: InstallContext): Promise<void> {
  const api = await context.api();
  const [namespace, name] = ['kube-public', 'cluster-info'];
  const data = { kubeconfig: await clusterInfoText(context) };
  await api.put('configmaps', { metadata: { namespace, name }, data });
  await grant(api, { namespace, name: 'kubeadm:bootstrap-signer-clusterinfo' }, readConfigMap(name), [
    user('system:anonymous'),
  ]);
  context.report(`[bootstrap-token] wrote the config map ${namespace}/${name}`);
}

/** The secret that a token is (bootstraptoken/v1 BootstrapTokenToSecret). */
export function tokenSecret(token: BootstrapToken, now: number): Draft<Secret> {
  const { id, secret } = splitToken(token.token);
  const ends = token.expires || (token.ttlMs > 0 ? rfc3339(now + token.ttlMs) : '');
  const fields = {
    'token-id': id,
    'token-secret': secret,
    ...(token.description === '' ? {} : { description: token.description }),
    ...(ends === '' ? {} : { expiration: ends }),
    ...Object.fromEntries(token.usages.map((usage) => [`usage-bootstrap-${usage}`, 'true'])),
    ...(token.groups.length === 0 ? {} : { 'auth-extra-groups': token.groups.join(',') }),
  };
  return {
    metadata: { namespace: 'kube-system', name: `bootstrap-token-${id}` },
    type: 'bootstrap.kubernetes.io/token',
    data: Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [name, Buffer.from(value).toString('base64')]),
    ),
  };
}

const rfc3339 = (time: number) => new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z');
