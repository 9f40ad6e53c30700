/**
 * A CPU profile as text: where the time goes by function (self and total), and with `--stacks`
 * the stacks that cost most, folded.
 *
 *   node bench/profile.ts FILE.cpuprofile [--lines N] [--stacks] > bench/profiles/NAME.txt
 *
 * To make one: `npm run bench -- --servers keelson --only WORKLOAD --profile DIR`.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}
interface Node {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly children?: readonly number[];
}
interface Profile {
  readonly nodes: readonly Node[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { lines: { type: 'string', default: '60' }, stacks: { type: 'boolean', default: false } },
});
const lines = Number(flags.lines);
const profile = JSON.parse(readFileSync(positionals[0]!, 'utf8')) as Profile;

const self = new Map<number, number>();
for (const [i, id] of profile.samples.entries()) self.set(id, (self.get(id) ?? 0) + profile.timeDeltas[i]!);

const byId = new Map(profile.nodes.map((node) => [node.id, node]));
const parents = new Map(
  profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id] as const)),
);
const nameOf = ({ callFrame: { functionName, url, lineNumber } }: Node): string =>
  `${functionName || '(anonymous)'}${url === '' ? '' : ` ${url.replace(/^.*\/(packages|node_modules)\//, '')}:${lineNumber + 1}`}`;

const selfBy = new Map<string, number>();
const totalBy = new Map<string, number>();
const stacks = new Map<string, number>();
const add = (map: Map<string, number>, key: string, value: number) => map.set(key, (map.get(key) ?? 0) + value);
for (const [id, time] of self) {
  const stack: string[] = [];
  for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) stack.unshift(nameOf(byId.get(at)!));
  const [, ...frames] = stack;
  add(selfBy, frames.at(-1) ?? '(root)', time);
  for (const name of new Set(frames)) add(totalBy, name, time);
  add(stacks, frames.join(';'), time);
}

const idle = selfBy.get('(idle)') ?? 0;
const total = [...self.values()].reduce((a, b) => a + b, 0) - idle;
const table = (map: Map<string, number>, title: string, except: ReadonlySet<string> = new Set(['(idle)'])) => {
  console.log(`\n${title}`);
  const rows = [...map].filter(([name]) => !except.has(name)).sort((a, b) => b[1] - a[1]);
  for (const [name, time] of rows.slice(0, lines))
    console.log(`${((time / total) * 100).toFixed(1).padStart(6)} %  ${name}`);
};
console.log(`${(total / 1e6).toFixed(1)} s of CPU, ${(idle / 1e6).toFixed(1)} s idle`);
table(selfBy, 'in the function itself');
table(totalBy, 'with what it calls');
if (flags.stacks) table(stacks, 'stacks');
