/**
 * Sends the same requests, mutants of valid objects, to two API servers and prints where their answers differ.
 *
 *   npm run differential -- --reference https://host:port --token TOKEN [--only KIND,…] [--verbs create,update,status]
 *     [--record (the answers that agree become the golden file of the test)] [--seed N] [--below FIELD] [--runs N (for each object and verb)] [--show N] [--subject URL --subject-token TOKEN]
 *
 * Without --subject an API server is started. The reference should have REFERENCE_FLAGS, and no controllers beside it.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import fc from 'fast-check';
import { startApiServer } from '../support/api-server.ts';
import { type Case, Subject, type Verb } from './cases.ts';
import { type Difference, difference } from './compare.ts';
import { GOLDEN_FILE, type Golden, packGolden, REFERENCE_FLAGS } from './golden.ts';
import { mutations } from './mutate.ts';
import { fixtureSeeds, type Seed, seeds } from './objects.ts';
import { Values } from './values.ts';
import type { Answer } from './wire.ts';

interface Finding {
  readonly example: Case;
  readonly details: readonly string[];
  readonly where: Set<string>;
  count: number;
}

const { values: options } = parseArgs({
  options: {
    reference: { type: 'string' },
    token: { type: 'string', default: '' },
    subject: { type: 'string' },
    'subject-token': { type: 'string', default: '' },
    only: { type: 'string' },
    verbs: { type: 'string', default: 'create,update,status' },
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '100' },
    show: { type: 'string', default: '20' },
    below: { type: 'string' },
    record: { type: 'boolean', default: false },
    jobs: { type: 'string', default: '8' },
  },
});
if (!options.reference) throw new Error('--reference names the server that is right');

const valid = seeds();
const all = [...valid, ...fixtureSeeds()];
let chosen = all.filter(
  ({ name, object }) => !options.only || options.only.split(',').some((x) => x === object.kind || x === name),
);
const values = new Values(valid);
const started = options.subject ? undefined : await startApiServer('memory', REFERENCE_FLAGS);
const reference = new Subject({ url: options.reference, token: options.token });
const subject = new Subject({
  url: options.subject ?? started!.url,
  token: started?.token ?? options['subject-token'],
});
const servers = [reference, subject];
const found = new Map<string, Finding>();
const golden: Golden[] = [];
const asked = { all: 0, refused: 0 };

try {
  [chosen] = (await Promise.all(servers.map((server) => server.prepare(chosen)))) as [Seed[], Seed[]];
  const verbs = options.verbs.split(',') as Verb[];
  if (verbs.includes('create')) for (const seed of chosen) await hunt(seed, 'create');
  if (verbs.some((verb) => verb !== 'create')) {
    chosen = chosen.filter((seed) => valid.includes(seed));
    [chosen] = (await Promise.all(servers.map((server) => server.plant(chosen)))) as [Seed[], Seed[]];
  }
  for (const verb of verbs.filter((verb) => verb !== 'create')) for (const seed of chosen) await hunt(seed, verb);
  await reference.clean(chosen);
} finally {
  await started?.stop();
}
if (options.record) writeFileSync(GOLDEN_FILE, packGolden(golden));
report();
process.exitCode = found.size === 0 ? 0 : 1;

async function hunt(seed: Seed, verb: Verb): Promise<void> {
  const mutants = mutations(seed.object, seed.type, values, verb === 'status' ? 'status' : options.below);
  if (!mutants) return;
  await look({ seed, verb, mutations: [] });
  const samples = fc.sample(mutants, { seed: Number(options.seed), numRuns: Number(options.runs) });
  const cases = samples.map((list): Case => ({ seed, verb, mutations: list }));
  await Promise.all(
    Array.from({ length: Number(options.jobs) }, async () => {
      for (let next = cases.pop(); next; next = cases.pop()) await look(next);
    }),
  );
}

async function look(one: Case): Promise<void> {
  const found = await compare(one);
  if (!found) return;
  for (const mutation of one.mutations.length > 1 ? one.mutations : []) {
    const smaller = { ...one, mutations: [mutation] };
    const less = await compare(smaller);
    if (less) return note(smaller, less);
  }
  note(one, found);
}

async function compare(one: Case): Promise<Difference | undefined> {
  const [want, got] = (await Promise.all(servers.map((server) => server.ask(one)))) as [Answer, Answer];
  asked.all++;
  if (want.status >= 400) asked.refused++;
  if (want.status === 0) return undefined;
  const differing = difference(want, got);
  if (!differing && options.record) await keep(one, want);
  if (!differing?.isOrder) return differing;
  // The order of Go's maps is a matter of luck: where the reference says otherwise at times there is no difference.
  for (let i = 0; i < 20; i++) if (difference(want, await reference.ask(one))) return undefined;
  return differing;
}

/** What the reference says each time. */
async function keep({ seed, verb, mutations }: Case, want: Answer): Promise<void> {
  for (let i = 0; i < 2; i++) if (difference(want, await reference.ask({ seed, verb, mutations }))) return;
  golden.push({ seed: seed.name, verb, mutations, want });
}

function note(one: Case, { outline, details }: Difference): void {
  const where = `${one.seed.object.kind} ${one.verb}`;
  const known = found.get(outline);
  if (!known) found.set(outline, { example: one, details, count: 1, where: new Set([where]) });
  else {
    known.count++;
    known.where.add(where);
  }
}

function report(): void {
  const sorted = [...found].sort(([, a], [, b]) => b.count - a.count);
  for (const [key, { example, details, count, where }] of sorted.slice(0, Number(options.show))) {
    console.log(`\n${count} × ${[...where].join(', ')}: ${cut(key, 300)}`);
    console.log(`  ${example.seed.name}: ${cut(JSON.stringify(example.mutations), 300)}`);
    for (const line of details) console.log(`  ${cut(line, 400)}`);
  }
  console.log(`\n${asked.all} requests, ${asked.refused} of them refused; ${found.size} kinds of differences`);
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}
