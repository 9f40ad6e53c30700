/** The rules by which Kubernetes' libraries cost (k8s.io/apiserver/pkg/cel/library/cost.go). */
import { type CostRange, exactly, plus, scaled, TRAVERSAL, times, UNBOUNDED } from '../cost/range.ts';
import { actualSize, traversal } from '../eval/cost.ts';
import { work } from '../eval/limits.ts';
import { isList, isMap, type Value } from '../eval/values.ts';
import type { FunctionCost } from '../functions.ts';

/** Always the same. */
export function fixedCost(cost: number): FunctionCost {
  return { estimate: () => ({ cost: exactly(cost) }), actual: () => cost };
}

/** Going through the first argument so many times. */
export function textCost(passes = 1): FunctionCost {
  return {
    estimate: ({ args: [text] }) => (text ? { cost: scaled(text.size, TRAVERSAL * passes) } : undefined),
    actual: ([text = null]) => traversal(text, passes),
  };
}

/** Going through the target, whose length the result has. */
export const targetTextCost: FunctionCost = {
  estimate: ({ target }) => target && { cost: scaled(target.size, TRAVERSAL), size: target.size },
  actual: ([text = null]) => traversal(text),
};

/** Comparing each element of a list, or searching a text. */
export const searchCost: FunctionCost = {
  estimate({ target }) {
    if (!target) return undefined;
    const { element } = target;
    if (!element) return { cost: scaled(target.size, TRAVERSAL) };
    const isText = element.type.kind === 'string' || element.type.kind === 'bytes';
    return { cost: times(target.size, plus(exactly(1), isText ? scaled(element.size, TRAVERSAL) : exactly(0))) };
  },
  actual: ([list = null]) => treeCost(list),
};

/** Steps that reading an element takes. */
const STEPS = 5;

/** Of going through all that is in a value. */
function treeCost(value: Value): number {
  if (typeof value === 'string') return Math.floor(Buffer.byteLength(value) * TRAVERSAL);
  if (value instanceof Uint8Array) return Math.floor(value.length * TRAVERSAL);
  if (typeof value !== 'object' || value === null) return 1;
  let cost = 0;
  if (isList(value) || isMap(value)) work(value.size * STEPS);
  if (isList(value)) for (const item of value) cost += treeCost(item);
  else if (isMap(value)) for (const key of value.keys()) cost += treeCost(key) + treeCost(value.find(key)!);
  else return 1;
  return cost;
}

/** Replacing as many, and as long, as there can be. */
export const replaceCost: FunctionCost = {
  estimate({ target, args: [from, to] }) {
    if (!target || !from || !to) return undefined;
    const most = replacedAtMost(target.size.max, from.size.min, to.size.max);
    const least = replacedAtLeast(target.size.min, from.size.max, to.size.min);
    const counts = { min: least.count, max: most.count };
    const size = plus(times(counts, to.size), { min: least.kept, max: most.kept });
    return { cost: scaled(target.size, 2 * TRAVERSAL), size };
  },
  actual: ([text = null]) => traversal(text, 2),
};

function replacedAtMost(text: number, from: number, to: number): { count: number; kept: number } {
  if (from === 0) return { count: Math.min(text + 1, UNBOUNDED), kept: text };
  if (to <= from) return { count: 0, kept: text };
  return { count: Math.ceil(text / from), kept: 0 };
}

function replacedAtLeast(text: number, from: number, to: number): { count: number; kept: number } {
  if (from === 0) return { count: text + 1, kept: text };
  if (from <= to) return { count: 0, kept: text };
  return { count: Math.ceil(text / from), kept: 0 };
}

export const splitCost: FunctionCost = {
  estimate({ target, args: [, limit] }) {
    if (!target) return undefined;
    const max = typeof limit?.literal === 'bigint' ? Number(BigInt.asUintN(64, limit.literal)) : target.size.max;
    return { cost: scaled(target.size, 2 * TRAVERSAL), size: { min: 0, max } };
  },
  actual: ([text = null]) => traversal(text, 2),
};

export const joinCost: FunctionCost = {
  estimate({ target, args: [separator] }) {
    if (!target) return undefined;
    const elements = target.element ? times(target.size, target.element.size) : exactly(0);
    const gaps: CostRange = { min: Math.max(target.size.min - 1, 0), max: Math.max(target.size.max - 1, 0) };
    const size = separator ? plus(elements, times(separator.size, gaps)) : elements;
    return { cost: scaled(size, TRAVERSAL), size };
  },
  ofResult: (result) => traversal(result, 2),
};

const LIST_COST = 10;

/** A new list: a unit, what it takes to make one, and so many units for each of its length. */
export function listCallEstimate(factor: number, size: CostRange) {
  return { cost: plus(scaled(size, factor), exactly(1 + LIST_COST)), size };
}

export function listCallCost(factor: number, size: number): number {
  return Math.floor(size * factor) + 1 + LIST_COST;
}

/** Comparing every element of a list with every other. */
export function selfCompareCost(list: Value): number {
  const size = actualSize(list);
  const first = isList(list) && size > 0 ? list.get(0) : null;
  const isText = typeof first === 'string' || first instanceof Uint8Array;
  return listCallCost(2 + (isText ? TRAVERSAL : 0), size * size);
}

/** The value of an int literal as a length. */
export function literalLength(literal: unknown, otherwise: number): number {
  return typeof literal === 'bigint' ? Math.max(Number(literal), 0) : otherwise;
}
