/**
 * Programs that give credentials for registries: they are told of an image and answer with what opens it
 * (pkg/credentialprovider/plugin, k8s.io/kubelet/pkg/apis/credentialprovider/v1).
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import type { World } from '@keelson/client';
import { parseDuration } from '@keelson/component/go/duration';
import type { ImageCredentials } from '../runtime/images.ts';
import { covers } from './credentials.ts';

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

  /** @param directory of the programs */
  constructor(
    configurations: readonly ProviderConfiguration[],
    directory: string,
    world: World,
    run: Run = runProgram,
  ) {
    this.#world = world;
    this.#providers = configurations.map((each) => new Provider(each, directory, world, run));
  }

  /** What opens a repository, the closest first. One that fails is passed over. */
  async for(repository: string): Promise<ImageCredentials[]> {
    const found: (readonly [server: string, credentials: ImageCredentials])[] = [];
    for (const provider of this.#providers) {
      if (!provider.knows(repository)) continue;
      try {
        for (const [server, { username, password }] of Object.entries(await provider.ask(repository)))
          if (covers(server, repository)) found.push([server, { username, password }]);
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
  /** By repository: who asks for the same at once gets the same answer. */
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

  knows(repository: string): boolean {
    return this.#configuration.matchImages.some((each) => covers(each, repository));
  }

  async ask(repository: string): Promise<Auth> {
    const now = this.#world.clock.now();
    for (const [key, { until }] of this.#kept) if (until <= now) this.#kept.delete(key);
    for (const key of [repository, registryOf(repository), EVERYTHING]) {
      const kept = this.#kept.get(key);
      if (kept) return kept.auth;
    }
    const asking = this.#asking.get(repository) ?? this.#asked(repository);
    this.#asking.set(repository, asking);
    return asking.finally(() => this.#asking.delete(repository));
  }

  async #asked(image: string): Promise<Auth> {
    const { apiVersion, args, env, defaultCacheMs } = this.#configuration;
    const own = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    const request = JSON.stringify({ kind: 'CredentialProviderRequest', apiVersion, image });
    const answer = JSON.parse(await this.#run(this.#program, args, { ...process.env, ...own }, request)) as Response;
    if (answer.kind !== 'CredentialProviderResponse' || answer.apiVersion !== apiVersion)
      throw new Error(`the answer is no CredentialProviderResponse of ${apiVersion}`);
    const { cacheKeyType = '', cacheDuration, auth = {} } = answer;
    const key = { Image: image, Registry: registryOf(image), Global: EVERYTHING }[cacheKeyType];
    if (key === undefined)
      throw new Error(`credential provider plugin did not return a valid cacheKeyType: ${cacheKeyType}`);
    const keptMs = cacheDuration === undefined ? defaultCacheMs : parseDuration(cacheDuration);
    if (keptMs > 0) this.#kept.set(key, { auth, until: this.#world.clock.now() + keptMs });
    return auth;
  }
}

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
