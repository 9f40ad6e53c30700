/** Plugins that are timed: the same, each call measured (pkg/scheduler/framework/runtime/framework.go). */
import { type Plugin, SKIP } from './plugin.ts';
import { UNSIGNABLE } from './signature.ts';

/** By the method, the place's name in metrics. */
const PLACES = {
  preEnqueue: 'PreEnqueue',
  sign: 'Sign',
  preFilter: 'PreFilter',
  podAdded: 'PreFilterExtensionAddPod',
  podRemoved: 'PreFilterExtensionRemovePod',
  filter: 'Filter',
  postFilter: 'PostFilter',
  preScore: 'PreScore',
  score: 'Score',
  normalize: 'ScoreExtensionNormalize',
  reserve: 'Reserve',
  unreserve: 'Unreserve',
  permit: 'Permit',
  hasPreBind: 'PreBindPreFlight',
  preBind: 'PreBind',
  bind: 'Bind',
  postBind: 'PostBind',
} as const satisfies Partial<Record<keyof Plugin, string>>;

/** Not timed upstream either. */
const UNTIMED = ['compare', 'cloneState', 'events'] as const satisfies readonly (keyof Plugin)[];

/** Called for each node, or for each pod on it: thousands of times in a cycle. */
const OFTEN: ReadonlySet<string> = new Set(['filter', 'score', 'podAdded', 'podRemoved']);

export interface Stopwatch {
  /** Seconds since some fixed time. */
  readonly seconds: () => number;
  /** @returns what is told how many seconds answers of this kind took */
  executions(plugin: string, place: string, status: string): { observe(seconds: number): void };
}

type Method = (this: Plugin, ...args: unknown[]) => unknown;

/**
 * @param often whether what is called for each node is timed, too
 * @returns a plugin that does what this one does, where it does something
 */
export function timed(plugin: Plugin, stopwatch: Stopwatch, often = true): Plugin {
  const methods: Record<string, Method> = {};
  const keep = (name: keyof Plugin) => {
    methods[name] = (plugin[name] as Method).bind(plugin);
  };
  for (const name of UNTIMED) if (plugin[name]) keep(name);
  for (const [name, place] of Object.entries(PLACES) as [keyof typeof PLACES, string][]) {
    if (!plugin[name]) continue;
    if (!often && OFTEN.has(name)) keep(name);
    else methods[name] = measured(plugin, plugin[name] as Method, place, stopwatch);
  }
  return { name: plugin.name, ...methods } as Plugin;
}

/** Some run thousands of times for a pod: nothing is looked up or made for a call. */
function measured(plugin: Plugin, method: Method, place: string, stopwatch: Stopwatch): Method {
  const { seconds } = stopwatch;
  const known = new Map<string, ReturnType<Stopwatch['executions']>>();
  const done = (status: string, startedAt: number): void => {
    const took = seconds() - startedAt;
    let executions = known.get(status);
    if (!executions) {
      executions = stopwatch.executions(plugin.name, place, status);
      known.set(status, executions);
    }
    executions.observe(took);
  };
  return (a, b, c, d) => {
    const startedAt = seconds();
    let answer: unknown;
    try {
      answer = method.call(plugin, a, b, c, d);
    } catch (error) {
      done('Error', startedAt);
      throw error;
    }
    if (answer instanceof Promise) {
      answer.then(
        (result) => done(statusOf(result), startedAt),
        () => done('Error', startedAt),
      );
    } else done(statusOf(answer), startedAt);
    return answer;
  };
}

/** What upstream's status of such an answer is called. */
function statusOf(answer: unknown): string {
  if (answer === SKIP || answer === false) return 'Skip';
  if (answer === UNSIGNABLE) return 'Unschedulable';
  if (typeof answer !== 'object' || answer === null) return 'Success';
  const { code, rejection, waitMs } = answer as { code?: string; rejection?: { code: string }; waitMs?: number };
  return code ?? rejection?.code ?? (waitMs === undefined ? 'Success' : 'Wait');
}
