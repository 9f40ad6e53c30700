/**
 * As whom webhooks are asked: the users of the kubeconfig that a WebhookAdmissionConfiguration names, by the server's name
 * (k8s.io/apiserver/pkg/util/webhook/authentication.go).
 */
import { dirname, resolve } from 'node:path';
import { readConfidentialYaml } from '@keelson/api/codec/yaml';
import { ConfigFileError, ConfigObject, readStrictly } from '@keelson/component/configfile';
import type { Credentials } from '../../webhook/client.ts';
import type { ReadOther } from '../configuration.ts';

type Names = ReadonlyMap<string, Credentials>;

export class WebhookUsers {
  readonly #users: Names;
  /** Of the current context: for servers that nobody is named after. */
  readonly #current: Credentials | undefined;

  constructor(users: Names, current: Credentials | undefined) {
    this.#users = users;
    this.#current = current;
  }

  /** @param server `host:port`; as it is, with a star in place of its first labels, both without the port 443, then `*` */
  for(server: string): Credentials | undefined {
    const names = server.endsWith(':443') ? [server, server.slice(0, -':443'.length)] : [server];
    const found = names.flatMap(withStars).find((name) => this.#users.has(name));
    return this.#users.get(found ?? '*') ?? this.#current;
  }
}

function withStars(name: string): string[] {
  const labels = name.split('.');
  return [name, ...labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`)];
}

/** @param config of a webhook plugin. @throws ConfigFileError, DecodeError, or what `readOther` throws */
export function webhookUsers(config: unknown, readOther: ReadOther): WebhookUsers {
  const path = readStrictly(config, (admission) => {
    admission.expectKind('apiserver.config.k8s.io', ['v1'], 'WebhookAdmissionConfiguration');
    const file = admission.string('kubeConfigFile');
    admission.expectNothingElse();
    return file;
  });
  if (path === '') return new WebhookUsers(new Map(), undefined);
  if (!path.startsWith('/')) throw new ConfigFileError('kubeConfigFile must be an absolute file path');
  const kubeconfig = new ConfigObject(readConfidentialYaml(readOther(path)));
  const read = (name: string): string => readOther(resolve(dirname(path), name));
  const users = new Map(
    kubeconfig
      .objects('users')
      .map((entry) => [entry.string('name'), credentialsOf(entry.object('user'), read)] as const),
  );
  const current = kubeconfig.string('current-context');
  const context = kubeconfig.objects('contexts').find((entry) => entry.string('name') === current);
  return new WebhookUsers(users, context && users.get(context.object('context').string('user')));
}

function credentialsOf(user: ConfigObject, read: (name: string) => string): Credentials {
  const text = (field: string): string | undefined => {
    const data = user.string(`${field}-data`);
    if (data !== '') return Buffer.from(data, 'base64').toString('utf8');
    const file = user.string(field);
    return file === '' ? undefined : read(file);
  };
  const [cert, key] = [text('client-certificate'), text('client-key')];
  const authorization = authorizationOf(user, read);
  return {
    ...(authorization ? { headers: { authorization } } : {}),
    ...(cert !== undefined && key !== undefined ? { tls: { cert, key } } : {}),
  };
}

function authorizationOf(user: ConfigObject, read: (name: string) => string): string | undefined {
  const file = user.string('tokenFile');
  const token = user.string('token') || (file === '' ? '' : read(file).trim());
  if (token !== '') return `Bearer ${token}`;
  const [name, password] = [user.string('username'), user.string('password')];
  return name + password === '' ? undefined : `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}
