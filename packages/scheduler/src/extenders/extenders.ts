/** Programs outside that have a say, asked by HTTP (pkg/scheduler/extender.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Logger } from '@keelson/client';
import type { NodeInfo } from '../cache/node-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { ExtenderConfiguration } from '../config/types.ts';
import type { Verdicts } from '../cycle/verdicts.ts';
import { MAX_SCORE } from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { Candidate } from '../preemption/candidates.ts';

/** Scores of extenders go up to 10. */
const SCALE = MAX_SCORE / 10;

/** Asks one extender: a verb under its URL, an object there and one back. */
export type Ask = (verb: string, body: object) => Promise<unknown>;

/** Keys as Go writes them for fields without a name of their own. */
interface FilterResult {
  readonly Nodes?: { readonly items?: readonly { readonly metadata: { readonly name?: string } }[] } | null;
  readonly NodeNames?: readonly string[] | null;
  readonly FailedNodes?: Readonly<Record<string, string>> | null;
  readonly FailedAndUnresolvableNodes?: Readonly<Record<string, string>> | null;
  readonly Error?: string;
}

interface PreemptionResult {
  readonly NodeNameToMetaVictims?: Readonly<
    Record<string, { readonly Pods?: readonly { readonly UID: string }[]; readonly NumPDBViolations?: number } | null>
  > | null;
}

interface Extender {
  readonly configuration: ExtenderConfiguration;
  readonly ask: Ask;
}

export class Extenders {
  readonly #extenders: readonly Extender[];
  readonly #log: Logger;

  constructor(extenders: readonly Extender[], log: Logger) {
    this.#extenders = extenders;
    this.#log = log;
  }

  /** @returns the nodes that are left @throws Error when one that may not be left out cannot be asked */
  async filter(pod: PodInfo, nodes: NodeInfo[], verdicts: Verdicts): Promise<NodeInfo[]> {
    let left = nodes;
    for (const extender of this.#interestedIn(pod.pod)) {
      if (left.length === 0) break;
      if (extender.configuration.filterVerb === '') continue;
      try {
        left = await filterBy(extender, pod.pod, left, verdicts);
      } catch (error) {
        if (!extender.configuration.ignorable) throw error;
        this.#log.info({ extender: extender.configuration.urlPrefix, error }, 'An extender was left out');
      }
    }
    return left;
  }

  /** Adds to the nodes' scores. Who cannot be asked gives none. */
  async prioritize(pod: PodInfo, nodes: readonly NodeInfo[], total: Float64Array): Promise<void> {
    const asked = this.#interestedIn(pod.pod).filter(({ configuration }) => configuration.prioritizeVerb !== '');
    const answers = await Promise.all(asked.map((extender) => this.#scores(extender, pod.pod, nodes)));
    const indexes = new Map(nodes.map(({ name }, i) => [name, i]));
    for (const [i, scores] of answers.entries()) {
      for (const { Host, Score } of scores) {
        const index = indexes.get(Host);
        if (index !== undefined) total[index]! += Score * asked[i]!.configuration.weight * SCALE;
      }
    }
  }

  /** @returns whether one of them has bound the pod @throws Error when it could not */
  async bind({ pod, namespace, name, uid }: PodInfo, node: string): Promise<boolean> {
    for (const { configuration, ask } of this.#interestedIn(pod)) {
      if (configuration.bindVerb === '') continue;
      const body = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node };
      try {
        const { Error: problem } = (await ask(configuration.bindVerb, body)) as { Error?: string };
        if (problem) throw new Error(problem);
        return true;
      } catch (error) {
        if (!configuration.ignorable) throw error;
        this.#log.info({ extender: configuration.urlPrefix, error }, 'An extender was left out');
      }
    }
    return false;
  }

  hasSayInPreemption({ pod }: PodInfo): boolean {
    return this.#interestedIn(pod).some(({ configuration }) => configuration.preemptVerb !== '');
  }

  /** One after the other, each of what the others have left. @throws Error when one that may not be left out fails */
  async preempt({ pod }: PodInfo, candidates: readonly Candidate[], snapshot: Snapshot): Promise<readonly Candidate[]> {
    let left = candidates;
    for (const extender of this.#interestedIn(pod)) {
      if (left.length === 0) break;
      const { preemptVerb, ignorable, urlPrefix } = extender.configuration;
      if (preemptVerb === '') continue;
      try {
        left = await preemptBy(extender, pod, left, snapshot);
      } catch (error) {
        if (!ignorable) throw error;
        this.#log.info({ extender: urlPrefix, error }, 'An extender was left out');
      }
    }
    return left;
  }

  async #scores({ configuration, ask }: Extender, pod: Pod, nodes: readonly NodeInfo[]) {
    try {
      return (await ask(configuration.prioritizeVerb, argsOf(configuration, pod, nodes))) as {
        Host: string;
        Score: number;
      }[];
    } catch (error) {
      this.#log.info({ extender: configuration.urlPrefix, error }, 'An extender has given no scores');
      return [];
    }
  }

  #interestedIn(pod: Pod): readonly Extender[] {
    return this.#extenders.filter(({ configuration: { managedResources } }) => {
      return managedResources.length === 0 || managedResources.some(({ name }) => asksFor(pod, name));
    });
  }
}

function asksFor({ spec }: Pod, resource: string): boolean {
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].some(
    ({ resources }) => resources?.requests?.[resource] !== undefined || resources?.limits?.[resource] !== undefined,
  );
}

/** Names are enough for who keeps a copy of the nodes. */
function argsOf({ nodeCacheCapable }: ExtenderConfiguration, pod: Pod, nodes: readonly NodeInfo[]): object {
  if (nodeCacheCapable) return { Pod: pod, Nodes: null, NodeNames: nodes.map(({ name }) => name) };
  return { Pod: pod, Nodes: { metadata: {}, items: nodes.map(({ node }) => node) }, NodeNames: null };
}

async function filterBy(
  { configuration, ask }: Extender,
  pod: Pod,
  nodes: readonly NodeInfo[],
  verdicts: Verdicts,
): Promise<NodeInfo[]> {
  const result = (await ask(configuration.filterVerb, argsOf(configuration, pod, nodes))) as FilterResult;
  if (result.Error) throw new Error(result.Error);
  const hopeless = result.FailedAndUnresolvableNodes ?? {};
  for (const [name, why] of Object.entries(hopeless)) verdicts.set(name, unresolvable('', why));
  for (const [name, why] of Object.entries(result.FailedNodes ?? {})) {
    if (!Object.hasOwn(hopeless, name)) verdicts.set(name, unschedulable('', why));
  }
  const names =
    configuration.nodeCacheCapable && result.NodeNames
      ? result.NodeNames
      : (result.Nodes?.items ?? []).map(({ metadata }) => metadata.name!);
  return names.map((name) => {
    const node = nodes.find((each) => each.name === name);
    if (node) return node;
    const { urlPrefix } = configuration;
    throw new Error(
      `extender "${urlPrefix}" claims a filtered node "${name}" which is not found in the input node list`,
    );
  });
}

async function preemptBy(
  { configuration, ask }: Extender,
  pod: Pod,
  candidates: readonly Candidate[],
  snapshot: Snapshot,
): Promise<Candidate[]> {
  const { nodeCacheCapable, preemptVerb, ignorable } = configuration;
  const victims = (show: (victim: PodInfo) => object) =>
    Object.fromEntries(
      candidates.map(({ node, victims: { pods, violations } }) => [
        node,
        { Pods: pods.map(show), NumPDBViolations: violations },
      ]),
    );
  const body = nodeCacheCapable
    ? { Pod: pod, NodeNameToVictims: null, NodeNameToMetaVictims: victims(({ uid }) => ({ UID: uid })) }
    : { Pod: pod, NodeNameToVictims: victims((victim) => victim.pod), NodeNameToMetaVictims: null };
  const { NodeNameToMetaVictims } = (await ask(preemptVerb, body)) as PreemptionResult;
  const left: Candidate[] = [];
  for (const [node, found] of Object.entries(NodeNameToMetaVictims ?? {})) {
    const info = snapshot.get(node);
    if (!info) throw new Error(`nodeinfo not found for node name "${node}"`);
    const pods = (found?.Pods ?? []).map(({ UID }) => {
      const victim = info.pods.find(({ uid }) => uid === UID);
      if (victim) return victim;
      const { urlPrefix } = configuration;
      throw new Error(
        `extender: ${urlPrefix} claims to preempt pod (UID: ${UID}) on node: ${node}, but the pod is not found on that node`,
      );
    });
    if (pods.length > 0) left.push({ node, victims: { pods, violations: found?.NumPDBViolations ?? 0 } });
    else if (!ignorable) throw new Error(`expected at least one victim pod on node "${node}"`);
  }
  return left;
}
