/** What static pods are held to: what the API server would make of them, if it saw them. */

import { Path } from '@keelson/api/field';
import { nameIsDNSSubdomain } from '@keelson/api/validation/names';
import { defaults } from '@keelson/apiserver/registry/core/pod/defaults';
import { validatePodCreate } from '@keelson/apiserver/registry/core/pod/validation/pod';
import { validateKubeObjectMeta } from '@keelson/apiserver/registry/validation/objectmeta';
import type { IsEnabled } from '@keelson/component/featuregate/featuregate';
import type { PodRules } from '@keelson/kubelet';

const METADATA = Path.of('metadata');

/** @param isEnabled whether a gate of the kubelet is */
export const podRules = (isEnabled: IsEnabled): PodRules => ({
  mayReference: !isEnabled('PreventStaticPodAPIReferences'),
  defaults: (pod) => defaults(pod, isEnabled),
  validate: (pod) =>
    [
      ...validateKubeObjectMeta(pod.metadata, true, nameIsDNSSubdomain, METADATA),
      ...validatePodCreate({ allowPrivileged: true, isEnabled }, pod),
    ].map(String),
});
