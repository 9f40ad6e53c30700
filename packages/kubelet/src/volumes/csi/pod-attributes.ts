/** What a driver is told of the pod that a volume is for (getPodInfoAttrs and podServiceAccountTokenAttrs in pkg/volume/csi). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { CSIDriver } from '@keelson/api/generated/types/storage/v1';
import type { CsiVolume } from './volume.ts';

const PREFIX = 'csi.storage.k8s.io/';

export interface IssuedToken {
  readonly token: string;
  readonly expirationTimestamp: string;
}

/** A token of the pod's service account. @param seconds as long as the API server likes, where it is not given */
export type TokenSource = (pod: Pod, audience: string, seconds: number | undefined) => Promise<IssuedToken>;

export interface Told {
  readonly attributes: Readonly<Record<string, string>>;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Attributes and secrets of a volume with what its driver wants to know of the pod.
 * @param driver undefined where nobody has said what it wants: then that is nothing
 */
export async function toldOf(
  pod: Pod,
  volume: CsiVolume,
  secrets: Readonly<Record<string, string>>,
  driver: CSIDriver | undefined,
  token: TokenSource,
): Promise<Told> {
  const { podInfoOnMount = false, serviceAccountTokenInSecrets = false } = driver?.spec ?? {};
  const attributes = { ...volume.attributes, ...(podInfoOnMount ? podInfo(pod, volume) : {}) };
  const tokens = volume.isBlock ? {} : await tokensFor(pod, driver, token);
  return serviceAccountTokenInSecrets
    ? { attributes, secrets: { ...secrets, ...tokens } }
    : { attributes: { ...attributes, ...tokens }, secrets };
}

function podInfo({ metadata, spec }: Pod, { lifecycle }: CsiVolume): Record<string, string> {
  return {
    [`${PREFIX}pod.name`]: metadata.name ?? '',
    [`${PREFIX}pod.namespace`]: metadata.namespace ?? '',
    [`${PREFIX}pod.uid`]: metadata.uid ?? '',
    [`${PREFIX}serviceAccount.name`]: spec.serviceAccountName ?? '',
    [`${PREFIX}ephemeral`]: String(lifecycle === 'Ephemeral'),
  };
}

async function tokensFor(pod: Pod, driver: CSIDriver | undefined, token: TokenSource): Promise<Record<string, string>> {
  const requests = driver?.spec.tokenRequests ?? [];
  if (requests.length === 0) return {};
  const issued = await Promise.all(
    requests.map(async ({ audience, expirationSeconds }) => {
      const { token: text, expirationTimestamp } = await token(pod, audience, expirationSeconds);
      return [audience, { token: text, expirationTimestamp }] as const;
    }),
  );
  const sorted = Object.fromEntries(issued.sort(([a], [b]) => (a < b ? -1 : 1)));
  return { [`${PREFIX}serviceAccount.tokens`]: JSON.stringify(sorted) };
}
