import type { ReplicaSet } from '@keelson/api/generated/types/apps/v1';
import type { ControllerContext } from '../controller.ts';
import { selectorOf } from '../selectors.ts';
import { startReplicas } from './engine.ts';

export const start = async (context: ControllerContext) =>
  startReplicas<ReplicaSet>(context, {
    controller: 'replicaset-controller',
    kind: { group: 'apps', version: 'v1', kind: 'ReplicaSet' },
    resource: 'replicasets.apps',
    statusType: 'io.k8s.api.apps.v1.ReplicaSetStatus',
    queue: 'replicaset',
    component: 'replicaset-controller',
    tellsTerminating: context.settings.isEnabled('DeploymentReplicaSetTerminatingReplicas'),
    isCounted: true,
    selectorOf: ({ spec }) => selectorOf(spec.selector),
  });
