/** Where pods come from: the API server, which tells of those that are bound to the node, and a folder of manifests. */
import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { EventRecorder, Informer, World } from '@keelson/client';
import { nodeReference } from '../node/agent.ts';
import type { PodManager } from '../pods/manager.ts';
import { Manifests } from './manifests.ts';
import type { PodRules } from './static-pod.ts';

export interface SourcesOptions {
  readonly world: World;
  readonly recorder: EventRecorder;
  readonly nodeName: string;
  readonly manager: PodManager;
  /** Of the API server's. */
  readonly pods: Informer<Pod>;
  /** A folder, or one manifest. */
  readonly staticPodPath: string | undefined;
  readonly podRules: PodRules | undefined;
}

/** @returns the folder of manifests, which begins when it is started; undefined where there is none */
export function sourcesOf(options: SourcesOptions): Manifests | undefined {
  const { world, recorder, nodeName, manager, pods, staticPodPath: path, podRules: rules } = options;
  pods.addHandler({
    added: (pod) => manager.put(pod),
    updated: (_old, pod) => manager.put(pod),
    deleted: (pod) => manager.remove(pod),
  });
  if (path === undefined) return undefined;
  const broken = (file: string, problem: string) => {
    const message = `Could not process manifest file ${file}: ${problem}`;
    recorder.event(nodeReference(nodeName), 'Warning', 'FailedValidation', message);
  };
  return new Manifests({
    path,
    nodeName,
    world,
    rules,
    put: (pod) => manager.put(pod),
    remove: (pod) => manager.remove(pod),
    broken,
  });
}
