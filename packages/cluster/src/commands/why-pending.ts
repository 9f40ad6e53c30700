import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect, hasReason, type ResourceName, systemWorld } from '@keelson/client';
import { FlagError, type FlagTable, type FlagValues, parseFlags } from '@keelson/component/pflag/flags';
import { usage } from '@keelson/component/pflag/usage';
import {
  defaultConfiguration,
  Explainer,
  type Explanation,
  type NodeExplanation,
  parseConfiguration,
} from '@keelson/scheduler';
import { readKubeconfig, refusal } from '../connection.ts';
import { StartupError } from '../startup-error.ts';
import { type Command, outcomeOf } from './command.ts';
import type { Io } from './io.ts';
import { table } from './table.ts';

const flags = {
  kubeconfig: { type: 'string', section: 'Options' },
  config: { type: 'string', section: 'Options' },
  help: { type: 'bool', section: 'Options' },
} as const satisfies FlagTable;

const descriptions = {
  kubeconfig: 'File that tells where the cluster is. Default: $KUBECONFIG, or ~/.kube/config.',
  config: 'The KubeSchedulerConfiguration that the scheduler runs with, where it has one.',
  help: 'Show this help.',
};

const head = `Tells why a pod has no node: what each filter of the scheduler makes of each node. Changes nothing.

Usage:
  keelson why-pending NAMESPACE/NAME [flags]
`;

export const command: Command = { flags, descriptions, run: whyPending };

/** `keelson why-pending`. @returns the exit code: 0 also for a pod that has its node */
export function whyPending(argv: readonly string[], io: Io): Promise<number> {
  return outcomeOf('keelson why-pending', io, async () => {
    const { values, args } = parseFlags(flags, argv);
    if (values.help) return io.stdout(`${head}${usage(flags, descriptions, io.columns)}`);
    const [namespace, name, ...rest] = (args[0] ?? '').split('/');
    if (args.length !== 1 || !namespace || !name || rest.length > 0)
      throw new FlagError('name one pod: NAMESPACE/NAME');
    await answer(values, { namespace, name }, io);
  });
}

async function answer(values: FlagValues<typeof flags>, key: { namespace: string; name: string }, io: Io) {
  const kubeconfig = values.kubeconfig || io.env.KUBECONFIG || join(homedir(), '.kube/config');
  const world = systemWorld();
  const config = await readKubeconfig(kubeconfig);
  const client = connect(config, { component: 'keelson', world });
  try {
    const pod = await client.resource('pods').get(key);
    if (pod.spec.nodeName) {
      io.stdout(`${key.namespace}/${key.name} is on node ${pod.spec.nodeName}.\n`);
      return;
    }
    const explainer = new Explainer(await configuration(values.config), world);
    await Promise.all(explainer.collections.map((name) => fill(explainer, client, name)));
    io.stdout(show(`${key.namespace}/${key.name}`, explainer.explain(pod)));
  } catch (error) {
    if (error instanceof StartupError) throw error;
    if (hasReason(error, 'NotFound'))
      throw new StartupError(
        (error as Error).message,
        "see 'kubectl get pods --all-namespaces' for those that are there",
      );
    const who = 'somebody who may read pods and nodes';
    throw await refusal(error, { file: kubeconfig, config, who }, world.clock.now());
  } finally {
    client.close();
  }
}

async function configuration(file: string) {
  if (file === '') return defaultConfiguration();
  try {
    return parseConfiguration(await readFile(file));
  } catch (error) {
    throw new StartupError(`cannot use ${file}: ${(error as Error).message}`, 'correct --config');
  }
}

/** A kind that the server does not have has no objects. */
async function fill(explainer: Explainer, client: Client, name: ResourceName): Promise<void> {
  try {
    for await (const page of client.resource(name).pages()) explainer.put(name, page.items);
  } catch (error) {
    if (!hasReason(error, 'NotFound')) throw error;
  }
}

/** The answer for the terminal: what it comes to, then a table of nodes. */
export function show(pod: string, explanation: Explanation): string {
  return `${[...summary(pod, explanation)].join('\n')}\n${nodeTable(explanation.nodes)}`;
}

function* summary(pod: string, explanation: Explanation): Iterable<string> {
  const { schedulerName, isOurs, gate, message, preemptsOn, nodes } = explanation;
  if (!isOurs) {
    yield `${pod} asks for the scheduler "${schedulerName}", which the configuration knows nothing of.`;
    return;
  }
  if (gate) yield `${pod} is kept back: ${gate.reasons.join(', ')}.`;
  if (message) yield `${pod} fits nowhere: ${message}`;
  if (preemptsOn) yield `Others would leave node ${preemptsOn} for it.`;
  const fitting = nodes.filter(({ fits }) => fits).length;
  if (!message)
    yield `${pod} would fit on ${fitting} of ${nodes.length} nodes${gate ? '' : ': the scheduler has not come to it yet'}.`;
  if (nodes.length > 0) yield '';
}

function nodeTable(nodes: readonly NodeExplanation[]): string {
  if (nodes.length === 0) return '';
  const ordered = [...nodes].sort((a, b) => (b.total ?? 0) - (a.total ?? 0) || (a.node < b.node ? -1 : 1));
  return table([['NODE', 'FITS', 'FILTER', 'WHY'], ...ordered.flatMap(rowsOf)]);
}

/** One row for each filter that says no; one with the score for a node that will do. */
function rowsOf({ node, fits, filters, total, scores }: NodeExplanation): string[][] {
  if (fits) {
    const parts = Array.from(scores ?? [], ([plugin, score]) => `${plugin} ${score}`).join(', ');
    return [[node, 'yes', '', total === undefined ? '' : `score ${total}: ${parts}`]];
  }
  const rejecting = filters.flatMap(({ plugin, rejection }) =>
    rejection ? [[plugin, rejection.reasons.join(', ')]] : [],
  );
  const rows = rejecting.length > 0 ? rejecting : [['', 'no node would do, or not this one']];
  return rows.map(([plugin, why], i) => [i === 0 ? node : '', i === 0 ? 'no' : '', plugin!, why!]);
}
