/**
 * Signs the public `cluster-info` with each bootstrap token, so that who has a token can trust it
 * (pkg/controller/bootstrap/bootstrapsigner.go).
 */
import type { ConfigMap, Secret } from '@keelson/api/generated/types/core/v1';
import { hasReason, WorkQueue } from '@keelson/client';
import type { ControllerContext } from '../controller.ts';
import { runQueue } from '../work.ts';
import { detachedSignature, NAMESPACE, signingToken, TOKEN_TYPE } from './tokens.ts';

const PUBLIC = 'kube-public';
const NAME = 'cluster-info';
const PREFIX = 'jws-kubeconfig-';

/** @returns the data with the signatures of the tokens, and no others; undefined when it has them */
export function signed(data: Readonly<Record<string, string>>, secrets: readonly Secret[], now: number) {
  const { kubeconfig } = data;
  if (kubeconfig === undefined) return undefined;
  const others = Object.entries(data).filter(([key]) => !key.startsWith(PREFIX));
  const tokens = secrets.flatMap((secret) => signingToken(secret, now) ?? []);
  const signatures = tokens.map(({ id, secret }) => [PREFIX + id, detachedSignature(kubeconfig, id, secret)] as const);
  const wanted: Record<string, string> = Object.fromEntries([...others, ...signatures]);
  const keys = Object.keys(wanted);
  const isRight = keys.length === Object.keys(data).length && keys.every((key) => data[key] === wanted[key]);
  return isRight ? undefined : wanted;
}

export async function start(context: ControllerContext) {
  const { client, informers, world } = context;
  const queue = new WorkQueue<'sign'>(world, 'bootstrap_signer_queue');
  const selected = { namespace: PUBLIC, fieldSelector: `metadata.name=${NAME}` };
  const configMaps = informers.informer('configmaps', selected);
  const secrets = informers.informer('secrets', { namespace: NAMESPACE, fieldSelector: `type=${TOKEN_TYPE}` });
  const poke = () => queue.add('sign');
  configMaps.addHandler({ added: poke, updated: poke });
  secrets.addHandler({ added: poke, updated: poke, deleted: poke });
  const reconcile = async () => {
    const info: ConfigMap | undefined = configMaps.store.get(`${PUBLIC}/${NAME}`);
    const data = info && signed(info.data ?? {}, secrets.store.list(), world.clock.now());
    if (!data) return;
    try {
      await client.resource('configmaps').update({ ...info, data });
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error;
    }
  };
  return runQueue(context, { queue, informers: [configMaps, secrets], workers: 1, reconcile });
}
