import type { Pod } from '@keelson/api/generated/types/core/v1';
import type { Informer, InformerFactory } from '@keelson/client';
import { indexByController } from '../owned.ts';

/** The shared copy of all pods, which can be asked by controller. */
export function podInformer(informers: InformerFactory): Informer<Pod> {
  const pods = informers.informer('pods');
  indexByController(pods);
  return pods;
}
