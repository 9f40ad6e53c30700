/** The files of volumes that show objects: config maps, secrets, fields of the pod, and all of these together. */
import type {
  ConfigMap,
  DownwardAPIVolumeFile,
  KeyToPath,
  Node,
  Secret,
  VolumeProjection,
} from '@keelson/api/generated/types/core/v1';
import { type FieldContext, fieldValue, resourceValue } from '../environment/fields.ts';
import { type ObjectReader, optional } from '../environment/objects.ts';
import type { Payload, ProjectedFile } from './atomic-writer.ts';

export interface PayloadContext extends FieldContext {
  readonly objects: ObjectReader;
  readonly node: Node | undefined;
  /** A token of the pod's service account, as fresh as it has to be. */
  token(source: { readonly audience: string; readonly seconds: number }): Promise<string>;
}

type Files = Map<string, ProjectedFile>;

/** @param items its keys that are wanted; without, all. @param may whether one may be missing. @throws Error for one that may not */
export function configMapPayload(
  { data = {}, binaryData = {} }: ConfigMap,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  may: boolean,
): Payload {
  const all = new Map<string, Uint8Array>(Object.entries(data).map(([key, text]) => [key, Buffer.from(text)]));
  for (const [key, base64] of Object.entries(binaryData)) all.set(key, Buffer.from(base64, 'base64'));
  return chosen(all, items, mode, may, `configmap references non-existent config key: `);
}

/** As {@link configMapPayload}, of a secret. */
export function secretPayload(
  { data = {} }: Secret,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  may: boolean,
): Payload {
  const all = new Map<string, Uint8Array>(
    Object.entries(data).map(([key, base64]) => [key, Buffer.from(base64, 'base64')]),
  );
  return chosen(all, items, mode, may, `references non-existent secret key: `);
}

function chosen(
  all: ReadonlyMap<string, Uint8Array>,
  items: readonly KeyToPath[] | undefined,
  mode: number,
  may: boolean,
  complaint: string,
): Payload {
  const files: Files = new Map();
  if (!items?.length) {
    for (const [key, data] of all) files.set(key, { data, mode });
    return files;
  }
  for (const { key, path, mode: own } of items) {
    const data = all.get(key);
    if (data) files.set(path, { data, mode: own ?? mode });
    else if (!may) throw new Error(`${complaint}${key}`);
  }
  return files;
}

/** @throws Error for a field that there is not */
export function downwardPayload(
  items: readonly DownwardAPIVolumeFile[],
  mode: number,
  context: PayloadContext,
): Payload {
  const files: Files = new Map();
  for (const { path, fieldRef, resourceFieldRef, mode: own } of items) {
    const text = fieldRef
      ? fieldValue(fieldRef, context)
      : resourceFieldRef
        ? resourceValue(resourceFieldRef, context.pod, undefined, context.node)
        : '';
    files.set(path, { data: Buffer.from(text), mode: own ?? mode });
  }
  return files;
}

/**
 * @returns files, later sources in the place of earlier ones; and whether a token is among them, which has to be kept fresh
 * @throws {Error} for a source that gates alone let in, and that there are no files of
 */
export async function projectedPayload(
  sources: readonly VolumeProjection[],
  mode: number,
  context: PayloadContext,
): Promise<{ readonly files: Payload; readonly hasToken: boolean }> {
  const files: Files = new Map();
  const add = (payload: Payload) => {
    for (const [path, file] of payload) files.set(path, file);
  };
  const { pod, objects } = context;
  const namespace = pod.metadata.namespace ?? '';
  let hasToken = false;
  for (const source of sources) {
    const { configMap, secret, downwardAPI, serviceAccountToken } = source;
    if (configMap) {
      const { name = '', items, optional: may = false } = configMap;
      const found = await optional(objects.get('configmaps', namespace, name), may);
      if (found) add(configMapPayload(found, items, mode, may));
    } else if (secret) {
      const { name = '', items, optional: may = false } = secret;
      const found = await optional(objects.get('secrets', namespace, name), may);
      if (found) add(secretPayload(found, items, mode, may));
    } else if (downwardAPI) {
      add(downwardPayload(downwardAPI.items ?? [], mode, context));
    } else if (serviceAccountToken) {
      const { audience = '', expirationSeconds = 3600, path } = serviceAccountToken;
      const data = Buffer.from(await context.token({ audience, seconds: expirationSeconds }));
      hasToken = true;
      files.set(path, { data, ...tokenAccess(context, mode) });
    } else if (Object.keys(source).length > 0) {
      throw new Error(`projections of ${Object.keys(source).join()} are not supported`);
    }
  }
  return { files, hasToken };
}

/** Only those who run as the pod's one user, or are of its group, read its token (pkg/volume/projected). */
function tokenAccess({ pod }: PayloadContext, mode: number): Pick<ProjectedFile, 'mode' | 'uid'> {
  const { securityContext, containers, initContainers = [], ephemeralContainers = [] } = pod.spec!;
  const users = new Set(
    [...initContainers, ...(containers ?? []), ...ephemeralContainers].map(
      (each) => each.securityContext?.runAsUser ?? securityContext?.runAsUser,
    ),
  );
  const [first] = users;
  const owner = users.size === 1 && first !== undefined ? { uid: first } : {};
  if (securityContext?.fsGroup !== undefined) return { ...owner, mode: 0o640 };
  return { ...owner, mode: 'uid' in owner ? 0o600 : mode };
}
