/**
 * What extenders answer (k8s.io/kube-scheduler/extender/v1), read as Go reads it: names of fields in any case, as they have no
 * tags there, null for nothing, and an error for values of another type.
 */
import { ConfigObject } from '@keelson/component/configfile';

export interface Filtered {
  /** Names of the nodes that are left; undefined where none are told. */
  readonly names: readonly string[] | undefined;
  /** The same, of nodes that are told as a whole. */
  readonly nodes: readonly string[];
  /** Why nodes are not, by name. */
  readonly failed: ReadonlyMap<string, string>;
  /** The same, of nodes that no pod's end would help. */
  readonly hopeless: ReadonlyMap<string, string>;
}

export interface Score {
  readonly host: string;
  readonly score: number;
}

/** By node the uids of those who are to go, and how many budgets that breaks. */
export type Victims = ReadonlyMap<string, { readonly uids: readonly string[]; readonly violations: number }>;

/** @throws Error for what is none, and the extender's own */
export function filteredOf(answer: unknown): Filtered {
  const result = succeeded(answer);
  return {
    names: (result.raw('nodenames') ?? null) === null ? undefined : result.strings('nodenames'),
    nodes: result
      .object('nodes')
      .objects('items')
      .map((node) => node.object('metadata').string('name')),
    failed: textsOf(result.object('failednodes')),
    hopeless: textsOf(result.object('failedandunresolvablenodes')),
  };
}

/** @throws Error for what is no list of scores */
export function scoresOf(answer: unknown): Score[] {
  if (answer === null || answer === undefined) return [];
  if (!Array.isArray(answer)) throw new Error('the scores must be a list');
  return answer.map((each) => {
    const score = read(each);
    return { host: score.string('host'), score: score.integer('score') };
  });
}

/** @throws Error for what is no answer */
export function victimsOf(answer: unknown): Victims {
  const nodes = read(answer).object('nodenametometavictims');
  return new Map(
    nodes.names().map((name) => {
      const victims = read(nodes.raw(name));
      const uids = victims.objects('pods').map((pod) => read(pod.all()).string('uid'));
      return [name, { uids, violations: victims.integer('numpdbviolations') }];
    }),
  );
}

/** @throws Error the extender's own */
export function succeeded(answer: unknown): ConfigObject {
  const result = read(answer);
  const problem = result.string('error');
  if (problem !== '') throw new Error(problem);
  return result;
}

const textsOf = (texts: ConfigObject) => new Map(texts.names().map((name) => [name, texts.string(name)]));

/** With the names of its fields in lower case. */
function read(value: unknown): ConfigObject {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isObject) return new ConfigObject(value ?? {}, 'the answer');
  return new ConfigObject(
    Object.fromEntries(Object.entries(value).map(([name, field]) => [name.toLowerCase(), field])),
  );
}
