/** Credentials for registries, from the pull secrets of a pod (pkg/credentialprovider). */
import { createHash } from 'node:crypto';
import type { Pod, Secret } from '@keelson/api/generated/types/core/v1';
import type { PodObjects } from '../environment/objects.ts';
import type { ImageCredentials } from '../runtime/images.ts';
import type { PullAccount } from './accounts.ts';
import type { CredentialProviders } from './providers.ts';

/** A secret with credentials, as records of pulls name it. */
export interface PullSecret {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Tells whether the credentials are others by now. */
  readonly credentialHash: string;
}

/** Whose credentials are: of a secret, given for an account, or, without either, the node's own. */
export interface PullSource {
  readonly secret?: PullSecret;
  readonly serviceAccount?: PullAccount;
}

export interface PullCredentials extends ImageCredentials, PullSource {}

/** For an image of a pod: of its pull secrets, then of what the node has. */
export async function credentialsOfPod(
  pod: Pod,
  repository: string,
  objects: PodObjects,
  providers: CredentialProviders | undefined,
): Promise<PullCredentials[]> {
  const reader = objects.for(pod);
  const names = pullSecretNames(pod);
  const found = await Promise.allSettled(names.map((name) => reader.get('secrets', pod.metadata.namespace!, name)));
  const secrets = found.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  return [...credentialsFor(repository, secrets), ...((await providers?.for(pod, repository)) ?? [])];
}

/** Of each, what fits the repository, the closest first. Secrets that cannot be read are passed over. */
export function credentialsFor(repository: string, secrets: readonly Secret[]): PullCredentials[] {
  const found = secrets.flatMap(entriesOf).filter(([server]) => covers(server, repository));
  return found.sort(([a], [b]) => b.length - a.length).map(([, credentials]) => credentials);
}

function pullSecretNames({ spec }: Pod): string[] {
  return (spec?.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
}

type Entry = readonly [server: string, credentials: PullCredentials];

interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
}

function entriesOf({ metadata, type, data = {} }: Secret): Entry[] {
  const { uid = '', namespace = '', name = '' } = metadata;
  try {
    const read = (key: string) => JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString()) as unknown;
    const logins =
      type === 'kubernetes.io/dockerconfigjson'
        ? (read('.dockerconfigjson') as { auths?: Record<string, Login> }).auths
        : type === 'kubernetes.io/dockercfg'
          ? (read('.dockercfg') as Record<string, Login>)
          : undefined;
    return Object.entries(logins ?? {}).map(([server, login]) => {
      const credentials = credentialsOf(login);
      const secret = { uid, namespace, name, credentialHash: hashOf(credentials) };
      return [normalized(server), { ...credentials, secret }];
    });
  } catch {
    return [];
  }
}

function credentialsOf({ username, password, auth = '' }: Login): ImageCredentials {
  if (username !== undefined) return { username, password: password ?? '' };
  const text = Buffer.from(auth, 'base64').toString();
  const colon = text.indexOf(':');
  return { username: text.slice(0, Math.max(0, colon)), password: text.slice(colon + 1).replace(/\0+$/, '') };
}

function hashOf({ username = '', password = '' }: ImageCredentials): string {
  return createHash('sha256')
    .update(JSON.stringify([username, password]))
    .digest('hex');
}

/** `https://index.docker.io/v1/` is `docker.io`. */
function normalized(server: string): string {
  const bare = server.replace(/^https?:\/\//, '').replace(/\/(v1|v2)?\/?$/, '');
  return bare === 'index.docker.io' ? 'docker.io' : bare;
}

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Host by host part, with `*` for parts of names, and path by prefix. */
export function covers(server: string, repository: string): boolean {
  const [host = '', ...path] = server.split('/');
  const [actual = '', ...rest] = repository.split('/');
  const [wanted, there] = [host.split('.'), actual.split('.')];
  const sameHost =
    wanted.length === there.length &&
    wanted.every((part, i) => new RegExp(`^${part.split('*').map(literally).join('[^.]*')}$`).test(there[i]!));
  return sameHost && rest.join('/').startsWith(path.join('/'));
}
