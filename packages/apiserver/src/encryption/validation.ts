/** What an EncryptionConfiguration may say (apiserver/pkg/apis/apiserver/validation/validation_encryption.go). */
import type { GroupResource } from '@keelson/api/errors';
import {
  type FieldError,
  GoValue,
  goJSON,
  invalid,
  type Path,
  Path as Paths,
  quote,
  required,
} from '@keelson/api/field';
import { formatDuration } from '@keelson/component/go/duration';
import {
  type Key,
  type KmsConfiguration,
  type ProviderConfiguration,
  parseGroupResource,
  type ResourceConfiguration,
} from './configuration.ts';

/** In bytes. */
const AES_KEYS = [16, 24, 32];
const SECRETBOX_KEYS = [32];

/** What is stored without being a resource of the API. */
const NOT_RESOURCES = new Set(['apiserveripinfo', 'serviceipallocations', 'servicenodeportallocations']);

/** @param isReloadable whether the file may be read again while the server runs. @returns everything that is wrong */
export function* validateConfiguration(
  resources: readonly ResourceConfiguration[],
  isReloadable: boolean,
): Iterable<FieldError> {
  const root = Paths.of('resources');
  if (resources.length === 0) yield required(root, `at least one ${root} is required`);
  const kmsNames = new Set<string>();
  for (const [i, { resources: names, providers }] of resources.entries()) {
    const [atNames, atProviders] = [root.index(i).child('resources'), root.index(i).child('providers')];
    if (names.length === 0) yield required(atNames, `at least one ${atNames} is required`);
    yield* overlaps(names, atNames);
    for (const [j, name] of names.entries()) {
      const problem = problemOfName(name);
      if (problem !== undefined) yield invalid(atNames.index(j), name, problem);
    }
    if (providers.length === 0) yield required(atProviders, `at least one ${atProviders} is required`);
    for (const [j, provider] of providers.entries()) {
      yield* validateProvider(provider, atProviders.index(j), kmsNames, isReloadable);
    }
  }
}

function* overlaps(names: readonly string[], path: Path): Iterable<FieldError> {
  if (new Set(names.map((name) => asText(parseGroupResource(name)))).size < names.length) {
    yield invalid(path, names, 'the same resource cannot be specified multiple times');
  }
  const parsed = names.map(parseGroupResource);
  if (parsed.some((a, i) => parsed.some((b, j) => i !== j && masks(a, b)))) {
    const problem =
      "using overlapping resources such as 'secrets' and '*.' in the same resource list is not allowed as they will be masked";
    yield invalid(path, names, problem);
  }
}

const asText = ({ group, resource }: GroupResource) => `${resource}.${group}`;
const isEverything = ({ group, resource }: GroupResource) => group === '*' && resource === '*';

/** Whether one of the two hides the other. */
function masks(a: GroupResource, b: GroupResource): boolean {
  return isEverything(a) || (a.group === b.group && (a.resource === '*' || b.resource === '*'));
}

function problemOfName(name: string): string | undefined {
  const { group, resource } = parseGroupResource(name);
  if (name.toLowerCase() !== name) return 'resource name should not contain capital letters';
  if (name === '*') return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all resources";
  if (NOT_RESOURCES.has(name)) return 'resources which do not have REST API/s cannot be encrypted';
  if (group === 'events.k8s.io')
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use 'events' instead in the config file";
  if (group === 'extensions') return "'extensions' group has been removed and cannot be used for encryption";
  if (group === '*' && resource !== '*') return 'encrypting the same resource across groups is not supported';
  return undefined;
}

function* validateProvider(
  provider: ProviderConfiguration,
  path: Path,
  kmsNames: Set<string>,
  isReloadable: boolean,
): Iterable<FieldError> {
  const { aesgcm, aescbc, secretbox, kms, identity } = provider;
  const count = [kms, aesgcm, aescbc, secretbox, identity || undefined].filter((part) => part !== undefined).length;
  if (count === 0) {
    const problem = 'provider does not contain any of the expected providers: KMS, AESGCM, AESCBC, Secretbox, Identity';
    yield invalid(path, shown(provider), problem);
  }
  if (count > 1) {
    const problem = 'more than one provider specified in a single element, should split into different list elements';
    yield invalid(path, shown(provider), problem);
  }
  if (kms) {
    yield* validateKms(kms, path.child('kms'), kmsNames, isReloadable);
    kmsNames.add(kms.name);
  } else if (aesgcm) yield* validateKeys(aesgcm, path.child('aesgcm', 'keys'), AES_KEYS);
  else if (aescbc) yield* validateKeys(aescbc, path.child('aescbc', 'keys'), AES_KEYS);
  else if (secretbox) yield* validateKeys(secretbox, path.child('secretbox', 'keys'), SECRETBOX_KEYS);
}

function* validateKeys(keys: readonly Key[], path: Path, lengths: readonly number[]): Iterable<FieldError> {
  if (keys.length === 0) yield required(path, 'at least one keys is required');
  for (const [i, { name, secret }] of keys.entries()) {
    const at = path.index(i);
    if (name === '') yield required(at.child('name'), 'name is a mandatory field for a key');
    const problem = secret === '' ? undefined : problemOfSecret(secret, lengths);
    if (secret === '') yield required(at.child('secret'), 'secret is a mandatory field for a key');
    else if (problem !== undefined) yield invalid(at.child('secret'), 'REDACTED', problem);
  }
}

function problemOfSecret(secret: string, lengths: readonly number[]): string | undefined {
  const bytes = decodeSecret(secret);
  if (!bytes) return 'secrets must be base64 encoded';
  if (lengths.includes(bytes.length)) return undefined;
  return `secret is not of the expected length, got ${bytes.length}, expected one of [${lengths.join(' ')}]`;
}

/** As Go's StdEncoding reads it, which skips ends of lines. @returns undefined for what is no base64 */
export function decodeSecret(secret: string): Buffer | undefined {
  const text = secret.replace(/[\r\n]/g, '');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function* validateKms(
  { apiVersion, name, cacheSize, endpoint, timeoutMs }: KmsConfiguration,
  path: Path,
  others: ReadonlySet<string>,
  isReloadable: boolean,
): Iterable<FieldError> {
  const isV1 = apiVersion === 'v1';
  const atName = path.child('name');
  if (name === '') yield required(atName, 'name is a mandatory field for a provider');
  if (!isV1 && name.includes(':')) {
    yield invalid(atName, name, `invalid KMS provider name ${name}, must not contain ':'`);
  }
  if ((isReloadable || !isV1) && others.has(name)) {
    yield invalid(atName, name, `duplicate KMS provider name ${name}, names must be unique`);
  }
  if (timeoutMs <= 0) {
    yield invalid(path.child('timeout'), formatDuration(timeoutMs), 'timeout should be a positive value');
  }
  const problem = problemOfEndpoint(endpoint);
  if (problem !== undefined) yield invalid(path.child('endpoint'), endpoint, problem);
  const atSize = path.child('cachesize');
  if (!isV1 && cacheSize !== undefined) yield invalid(atSize, cacheSize, 'cachesize is not supported in v2');
  if (isV1 && cacheSize === 0) {
    yield invalid(atSize, cacheSize, 'cachesize should be a positive value, or negative to disable');
  }
  if (!isV1 && apiVersion !== 'v2') {
    const unsupported = 'unsupported apiVersion apiVersion for KMS provider, only v1 and v2 are supported';
    yield invalid(path.child('apiVersion'), apiVersion, unsupported);
  }
}

function problemOfEndpoint(endpoint: string): string | undefined {
  if (endpoint === '') return 'endpoint is a mandatory field for a kms';
  if (endpoint.startsWith(':'))
    return `invalid endpoint for kms provider, error: parse ${quote(endpoint)}: missing protocol scheme`;
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(endpoint)?.[1]?.toLowerCase() ?? '';
  return scheme === 'unix' ? undefined : `unsupported scheme "${scheme}" for KMS provider, only unix is supported`;
}

/** In the form of upstream's messages, but without the secrets that those give away. */
function shown({ aesgcm, aescbc, secretbox, identity, kms }: ProviderConfiguration): GoValue {
  const keys = (list: readonly Key[] | undefined) =>
    list ? { Keys: list.map(({ name }) => ({ Name: name, Secret: 'REDACTED' })) } : null;
  return new GoValue(
    goJSON({
      AESGCM: keys(aesgcm),
      AESCBC: keys(aescbc),
      Secretbox: keys(secretbox),
      Identity: identity ? {} : null,
      KMS: kms
        ? {
            APIVersion: kms.apiVersion,
            Name: kms.name,
            CacheSize: kms.cacheSize ?? null,
            Endpoint: kms.endpoint,
            Timeout: formatDuration(kms.timeoutMs),
          }
        : null,
    }),
  );
}
