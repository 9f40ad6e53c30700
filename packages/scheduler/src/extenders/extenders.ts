/** Programs outside that have a say, asked by HTTP (pkg/scheduler/extender.go). */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Logger } from '@keelson/component/logs/logger';
import type { NodeInfo } from '../cache/node-info.ts';
import type { Snapshot } from '../cache/snapshot.ts';
import type { ExtenderConfiguration } from '../config/types.ts';
import type { Verdicts } from '../cycle/verdicts.ts';
import { MAX_SCORE } from '../framework/plugin.ts';
import { unresolvable, unschedulable } from '../framework/status.ts';
import type { PodInfo } from '../pods/pod-info.ts';
import type { Candidate } from '../preemption/candidates.ts';
import { filteredOf, type Score, scoresOf, succeeded, victimsOf } from './answers.ts';

/** Scores of extenders go up to 10. */
const SCALE = MAX_SCORE / 10;

/** Asks one extender: a verb under its URL, an object there and one back. */
export type Ask = (verb: string, body: object) => Promise<unknown>;

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
      for (const { host, score } of scores) {
        const index = indexes.get(host);
        if (index !== undefined) total[index]! += score * asked[i]!.configuration.weight * SCALE;
      }
    }
  }

  /** @returns whether one of them has bound the pod @throws Error when it could not */
  async bind({ pod, namespace, name, uid }: PodInfo, node: string): Promise<boolean> {
    for (const { configuration, ask } of this.#interestedIn(pod)) {
      if (configuration.bindVerb === '') continue;
      const body = { PodName: name, PodNamespace: namespace, PodUID: uid, Node: node };
      try {
        succeeded(await ask(configuration.bindVerb, body));
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

  async #scores({ configuration, ask }: Extender, pod: Pod, nodes: readonly NodeInfo[]): Promise<Score[]> {
    try {
      return scoresOf(await ask(configuration.prioritizeVerb, argsOf(configuration, pod, nodes)));
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
  const result = filteredOf(await ask(configuration.filterVerb, argsOf(configuration, pod, nodes)));
  for (const [name, why] of result.hopeless) verdicts.set(name, unresolvable('', why));
  for (const [name, why] of result.failed) {
    if (!result.hopeless.has(name)) verdicts.set(name, unschedulable('', why));
  }
  const left = (configuration.nodeCacheCapable && result.names) || result.nodes;
  return left.map((name) => {
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
  const answer = victimsOf(await ask(preemptVerb, body));
  const left: Candidate[] = [];
  for (const [node, { uids, violations }] of answer) {
    const info = snapshot.get(node);
    if (!info) throw new Error(`nodeinfo not found for node name "${node}"`);
    const pods = uids.map((uid) => {
      const victim = info.pods.find((each) => each.uid === uid);
      if (victim) return victim;
      const { urlPrefix } = configuration;
      throw new Error(
        `extender: ${urlPrefix} claims to preempt pod (UID: ${uid}) on node: ${node}, but the pod is not found on that node`,
      );
    });
    if (pods.length > 0) left.push({ node, victims: { pods, violations } });
    else if (!ignorable) throw new Error(`expected at least one victim pod on node "${node}"`);
  }
  return left;
}
