/** Plugins that forbid a field some of its values. */
import type { Pod, Service } from '@keelson/api/generated/types/core/v1';
import { type AdmissionPlugin, objectOf, oldObjectOf, on, refuse } from './plugin.ts';

/** Services keep the external IPs that they have, and get no others. */
export function denyServiceExternalIPs(): AdmissionPlugin {
  return {
    name: 'DenyServiceExternalIPs',
    handles: on('services', ['CREATE', 'UPDATE']),
    validate(a) {
      const known = a.oldObject ? (oldObjectOf<Service>(a).spec?.externalIPs ?? []) : [];
      if (objectOf<Service>(a).spec?.externalIPs?.some((ip) => !known.includes(ip)))
        throw refuse(a, 'Use of external IPs is denied by admission control');
    },
  };
}

const HOSTNAME = 'kubernetes.io/hostname';

/** Pods may keep others off their node, not off a whole zone. */
export function limitPodHardAntiAffinityTopology(): AdmissionPlugin {
  return {
    name: 'LimitPodHardAntiAffinityTopology',
    handles: on('pods', ['CREATE', 'UPDATE']),
    validate(a) {
      const { affinity } = objectOf<Pod>(a).spec;
      for (const { topologyKey } of affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [])
        if (topologyKey !== HOSTNAME)
          throw refuse(
            a,
            `affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey ${topologyKey} but only key ${HOSTNAME} is allowed`,
          );
    },
  };
}
