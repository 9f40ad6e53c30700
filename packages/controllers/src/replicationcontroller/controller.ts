import type { ReplicationController } from '@keelson/api/generated/types/core/v1';
import type { ControllerContext } from '../controller.ts';
import { startReplicas } from '../replicaset/engine.ts';
import { selectorOfMap } from '../selectors.ts';

export const start = async (context: ControllerContext) =>
  startReplicas<ReplicationController>(context, {
    controller: 'replicationcontroller-controller',
    kind: { group: '', version: 'v1', kind: 'ReplicationController' },
    resource: 'replicationcontrollers',
    statusType: 'io.k8s.api.core.v1.ReplicationControllerStatus',
    queue: 'replicationmanager',
    component: 'replication-controller',
    tellsTerminating: false,
    isCounted: false,
    selectorOf: ({ spec }) => selectorOfMap(spec.selector),
  });
