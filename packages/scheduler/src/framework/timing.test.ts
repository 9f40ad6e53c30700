import { expect, test } from 'vitest';
import { type Plugin, SKIP } from './plugin.ts';
import { sampled } from './sampled.ts';
import { rejection } from './status.ts';
import { timed } from './timing.ts';

const never = undefined as never;

function observed(plugin: Omit<Plugin, 'name'>): { plugin: Plugin; seen: string[] } {
  const seen: string[] = [];
  let now = 0;
  const stopwatch = {
    seconds: () => now++,
    executions: (...told: readonly string[]) => ({ observe: (took: number) => seen.push([...told, took].join(' ')) }),
  };
  return { plugin: timed({ name: 'P', ...plugin }, stopwatch), seen };
}

test.each<[Omit<Plugin, 'name'>, (plugin: Plugin) => unknown, string]>([
  [{ filter: () => undefined }, (p) => p.filter!(never, never, never), 'Filter Success'],
  [
    { filter: () => rejection('P', 'UnschedulableAndUnresolvable') },
    (p) => p.filter!(never, never, never),
    'Filter UnschedulableAndUnresolvable',
  ],
  [{ preFilter: () => SKIP }, (p) => p.preFilter!(never, never), 'PreFilter Skip'],
  [{ preFilter: () => ({ state: 1 }) }, (p) => p.preFilter!(never, never), 'PreFilter Success'],
  [{ permit: () => ({ waitMs: 5 }) }, (p) => p.permit!(never, ''), 'Permit Wait'],
  [
    { postFilter: () => ({ rejection: rejection('P', 'Unschedulable') }) },
    (p) => p.postFilter!(never, never, never),
    'PostFilter Unschedulable',
  ],
  [{ hasPreBind: () => false }, (p) => p.hasPreBind!(never, '', never), 'PreBindPreFlight Skip'],
  [{ score: () => 0 }, (p) => p.score!(never, never, never), 'Score Success'],
  [{ bind: async () => SKIP }, (p) => p.bind!(never, '', never), 'Bind Skip'],
  [{ podAdded: () => {} }, (p) => p.podAdded!(never, never, never, never), 'PreFilterExtensionAddPod Success'],
])('%#: what a plugin answers is told', async (methods, call, told) => {
  const { plugin, seen } = observed(methods);
  const [name] = Object.keys(methods) as (keyof Plugin)[];
  expect(await call(plugin)).toEqual(await (methods as Record<string, () => unknown>)[name!]!());
  expect(seen).toEqual([`P ${told} 1`]);
});

test.each<[Omit<Plugin, 'name'>, (plugin: Plugin) => unknown]>([
  [
    {
      filter() {
        throw new Error('broken');
      },
    },
    async (p) => p.filter!(never, never, never),
  ],
  [{ preBind: async () => Promise.reject(new Error('broken')) }, (p) => p.preBind!(never, '', never, never)],
])('%#: so is that it broke', async (methods, call) => {
  const { plugin, seen } = observed(methods);
  await expect(call(plugin)).rejects.toThrow('broken');
  expect(seen).toEqual([expect.stringMatching(/^P (Filter|PreBind) Error 1$/)]);
});

test('a plugin keeps itself, and what it does not do', () => {
  class Private implements Plugin {
    readonly name = 'P';
    readonly #order = -1;
    compare(): number {
      return this.#order;
    }
  }
  const plugin = timed(new Private(), { seconds: () => 0, executions: () => ({ observe() {} }) });
  expect(plugin.compare!(never, never)).toBe(-1);
  expect(plugin.filter).toBeUndefined();
});

test('a profile is timed in one of ten cycles, for each node in one of a hundred', () => {
  const seen: string[] = [];
  const stopwatch = {
    seconds: () => 0,
    executions: (_: string, place: string) => ({ observe: () => seen.push(place) }),
  };
  const plugin: Plugin = { name: 'P', preFilter: () => SKIP, filter: () => undefined };
  const profile = { plugin, replacing: (replace: (plugin: Plugin) => Plugin) => ({ plugin: replace(plugin) }) };
  const chances = [0.005, 0.05, 0.5];
  const find = sampled(new Map([['p', profile as never]]), stopwatch, () => chances.shift()!);
  const run = () => {
    const { plugin: found } = find('p') as never as { plugin: Plugin };
    found.preFilter!(never, never);
    found.filter!(never, never, never);
    return seen.splice(0);
  };
  expect([run(), run(), run()]).toEqual([['PreFilter', 'Filter'], ['PreFilter'], []]);
});
