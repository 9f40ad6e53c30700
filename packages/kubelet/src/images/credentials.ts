/** Credentials for registries, from the pull secrets of a pod (pkg/credentialprovider). */
import type { Pod, Secret } from '@keelson/api/generated/types/core/v1';
import type { ImageCredentials } from '../runtime/images.ts';

/** Of each, what fits the repository, the closest first. Secrets that cannot be read are passed over. */
export function credentialsFor(repository: string, secrets: readonly Secret[]): ImageCredentials[] {
  const found = secrets.flatMap(entriesOf).filter(([server]) => covers(server, repository));
  return found.sort(([a], [b]) => b.length - a.length).map(([, credentials]) => credentials);
}

export function pullSecretNames({ spec }: Pod): string[] {
  return (spec?.imagePullSecrets ?? []).flatMap(({ name }) => (name ? [name] : []));
}

type Entry = readonly [server: string, credentials: ImageCredentials];

interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
}

function entriesOf({ type, data = {} }: Secret): Entry[] {
  try {
    const read = (key: string) => JSON.parse(Buffer.from(data[key] ?? '', 'base64').toString()) as unknown;
    const logins =
      type === 'kubernetes.io/dockerconfigjson'
        ? (read('.dockerconfigjson') as { auths?: Record<string, Login> }).auths
        : type === 'kubernetes.io/dockercfg'
          ? (read('.dockercfg') as Record<string, Login>)
          : undefined;
    return Object.entries(logins ?? {}).map(([server, login]) => [normalized(server), credentialsOf(login)]);
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

/** `https://index.docker.io/v1/` is `docker.io`. */
function normalized(server: string): string {
  const bare = server.replace(/^https?:\/\//, '').replace(/\/(v1|v2)?\/?$/, '');
  return bare === 'index.docker.io' ? 'docker.io' : bare;
}

const literally = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Host by host part, with `*` for parts of names, and path by prefix. */
function covers(server: string, repository: string): boolean {
  const [host = '', ...path] = server.split('/');
  const [actual = '', ...rest] = repository.split('/');
  const [wanted, there] = [host.split('.'), actual.split('.')];
  const sameHost =
    wanted.length === there.length &&
    wanted.every((part, i) => new RegExp(`^${part.split('*').map(literally).join('[^.]*')}$`).test(there[i]!));
  return sameHost && rest.join('/').startsWith(path.join('/'));
}
