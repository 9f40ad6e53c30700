/** What services use of a quota (pkg/quota/v1/evaluator/core/services.go). */
import type { Service } from '../generated/types/core/v1.ts';
import { Quantity } from '../quantity.ts';
import { type Amounts, ONE, ZERO } from './amounts.ts';
import { countName, type Evaluator } from './evaluator.ts';

const COUNT = countName({ group: '', resource: 'services' });
const NODE_PORTS = 'services.nodeports';
const LOAD_BALANCERS = 'services.loadbalancers';

export const serviceEvaluator: Evaluator = {
  handles: ({ operation, subresource }) => subresource === '' && (operation === 'CREATE' || operation === 'UPDATE'),
  counts: (name) => [COUNT, 'services', NODE_PORTS, LOAD_BALANCERS].includes(name),
  usage: (object) => serviceUsage(object as Service),
};

function serviceUsage({ spec }: Service): Amounts {
  return new Map([
    [COUNT, ONE],
    ['services', ONE],
    [NODE_PORTS, Quantity.of(nodePorts(spec ?? {}))],
    [LOAD_BALANCERS, spec?.type === 'LoadBalancer' ? ONE : ZERO],
  ]);
}

/** That it has or will be given. */
function nodePorts({ type, ports = [], allocateLoadBalancerNodePorts }: NonNullable<Service['spec']>): number {
  if (type === 'NodePort') return ports.length;
  if (type !== 'LoadBalancer') return 0;
  return allocateLoadBalancerNodePorts === false ? ports.filter((port) => port.nodePort).length : ports.length;
}
