/**
 * A user whom a program has credentials for, as kubeconfigs name it (client-go/plugin/pkg/client/auth/exec): a token, a
 * certificate, or both. The program is asked when one is needed and the last has ended or was refused; it has no terminal to ask on.
 */
import { execFile } from 'node:child_process';
import { isAbsolute, resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Clock } from '@keelson/api/clock';
import type { KeyPair } from './tls.ts';

export interface ExecConfig {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the program is told of the cluster, where it wants to know. */
  readonly cluster?: object | undefined;
}

/** As it stands in a kubeconfig. */
export interface ExecEntry {
  apiVersion?: string;
  command?: string;
  args?: string[] | null;
  env?: { name?: string; value?: string }[] | null;
  interactiveMode?: string;
  provideClusterInfo?: boolean;
}

const GROUP = 'client.authentication.k8s.io';
const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`];
const MODES = ['Never', 'IfAvailable', 'Always'];
const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * @param user its name, for what is wrong
 * @param directory what a command with a slash in it is relative to
 * @throws Error
 */
export function execConfigOf(entry: ExecEntry, user: string, directory: string, cluster: object): ExecConfig {
  const { apiVersion = '', command = '', args, env, provideClusterInfo = false } = entry;
  const missing = (what: string): Error =>
    new Error(`${what} must be specified for ${user} to use exec authentication plugin`);
  if (command === '') throw missing('command');
  if (apiVersion === '') throw missing('apiVersion');
  if (!VERSIONS.includes(apiVersion)) throw new Error(`exec plugin: invalid apiVersion ${JSON.stringify(apiVersion)}`);
  const variables = (env ?? []).map(({ name = '', value = '' }) => {
    if (name === '') throw missing('env variable name');
    return [name, value] as const;
  });
  const mode = entry.interactiveMode ?? (apiVersion === VERSIONS[0] ? '' : 'IfAvailable');
  if (mode === '') throw missing('interactiveMode');
  if (!MODES.includes(mode)) throw new Error(`invalid interactiveMode for ${user}: ${JSON.stringify(mode)}`);
  if (mode === 'Always') throw new Error('exec plugin cannot support interactive mode: standard input is unavailable');
  const isPath = command.includes('/') && !isAbsolute(command);
  return {
    apiVersion,
    command: isPath ? resolve(directory, command) : command,
    args: args ?? [],
    env: Object.fromEntries(variables),
    cluster: provideClusterInfo ? cluster : undefined,
  };
}

interface Credential {
  /** Empty: the certificate has to do. */
  readonly token: string;
  readonly pair: KeyPair | undefined;
  /** In milliseconds; undefined: it holds until it is refused. */
  readonly endsAt: number | undefined;
}

/** The credentials of one user. Who asks at once is told the same. */
export class ExecCredentials {
  readonly #config: ExecConfig;
  readonly #clock: Clock;
  #current: Promise<Credential> | undefined;

  constructor(config: ExecConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** @returns the token, empty where there is none. @throws Error `getting credentials: …` */
  async get(): Promise<string> {
    return (await this.#credential()).token;
  }

  /** The certificate and its key, if it has them. @throws Error `getting credentials: …` */
  async pair(): Promise<KeyPair | undefined> {
    return (await this.#credential()).pair;
  }

  /** The last ones were refused: the program is asked again. */
  distrust(): void {
    this.#current = undefined;
  }

  async #credential(): Promise<Credential> {
    this.#current ??= this.#ask();
    const asked = this.#current;
    const credential = await asked;
    if (credential.endsAt === undefined || this.#clock.now() < credential.endsAt) return credential;
    if (this.#current === asked) this.#current = undefined;
    this.#current ??= this.#ask();
    return this.#current;
  }

  #ask(): Promise<Credential> {
    const asking = run(this.#config)
      .then((output) => credentialOf(output, this.#config.apiVersion))
      .catch((error: unknown) => {
        if (this.#current === asking) this.#current = undefined;
        throw new Error(`getting credentials: ${(error as Error).message}`);
      });
    return asking;
  }
}

/** Its standard output. What it says of its failures is not kept: it may hold secrets. */
function run({ apiVersion, command, args, env, cluster }: ExecConfig): Promise<string> {
  const info = { kind: 'ExecCredential', apiVersion, spec: { ...(cluster ? { cluster } : {}), interactive: false } };
  const options = {
    env: { ...process.env, ...env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
  };
  return new Promise((done, fail) => {
    const child = execFile(command, args, options, (error, stdout) => {
      if (!error) done(stdout);
      else if (error.code === 'ENOENT') fail(new Error(`exec: executable ${command} not found`));
      else if (typeof error.code === 'number')
        fail(new Error(`exec: executable ${command} failed with exit code ${error.code}`));
      else fail(new Error(`exec: ${error.killed ? `executable ${command} was ended` : String(error.code)}`));
    });
    child.stdin?.end();
  });
}

/** @throws Error */
function credentialOf(output: string, apiVersion: string): Credential {
  const { kind, apiVersion: said, status } = decoded(output);
  if (kind !== 'ExecCredential' || said !== apiVersion)
    throw new Error(
      `exec plugin is configured to use API version ${apiVersion}, plugin returned version ${said ?? ''}`,
    );
  if (!status) throw new Error("exec plugin didn't return a status field");
  const { token = '', clientCertificateData: certificate = '', clientKeyData: key = '', expirationTimestamp } = status;
  if (!token && !certificate && !key) throw new Error("exec plugin didn't return a token or cert/key pair");
  if (!certificate !== !key) throw new Error('exec plugin returned only certificate or key, not both');
  const endsAt = expirationTimestamp ? Date.parse(expirationTimestamp) : Number.NaN;
  return { token, pair: pairOf(certificate, key), endsAt: Number.isNaN(endsAt) ? undefined : endsAt };
}

/** @throws Error for what is no certificate, or not with that key */
function pairOf(certificate: string, key: string): KeyPair | undefined {
  if (!certificate) return undefined;
  try {
    createSecureContext({ cert: certificate, key });
  } catch {
    // What the library says may quote the key.
    throw new Error('failed parsing client key/certificate: they are no pair in PEM');
  }
  return { certificate, key };
}

interface ExecCredential {
  kind?: string;
  apiVersion?: string;
  status?: { token?: string; clientCertificateData?: string; clientKeyData?: string; expirationTimestamp?: string };
}

function decoded(output: string): ExecCredential {
  try {
    return (JSON.parse(output) as ExecCredential | null) ?? {};
  } catch {
    throw new Error('decoding stdout: it is no JSON');
  }
}
