import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Informer, InformerFactory } from '@keelson/client';
import { indexByController } from '../owned.ts';

/** The shared copy of all pods, which can be asked by controller. */
export function podInformer(informers: InformerFactory): Informer<Pod> {
  const pods = informers.informer('pods');
  indexByController(pods);
  return pods;
}

const NODE = 'node';
const byNode = ({ spec }: Pod) => (spec.nodeName ? [spec.nodeName] : []);

/** Lets `podsOn` find what is bound to a node. Asking again does no harm. */
export function indexByNode(pods: Informer<Pod>): void {
  pods.addIndex(NODE, byNode);
}

export function podsOn(pods: Informer<Pod>, node: string): Pod[] {
  return pods.store.byIndex(NODE, node);
}
