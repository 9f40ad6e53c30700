/** EncryptionConfiguration, apiserver.config.k8s.io/v1: which resources are encrypted, and by what. */
import type { GroupResource } from '@keelson/api/errors';
import type { ConfigObject } from '@keelson/component/configfile';

export interface Key {
  readonly name: string;
  /** In base64. */
  readonly secret: string;
}

export interface KmsConfiguration {
  readonly apiVersion: string;
  /** Of stored values, too: what another provider has encrypted is not read. */
  readonly name: string;
  /** Of version 1 alone. */
  readonly cacheSize: number | undefined;
  /** `unix:///run/kms.sock` */
  readonly endpoint: string;
  readonly timeoutMs: number;
}

/** One of them is there, where the configuration is valid. */
export interface ProviderConfiguration {
  readonly aesgcm: readonly Key[] | undefined;
  readonly aescbc: readonly Key[] | undefined;
  readonly secretbox: readonly Key[] | undefined;
  readonly identity: boolean;
  readonly kms: KmsConfiguration | undefined;
}

export interface ResourceConfiguration {
  /** `secrets`, `deployments.apps`, `*.`, `*.apps`, `*.*` */
  readonly resources: readonly string[];
  /** The first one encrypts, all decrypt. */
  readonly providers: readonly ProviderConfiguration[];
}

const DEFAULT_TIMEOUT_MS = 3_000;
const DEFAULT_CACHE_SIZE = 1_000;

/** Reads the file strictly and fills in defaults; nothing is validated yet. @throws ConfigFileError */
export function readConfiguration(file: ConfigObject): ResourceConfiguration[] {
  file.expectKind('apiserver.config.k8s.io', ['v1'], 'EncryptionConfiguration');
  const resources = file.objects('resources').map((item) => {
    const read = { resources: item.strings('resources'), providers: item.objects('providers').map(readProvider) };
    item.expectNothingElse();
    return read;
  });
  file.expectNothingElse();
  return resources;
}

function readProvider(item: ConfigObject): ProviderConfiguration {
  const part = <T>(name: string, read: (part: ConfigObject) => T): T | undefined => {
    if (item.raw(name) === undefined || item.raw(name) === null) return undefined;
    const object = item.object(name);
    const result = read(object);
    object.expectNothingElse();
    return result;
  };
  const provider = {
    aesgcm: part('aesgcm', readKeys),
    aescbc: part('aescbc', readKeys),
    secretbox: part('secretbox', readKeys),
    identity: part('identity', () => true) ?? false,
    kms: part('kms', readKms),
  };
  item.expectNothingElse();
  return provider;
}

function readKeys(item: ConfigObject): Key[] {
  return item.objects('keys').map((key) => {
    const read = { name: key.string('name'), secret: key.string('secret') };
    key.expectNothingElse();
    return read;
  });
}

function readKms(item: ConfigObject): KmsConfiguration {
  const apiVersion = item.string('apiVersion') || 'v1';
  const given =
    item.raw('cachesize') === undefined || item.raw('cachesize') === null ? undefined : item.integer('cachesize');
  return {
    apiVersion,
    name: item.string('name'),
    cacheSize: given ?? (apiVersion === 'v1' ? DEFAULT_CACHE_SIZE : undefined),
    endpoint: item.string('endpoint'),
    timeoutMs: item.duration('timeout', DEFAULT_TIMEOUT_MS),
  };
}

/** `deployments.apps` as its parts. */
export function parseGroupResource(text: string): GroupResource {
  const dot = text.indexOf('.');
  return dot < 0 ? { group: '', resource: text } : { group: text.slice(dot + 1), resource: text.slice(0, dot) };
}
