/** Selectors of devices (k8s.io/dynamic-resource-allocation/cel/compile.go). */

import type { DeviceAttribute, DeviceCapacity } from '@keelson/api/generated/types/resource/v1';
import { compile, type Program } from '../compile.ts';
import { EvaluationError } from '../eval/errors.ts';
import { type MapValue, type Value, ValueMap } from '../eval/values.ts';
import { BINDINGS } from '../library/comprehensions.ts';
import { environment } from '../library/kubernetes.ts';
import { parseQuantity, parseSemver, QuantityType } from '../library/quantity.ts';
import { BOOL, mapOf, object, opaque, STRING, withMaxElements } from '../types/declared.ts';
import { AnyType, describeType } from '../types/type.ts';

/** Units that a selector may cost. */
export const SELECTOR_MAX_COST = 1_000_000;
const MAX_DOMAIN = 63;
const MAX_ID = 32;
const MAX_DRIVER = 63;
const MAX_VALUE = 64;
const MAX_ENTRIES = 32;

const domain = withMaxElements(STRING, MAX_DOMAIN);
const id = withMaxElements(STRING, MAX_ID);
const byDomain = (type: typeof AnyType | typeof QuantityType, max: number) =>
  mapOf(domain, mapOf(id, opaque(type, max), MAX_ENTRIES), MAX_ENTRIES);

const ENVIRONMENT = environment(BINDINGS, {
  variables: {
    device: object('kubernetes.DRADevice', {
      driver: withMaxElements(STRING, MAX_DRIVER),
      allowMultipleAllocations: withMaxElements(BOOL, 1),
      attributes: byDomain(AnyType, MAX_VALUE),
      capacity: byDomain(QuantityType, 0),
    }),
  },
});

/** A selector does not compile; the message says why. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
}

export interface DeviceInput {
  /** Also the domain of attributes and capacities that name none. */
  readonly driver: string;
  readonly allowMultipleAllocations?: boolean;
  readonly attributes?: Readonly<Record<string, DeviceAttribute>>;
  readonly capacity?: Readonly<Record<string, DeviceCapacity>>;
}

export interface DeviceSelector {
  /** What it can cost at most. */
  readonly maxCost: number;
  /** @throws EvaluationError, BudgetExceeded */
  matches(device: DeviceInput): boolean;
}

/** @throws SelectorError */
export function compileSelector(expression: string): DeviceSelector {
  const compiled = compile(ENVIRONMENT, expression);
  if (compiled.issues) throw new SelectorError(`compilation failed: ${compiled.issues.message}`);
  const { kind } = compiled.type;
  if (kind !== 'bool' && kind !== 'any') {
    throw new SelectorError(`must evaluate to bool or the unknown type, not ${describeType(compiled.type)}`);
  }
  const program = instantiate(() => compiled.program());
  return { maxCost: compiled.cost(sizeOf).max, matches: (device) => evaluate(program, device) };
}

function instantiate(make: () => Program): Program {
  try {
    return make();
  } catch (error) {
    if (error instanceof EvaluationError) throw new SelectorError(`program instantiation failed: ${error.message}`);
    throw error;
  }
}

/** Attributes have their longest value whatever their names are. */
function sizeOf([variable, field, , attribute, ...more]: readonly string[]) {
  const isAttribute = variable === 'device' && field === 'attributes' && attribute !== undefined && more.length === 0;
  return isAttribute && attribute !== '@keys' ? { min: 0, max: MAX_VALUE } : undefined;
}

function evaluate(program: Program, device: DeviceInput): boolean {
  const { driver, allowMultipleAllocations = false, attributes = {}, capacity = {} } = device;
  const { value } = program.evaluate(
    {
      device: new ValueMap([
        ['driver', driver],
        ['allowMultipleAllocations', allowMultipleAllocations],
        ['attributes', grouped(driver, attributes, attributeValue)],
        ['capacity', grouped(driver, capacity, (entry) => parseQuantity(String(entry.value)))],
      ]),
    },
    { budget: SELECTOR_MAX_COST },
  );
  if (typeof value !== 'boolean') throw new EvaluationError('CEL result could not be converted to bool');
  return value;
}

function attributeValue({ int, bool, string, version }: DeviceAttribute): Value {
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  if (version !== undefined) return parseSemver(version);
  throw new EvaluationError('unsupported attribute value');
}

/** Entries by domain, then by name. A domain without entries is an empty map. */
function grouped<T>(driver: string, entries: Readonly<Record<string, T>>, toValue: (entry: T) => Value): MapValue {
  const domains = new Map<string, ValueMap>();
  for (const [name, entry] of Object.entries(entries)) {
    const slash = name.indexOf('/');
    const key = slash < 0 ? driver : name.slice(0, slash);
    const inDomain = domains.get(key) ?? new ValueMap();
    domains.set(key, inDomain);
    inDomain.set(name.slice(slash + 1), toValue(entry));
  }
  return new DefaultMap([...domains]);
}

class DefaultMap extends ValueMap {
  override find(key: Value): Value | undefined {
    return super.find(key) ?? EMPTY;
  }
}

const EMPTY = new ValueMap();
