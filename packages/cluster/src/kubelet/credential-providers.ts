/** The file of `--image-credential-provider-config` (kubelet.config.k8s.io/v1 CredentialProviderConfig). */
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import type { ProviderConfiguration } from '@keelson/kubelet/images/providers';
import { durationOf, readComponentConfig } from '../component-config.ts';
import { StartupError } from '../startup-error.ts';

interface File {
  readonly providers?: readonly {
    readonly name?: string;
    readonly matchImages?: readonly string[];
    readonly defaultCacheDuration?: string;
    readonly apiVersion?: string;
    readonly args?: readonly string[];
    readonly env?: readonly { readonly name: string; readonly value: string }[];
    readonly tokenAttributes?: object;
  }[];
}

export interface Providers {
  readonly directory: string;
  readonly configurations: readonly ProviderConfiguration[];
}

const API = 'credentialprovider.kubelet.k8s.io/';
const API_VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `${API}${version}`);

/** @returns undefined where the flags name none. @throws StartupError for a file that makes no sense, and programs that are not there */
export async function credentialProviders(file: string, directory: string): Promise<Providers | undefined> {
  if (file === '') return undefined;
  const { providers = [] } = await readComponentConfig<File>(
    file,
    'kubelet.config.k8s.io/v1',
    'CredentialProviderConfig',
  );
  const problems = providers.length === 0 ? ['providers: Required value: at least 1 item in plugins is required'] : [];
  const seen = new Set<string>();
  for (const [i, each] of providers.entries()) {
    problems.push(...problemsOf(each, seen).map((problem) => `providers[${i}].${problem}`));
    seen.add(each.name ?? '');
  }
  if (problems.length > 0) throw refusal(`failed to validate credential provider config: ${problems.join(', ')}`);
  for (const { name } of providers) checkProgram(join(directory, name!));
  const configurations = providers.map(({ name, matchImages, defaultCacheDuration, apiVersion, args, env }) => ({
    name: name!,
    matchImages: matchImages!,
    defaultCacheMs: durationOf(defaultCacheDuration!),
    apiVersion: apiVersion!,
    args: args ?? [],
    env: env ?? [],
  }));
  return { directory, configurations };
}

function* named(name: string, seen: ReadonlySet<string>): Iterable<string> {
  const invalid = (why: string) => `name: Invalid value: ${JSON.stringify(name)}: provider name ${why}`;
  if (name.includes('/')) yield invalid("cannot contain '/'");
  if (name.includes(' ')) yield invalid('cannot contain spaces');
  if (name === '.' || name === '..') yield invalid(`cannot be '${name}'`);
  if (seen.has(name)) yield `name: Duplicate value: ${JSON.stringify(name)}`;
}

function problemsOf(provider: NonNullable<File['providers']>[number], seen: ReadonlySet<string>): string[] {
  const { name = '', matchImages = [], defaultCacheDuration, apiVersion, tokenAttributes } = provider;
  const problems = [...named(name, seen)];
  if (apiVersion === undefined) problems.push('apiVersion: Required value');
  else if (!API_VERSIONS.includes(apiVersion)) problems.push(`apiVersion: Unsupported value: "${apiVersion}"`);
  if (matchImages.length === 0)
    problems.push('matchImages: Required value: at least 1 item in matchImages is required');
  if (defaultCacheDuration === undefined) problems.push('defaultCacheDuration: Required value');
  else if (durationOf(defaultCacheDuration) < 0)
    problems.push('defaultCacheDuration: Invalid value: must be greater than or equal to 0');
  if (tokenAttributes) problems.push('tokenAttributes: tokens of service accounts are not given to providers here');
  return problems;
}

function checkProgram(path: string): void {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    throw refusal(`plugin binary executable ${path} did not exist`);
  }
}

function refusal(what: string): StartupError {
  return new StartupError(what, 'correct --image-credential-provider-config and --image-credential-provider-bin-dir');
}
