/**
 * Programs that give credentials for registries: they are told of an image and answer with what opens it
 * (pkg/credentialprovider/plugin, k8s.io/kubelet/pkg/apis/credentialprovider/v1).
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { World } from '@keelson/client';
import { parseDuration } from '@keelson/component/go/duration';
import {
  type AccountData,
  accountDataOf,
  cacheKeyOf,
  type PodAccounts,
  questionOf,
  type TokenAttributes,
} from './accounts.ts';
import { covers, type PullCredentials } from './credentials.ts';

export interface ProviderConfiguration {
  /** The program's, in the folder of all. */
  readonly name: string;
  readonly matchImages: readonly string[];
  /** Where an answer does not say how long it holds. */
  readonly defaultCacheMs: number;
  /** `credentialprovider.kubelet.k8s.io/v1` */
  readonly apiVersion: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** The program is told of the account of the pod that the image is for. */
  readonly token?: TokenAttributes | undefined;
}

/** Runs a program. @param input for its stdin @returns its stdout @throws Error */
export type Run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv, input: string) => Promise<string>;

interface Response {
  readonly kind?: string;
  readonly apiVersion?: string;
  readonly cacheKeyType?: string;
  readonly cacheDuration?: string;
  readonly auth?: Readonly<Record<string, { readonly username: string; readonly password: string }>>;
}

type Auth = NonNullable<Response['auth']>;

const TIMEOUT_MS = 60_000;
const MAX_ANSWER = 1024 * 1024;
const EVERYTHING = '<global>';

export class CredentialProviders {
  readonly #providers: readonly Provider[];
  readonly #world: World;
  readonly #accounts: PodAccounts;

  /** @param directory of the programs */
  constructor(
    configurations: readonly ProviderConfiguration[],
    directory: string,
    accounts: PodAccounts,
    world: World,
    run: Run = runProgram,
  ) {
    this.#world = world;
    this.#accounts = accounts;
    this.#providers = configurations.map((each) => new Provider(each, directory, world, run));
  }

  /** What opens a repository to a pod, the closest first. One that fails is passed over. */
  async for(pod: Pod, repository: string): Promise<PullCredentials[]> {
    const found: (readonly [server: string, credentials: PullCredentials])[] = [];
    for (const provider of this.#providers) {
      if (!provider.knows(repository)) continue;
      try {
        const data = provider.token && (await accountDataOf(pod, provider.token, this.#accounts));
        if (data === 'refused') continue;
        const source = data ? { serviceAccount: data.account } : {};
        for (const [server, { username, password }] of Object.entries(await provider.ask(repository, data)))
          if (covers(server, repository)) found.push([server, { username, password, ...source }]);
      } catch (error) {
        const { name } = provider;
        this.#world.log.error({ provider: name, repository, error }, 'A provider of credentials has failed');
      }
    }
    return found.sort(([a], [b]) => b.length - a.length).map(([, credentials]) => credentials);
  }
}

class Provider {
  readonly #configuration: ProviderConfiguration;
  readonly #program: string;
  readonly #world: World;
  readonly #run: Run;
  readonly #kept = new Map<string, { readonly auth: Auth; readonly until: number }>();
  /** By repository and account: who asks for the same at once gets the same answer. */
  readonly #asking = new Map<string, Promise<Auth>>();

  constructor(configuration: ProviderConfiguration, directory: string, world: World, run: Run) {
    this.#configuration = configuration;
    this.#program = join(directory, configuration.name);
    this.#world = world;
    this.#run = run;
  }

  get name(): string {
    return this.#configuration.name;
  }

  get token(): TokenAttributes | undefined {
    return this.#configuration.token;
  }

  knows(repository: string): boolean {
    return this.#configuration.matchImages.some((each) => covers(each, repository));
  }

  async ask(repository: string, data: AccountData | undefined): Promise<Auth> {
    const now = this.#world.clock.now();
    const account = data ? cacheKeyOf(data, this.token!) : '';
    for (const [key, { until }] of this.#kept) if (until <= now) this.#kept.delete(key);
    for (const key of [repository, registryOf(repository), EVERYTHING]) {
      const kept = this.#kept.get(keyOf(key, account));
      if (kept) return kept.auth;
    }
    const question = keyOf(repository, data ? questionOf(data) : '');
    const asking = this.#asking.get(question) ?? this.#asked(repository, data, account);
    this.#asking.set(question, asking);
    return asking.finally(() => this.#asking.delete(question));
  }

  async #asked(image: string, data: AccountData | undefined, account: string): Promise<Auth> {
    const { apiVersion, args, env, defaultCacheMs } = this.#configuration;
    const own = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const told = data ? { serviceAccountToken: data.token, serviceAccountAnnotations: data.annotations } : {};
    const request = JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image, ...told });
    const answer = responseOf(await this.#run(this.#program, args, { ...process.env, ...own }, request));
    if (answer.kind !== 'CredentialProviderResponse' || answer.apiVersion !== apiVersion)
      throw new Error(`the answer is no CredentialProviderResponse of ${apiVersion}`);
    const { cacheKeyType = '', cacheDuration, auth = {} } = answer;
    const echoes = Object.values(auth).some(({ password }) => password === data?.token);
    if (echoes && this.token?.cacheType !== 'Token') throw new Error(ECHOED);
    const key = { Image: image, Registry: registryOf(image), Global: EVERYTHING }[cacheKeyType];
    if (key === undefined)
      throw new Error(`credential provider plugin did not return a valid cacheKeyType: ${cacheKeyType}`);
    const keptMs = cacheDuration === undefined ? defaultCacheMs : parseDuration(cacheDuration);
    if (keptMs > 0) this.#kept.set(keyOf(key, account), { auth, until: this.#world.clock.now() + keptMs });
    return auth;
  }
}

/** @throws Error that quotes nothing: a parser's own would, and there are passwords in it */
function responseOf(output: string): Response {
  try {
    return JSON.parse(output) as Response;
  } catch {
    throw new Error('the answer of the credential provider plugin is no JSON');
  }
}

const ECHOED =
  "credential provider plugin returned the service account token as the password which is not allowed when service account cache type is not set to 'Token'";

const keyOf = (what: string, account: string) => JSON.stringify([what, account]);

const registryOf = (repository: string) => repository.split('/')[0]!;

const runProgram: Run = (program, args, env, input) =>
  new Promise((resolve, reject) => {
    const options = { env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL', maxBuffer: MAX_ANSWER } as const;
    // What it was told and what it says is nobody else's: neither is in the error.
    const child = execFile(program, args, options, (error, stdout) => {
      if (error) reject(new Error(`error execing credential provider plugin: ${error.code ?? error.signal}`));
      else resolve(stdout);
    });
    child.stdin!.on('error', () => {});
    child.stdin!.end(input);
  });
