/** The file, or folder of files, of `--image-credential-provider-config` (kubelet.config.k8s.io/v1 CredentialProviderConfig). */
import { accessSync, constants } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { IsEnabled } from '@keelson/kubelet/gates';
import type { ProviderConfiguration } from '@keelson/kubelet/images/providers';
import { durationOf, readComponentConfig } from '../component-config.ts';
import { StartupError } from '../startup-error.ts';
import { type TokenAttributesFile, tokenAttributeProblems, tokenAttributesOf } from './token-attributes.ts';

interface File {
  readonly providers?: readonly {
    readonly name?: string;
    readonly matchImages?: readonly string[];
    readonly defaultCacheDuration?: string;
    readonly apiVersion?: string;
    readonly args?: readonly string[];
    readonly env?: readonly { readonly name: string; readonly value: string }[];
    readonly tokenAttributes?: TokenAttributesFile;
  }[];
}

export interface Providers {
  readonly directory: string;
  readonly configurations: readonly ProviderConfiguration[];
}

const TOKEN_GATE = 'KubeletServiceAccountTokenForCredentialProviders';
const API = 'credentialprovider.kubelet.k8s.io/';
const API_VERSIONS = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `${API}${version}`);

/** @returns undefined where the flags name none. @throws StartupError for a file that makes no sense, and programs that are not there */
export async function credentialProviders(
  path: string,
  directory: string,
  isEnabled: IsEnabled,
): Promise<Providers | undefined> {
  if (path === '') return undefined;
  const providers = await providersIn(path);
  const problems = providers.length === 0 ? ['providers: Required value: at least 1 item in plugins is required'] : [];
  const seen = new Set<string>();
  for (const [i, each] of providers.entries()) {
    problems.push(...problemsOf(each, seen, isEnabled).map((problem) => `providers[${i}].${problem}`));
    seen.add(each.name ?? '');
  }
  if (problems.length > 0) throw refusal(`failed to validate credential provider config: ${problems.join(', ')}`);
  for (const { name } of providers) checkProgram(join(directory, name!));
  const configurations = providers.map(({ name, matchImages, defaultCacheDuration, apiVersion, ...rest }) => ({
    name: name!,
    matchImages: matchImages!,
    defaultCacheMs: durationOf(defaultCacheDuration!),
    apiVersion: apiVersion!,
    args: rest.args ?? [],
    env: rest.env ?? [],
    ...(rest.tokenAttributes ? { token: tokenAttributesOf(rest.tokenAttributes) } : {}),
  }));
  return { directory, configurations };
}

/** Of a folder, those of all its files, by name. */
async function providersIn(path: string): Promise<NonNullable<File['providers']>> {
  const files = await filesOf(path);
  if (files.length === 0) throw refusal(`no configuration files found in directory ${JSON.stringify(path)}`);
  const read = (file: string) =>
    readComponentConfig<File>(file, 'kubelet.config.k8s.io/v1', 'CredentialProviderConfig');
  return (await Promise.all(files.map(read))).flatMap(({ providers = [] }) => providers);
}

async function filesOf(path: string): Promise<string[]> {
  try {
    const entries = await readdir(path, { withFileTypes: true });
    const wanted = entries.filter((entry) => !entry.isDirectory() && /\.(json|yaml|yml)$/.test(entry.name));
    return wanted.map(({ name }) => join(path, name)).sort();
  } catch {
    return [path];
  }
}

function* named(name: string, seen: ReadonlySet<string>): Iterable<string> {
  const invalid = (why: string) => `name: Invalid value: ${JSON.stringify(name)}: provider name ${why}`;
  if (name.includes('/')) yield invalid("cannot contain '/'");
  if (name.includes(' ')) yield invalid('cannot contain spaces');
  if (name === '.' || name === '..') yield invalid(`cannot be '${name}'`);
  if (seen.has(name)) yield `name: Duplicate value: ${JSON.stringify(name)}`;
}

function problemsOf(
  provider: NonNullable<File['providers']>[number],
  seen: ReadonlySet<string>,
  isEnabled: IsEnabled,
): string[] {
  const { name = '', matchImages = [], defaultCacheDuration, apiVersion, tokenAttributes } = provider;
  const problems = [...named(name, seen)];
  if (apiVersion === undefined) problems.push('apiVersion: Required value');
  else if (!API_VERSIONS.includes(apiVersion)) problems.push(`apiVersion: Unsupported value: "${apiVersion}"`);
  if (matchImages.length === 0)
    problems.push('matchImages: Required value: at least 1 item in matchImages is required');
  if (defaultCacheDuration === undefined) problems.push('defaultCacheDuration: Required value');
  else if (durationOf(defaultCacheDuration) < 0)
    problems.push('defaultCacheDuration: Invalid value: must be greater than or equal to 0');
  if (tokenAttributes && !isEnabled(TOKEN_GATE))
    problems.push(
      `tokenAttributes: Forbidden: tokenAttributes is not supported when ${TOKEN_GATE} feature gate is disabled`,
    );
  if (tokenAttributes) problems.push(...tokenAttributeProblems(tokenAttributes, apiVersion));
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
