/** What the memory manager is told (apis/config/validation/validation_reserved_memory.go, pkg/util/flag). */
import { Quantity } from '@keelson/api/quantity';
import type { MemoryReservation, MemorySettings } from './manager.ts';
import { isMemory } from './static.ts';

/** @throws Error for a policy that there is not, in upstream's words */
export function memoryPolicy(name: string): MemorySettings['policy'] {
  if (name === 'None' || name === 'Static') return name;
  if (name === 'BestEffort') throw new Error('policy "BestEffort" is not available for platform "linux"');
  throw new Error(`unknown policy: ${JSON.stringify(name)}`);
}

/** What is wrong with reservations, in upstream's words. @throws QuantityError */
export function reservedMemoryProblems(reservations: readonly MemoryReservation[]): string[] {
  const seen = new Set<string>();
  return reservations.flatMap(({ numaNode, limits }) =>
    Object.entries(limits).flatMap(([type, text]) => {
      const where = `for NUMA node ${numaNode} and resource "${type}"`;
      const isDouble = seen.has(where);
      seen.add(where);
      return [
        !isMemory(type) &&
          `the limit type "${type}" for NUMA node ${numaNode} is not supported, only [memory hugepages-<HugePageSize>] is accepted`,
        Quantity.parse(text).isZero() && `reserved memory may not be zero ${where}`,
        isDouble && `the reserved memory has a duplicate value ${where}`,
      ].filter((problem) => problem !== false);
    }),
  );
}

/** `0:memory=1Gi,hugepages-2Mi=4Mi;1:memory=2Gi`. @throws Error in upstream's words, QuantityError */
export function parseReservedMemory(text: string): MemoryReservation[] {
  if (text === '') return [];
  return text.split(';').map((part) => {
    const [node = '', list, ...more] = part.split(':');
    if (list === undefined || more.length > 0) {
      const expected = 'expected numaNodeID:type=quantity[,type=quantity...]';
      throw new Error(`the reserved memory has incorrect format, ${expected}, got ${part}`);
    }
    if (!/^[+-]?\d+$/.test(node)) throw new Error(`failed to convert the NUMA node ID, expected integer, got ${node}`);
    return { numaNode: Number(node), limits: Object.fromEntries(list.split(',').map(limitOf)) };
  });
}

function limitOf(text: string): [type: string, amount: string] {
  const [type = '', amount, ...more] = text.split('=');
  if (amount === undefined || more.length > 0) {
    throw new Error(`the reserved limit has incorrect value, expected type=quantity, got ${text}`);
  }
  if (!isMemory(type)) throw new Error(`memory type conversion error, unknown type: ${JSON.stringify(type)}`);
  return [type, Quantity.parse(amount).toString()];
}
