/**
 * Fills secrets of the type kubernetes.io/service-account-token, and deletes those whose account is gone
 * (pkg/controller/serviceaccount/tokens_controller.go).
 */
import type { Secret, ServiceAccount } from '@keelson/api/generated/types/core/v1';
import { hasReason, storeKey, WorkQueue } from '@keelson/client';
import { sign } from '@keelson/component/jwt/sign';
import type { ControllerContext } from '../controller.ts';
import { runQueue, workersOf } from '../work.ts';

const TYPE = 'kubernetes.io/service-account-token';
const NAME = 'kubernetes.io/service-account.name';
const UID = 'kubernetes.io/service-account.uid';
const ISSUER = 'kubernetes/serviceaccount';

/** What tokens of secrets say: they never end, and hold as long as the secret does. */
export function claimsOf({ metadata: account }: ServiceAccount, { metadata: secret }: Secret): object {
  const { namespace, name } = account;
  const prefix = 'kubernetes.io/serviceaccount';
  return {
    iss: ISSUER,
    sub: `system:serviceaccount:${namespace}:${name}`,
    [`${prefix}/namespace`]: namespace,
    [`${prefix}/secret.name`]: secret.name,
    [`${prefix}/service-account.name`]: name,
    [`${prefix}/service-account.uid`]: account.uid,
  };
}

/** What the secret lacks, but for its token. @returns undefined when nothing at all is missing */
export function lacking({ data = {}, metadata }: Secret, rootCa: string | undefined) {
  const missing: Record<string, string> = {};
  const ca = rootCa && Buffer.from(rootCa).toString('base64');
  if (ca && data['ca.crt'] !== ca) missing['ca.crt'] = ca;
  if (!data.namespace) missing.namespace = Buffer.from(metadata.namespace ?? '').toString('base64');
  const needsToken = !data.token;
  return needsToken || Object.keys(missing).length > 0 ? { missing, needsToken } : undefined;
}

export async function start(context: ControllerContext) {
  const { client, informers, world, settings } = context;
  const { tokenKey, rootCa } = settings;
  if (!tokenKey) return undefined;
  const queue = new WorkQueue<string>(world, 'serviceaccount_tokens_service');
  const accounts = informers.informer('serviceaccounts');
  const secrets = informers.informer('secrets', { fieldSelector: `type=${TYPE}` });
  const enqueue = (secret: Secret) => queue.add(storeKey(secret));
  secrets.addHandler({ added: enqueue, updated: (_, secret) => enqueue(secret) });
  const about = ({ metadata: { namespace, name } }: ServiceAccount) => {
    for (const secret of secrets.store.list(namespace))
      if (secret.metadata.annotations?.[NAME] === name) enqueue(secret);
  };
  accounts.addHandler({ added: about, deleted: about });
  const resource = client.resource('secrets');

  const accountOf = async ({ metadata: { namespace, annotations = {} } }: Secret) => {
    const key = { namespace, name: annotations[NAME] ?? '' };
    const cached = accounts.store.get(`${namespace}/${key.name}`);
    const fits = (account: ServiceAccount) => !annotations[UID] || account.metadata.uid === annotations[UID];
    if (cached && fits(cached)) return cached;
    // What follows from its absence cannot be undone: the copy may be behind.
    const live = await client
      .resource('serviceaccounts')
      .get(key)
      .catch((error: unknown) => {
        if (hasReason(error, 'NotFound')) return undefined;
        throw error;
      });
    return live && fits(live) ? live : undefined;
  };

  const reconcile = async (key: string) => {
    const secret = secrets.store.get(key);
    if (!secret?.metadata.annotations?.[NAME]) return;
    const { namespace, name = '', uid } = secret.metadata;
    const account = await accountOf(secret);
    try {
      if (!account) {
        await resource.delete({ namespace, name }, { preconditions: uid ? { uid } : {} });
        return;
      }
      const lacks = lacking(secret, rootCa);
      if (!lacks) return;
      const data = { ...secret.data, ...lacks.missing };
      if (lacks.needsToken)
        data.token = Buffer.from(await sign(tokenKey, claimsOf(account, secret))).toString('base64');
      const annotations = { ...secret.metadata.annotations, [UID]: account.metadata.uid! };
      await resource.update({ ...secret, metadata: { ...secret.metadata, annotations }, data });
    } catch (error) {
      // A newer one comes by itself.
      if (!hasReason(error, 'Conflict') && !hasReason(error, 'NotFound')) throw error;
    }
  };
  const workers = workersOf(context, 'serviceaccount-token-controller', 5);
  return runQueue(context, { queue, informers: [accounts, secrets], workers, reconcile });
}
