/**
 * /healthz, /livez and /readyz with the checks that components add (apiserver/pkg/server/healthz). Answers say which
 * check failed but not why: the paths are public. Why goes to the log, and to the path of the check itself.
 */
import { type Answer, type PathRequest, pageNotFound, textAnswer } from '../http/answer.ts';
import { type BootHook, hookCheckName, rankOfCheck } from './order.ts';

const ENDPOINTS = ['healthz', 'livez', 'readyz'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

export interface HealthCheck {
  readonly name: string;
  /** `?exclude=` with this name leaves the check out too. */
  readonly group?: string;
  /** Throws (or rejects) with what is wrong. */
  check(): void | Promise<void>;
}

export interface HealthOptions {
  /** Milliseconds since some start that never goes backwards. */
  readonly now: () => number;
  /** Those that have the check `ping` from the start; by default all. */
  readonly pinged?: readonly Endpoint[];
  /** `--livez-grace-period`: for so long /livez does not mind boot hooks that have not finished. */
  readonly livezGraceMs?: number;
  /** Told of every check that ran (the metrics /metrics/slis). */
  readonly onResult?: (check: string, endpoint: Endpoint, healthy: boolean) => void;
  /** Told of every answer that is not 200, with the reasons that the answer withholds. */
  readonly onFailure?: (endpoint: Endpoint, reasons: readonly { check: string; reason: string }[]) => void;
}

type Outcome = { readonly check: HealthCheck; readonly excludedBy?: string; readonly failure?: string };

export class HealthChecks {
  readonly #checks: Readonly<Record<Endpoint, HealthCheck[]>> = { healthz: [], livez: [], readyz: [] };
  readonly #options: HealthOptions;
  readonly #startedAt: number;
  readonly #unfinished = new Set<BootHook>();

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#startedAt = options.now();
    this.add({ name: 'ping', check() {} }, options.pinged);
  }

  /** Adds a check, in its place among those that kube-apiserver has. A second one of the same name replaces the first. */
  add(check: HealthCheck, endpoints: readonly Endpoint[] = ENDPOINTS): void {
    for (const endpoint of endpoints) {
      const checks = this.#checks[endpoint];
      const at = checks.findIndex((c) => c.name === check.name);
      if (at >= 0) checks.splice(at, 1);
      checks.push(check);
      checks.sort((a, b) => rankOfCheck(a.name) - rankOfCheck(b.name));
    }
  }

  /**
   * Adds the check `poststarthook/<name>`, which fails until the function returned is called; `add` for what may fail
   * later.
   */
  addBootHook(hook: BootHook): () => void {
    const finish = this.reserveBootHook(hook);
    this.#unfinished.add(hook);
    return () => {
      finish();
      this.#unfinished.delete(hook);
    };
  }

  /** The same for one that nobody works on: it is not among those that are `unfinished`. */
  reserveBootHook(hook: BootHook): () => void {
    let isFinished = false;
    const check = () => {
      if (!isFinished) throw new Error('not finished');
    };
    const name = hookCheckName(hook);
    this.add({ name, check }, ['healthz', 'readyz']);
    const checkAfterGrace = () => {
      if (this.#isGraceOver()) check();
    };
    this.add({ name, check: checkAfterGrace }, ['livez']);
    return () => {
      isFinished = true;
    };
  }

  /** What somebody works on that the server waits for. */
  get unfinished(): readonly BootHook[] {
    return [...this.#unfinished];
  }

  /** What GET / lists: the three endpoints and their checks. */
  paths(): string[] {
    return ENDPOINTS.flatMap((e) => [`/${e}`, ...this.#checks[e].map((check) => `/${e}/${check.name}`)]);
  }

  /** Any method will do. Undefined for other paths than those of the endpoints. */
  async serve({ path, query }: Pick<PathRequest, 'path' | 'query'>): Promise<Answer | undefined> {
    const [, root, ...rest] = path.split('/');
    const endpoint = ENDPOINTS.find((e) => e === root);
    if (!endpoint) return undefined;
    if (rest.length === 0) return this.#serveAll(endpoint, query);
    const check = this.#checks[endpoint].find((c) => c.name === rest.join('/'));
    return check ? serveOne(check) : pageNotFound();
  }

  async #serveAll(endpoint: Endpoint, query: URLSearchParams): Promise<Answer> {
    const excluded = new Set(query.getAll('exclude'));
    const outcomes = await this.#run(endpoint, excluded);
    const failures = outcomes.flatMap((o) =>
      o.failure === undefined ? [] : { check: o.check.name, reason: o.failure },
    );
    if (failures.length > 0) {
      this.#options.onFailure?.(endpoint, failures);
      return textAnswer(500, `${report(outcomes, excluded)}${endpoint} check failed\n`);
    }
    return textAnswer(200, query.has('verbose') ? `${report(outcomes, excluded)}${endpoint} check passed\n` : 'ok');
  }

  #run(endpoint: Endpoint, excluded: ReadonlySet<string>): Promise<Outcome[]> {
    return Promise.all(
      this.#checks[endpoint].map(async (check) => {
        const excludedBy = [check.name, check.group].find((name) => name !== undefined && excluded.has(name));
        if (excludedBy !== undefined) return { check, excludedBy };
        const failure = await failureOf(check);
        this.#options.onResult?.(check.name, endpoint, failure === undefined);
        return failure === undefined ? { check } : { check, failure };
      }),
    );
  }

  #isGraceOver(): boolean {
    return this.#options.now() - this.#startedAt > (this.#options.livezGraceMs ?? 0);
  }
}

function report(outcomes: readonly Outcome[], excluded: ReadonlySet<string>): string {
  const used = new Set(outcomes.map((o) => o.excludedBy));
  const unknown = [...excluded].filter((name) => !used.has(name)).sort();
  const lines = outcomes.map(line);
  if (unknown.length > 0) {
    const names = unknown.map((name) => JSON.stringify(name)).join(',');
    lines.push(`warn: some health checks cannot be excluded: no matches for ${names}\n`);
  }
  return lines.join('');
}

function line({ check, excludedBy, failure }: Outcome): string {
  if (failure !== undefined) return `[-]${check.name} failed: reason withheld\n`;
  if (excludedBy === undefined) return `[+]${check.name} ok\n`;
  return `[+]${check.name} excluded${excludedBy === check.name ? '' : ` with ${excludedBy}`}: ok\n`;
}

async function serveOne(check: HealthCheck): Promise<Answer> {
  const failure = await failureOf(check);
  if (failure !== undefined) return textAnswer(500, `internal server error: ${failure}\n`);
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: 'ok' };
}

async function failureOf(check: HealthCheck): Promise<string | undefined> {
  try {
    await check.check();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
