/** What comparing values of Kubernetes' own types costs (k8s.io/apiserver/pkg/cel/library/cost.go). */
import { type CallEstimate, type CallShape, exactly, scaled, TRAVERSAL } from '../cost/range.ts';
import type { Declarations } from '../environment.ts';
import { OpaqueValue } from '../eval/values.ts';
import { OP } from '../syntax/ast.ts';
import { sameType } from '../types/type.ts';
import { fn } from './declare.ts';

const MAX_FORMAT = 64;

function estimate({ args: [left, right] }: CallShape): CallEstimate | undefined {
  if (!left || !right || !sameType(left.type, right.type)) return undefined;
  const { type } = left;
  if (type.kind === 'opaque') return type.name.startsWith('net.') ? { cost: exactly(1) } : undefined;
  if (type.kind !== 'struct' || !type.opaque) return undefined;
  switch (type.name) {
    case 'kubernetes.NamedFormat':
      return { cost: scaled({ min: 1, max: MAX_FORMAT }, TRAVERSAL) };
    case 'kubernetes.URL':
      return { cost: scaled({ min: 1, max: Math.max(right.size.max, 1) }, TRAVERSAL) };
    default:
      return { cost: exactly(1) };
  }
}

export const EQUALITY_COST: Declarations = {
  functions: [
    fn(OP.equals, [], { cost: { estimate, actual: ([left]) => (left instanceof OpaqueValue ? 1 : undefined) } }),
  ],
};
