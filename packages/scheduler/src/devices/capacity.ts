/** Devices that several claims share, each with a part of the capacity (structured/internal/incubating/consumable_capacity.go). */
import type { CapacityRequestPolicy, Device, DeviceCapacity } from '@keelson/api/generated/types/resource/v1';
import { Quantity } from '@keelson/api/quantity';

export type Amounts = ReadonlyMap<string, Quantity>;
export type Asked = Readonly<Record<string, unknown>> | undefined;

/** What a request takes of a device; `undefined` for an amount that the device does not know or does not give. */
export function taken({ capacity = {} }: Device, asked: Asked): Amounts | undefined {
  for (const name of Object.keys(asked ?? {})) if (!capacity[name]) return undefined;
  const amounts = new Map<string, Quantity>();
  for (const [name, each] of Object.entries(capacity)) {
    const amount = amountOf(each, asked?.[name]);
    if (violates(amount, each.requestPolicy)) return undefined;
    amounts.set(name, amount);
  }
  return amounts;
}

/** @param used what others have of the device */
export function fits({ capacity = {} }: Device, amounts: Amounts, used: Amounts | undefined): boolean {
  for (const [name, amount] of amounts) {
    const others = used?.get(name);
    if ((others ? others.add(amount) : amount).cmp(quantity(capacity[name]!.value)) > 0) return false;
  }
  return true;
}

export function plus(a: Amounts | undefined, b: Amounts): Amounts {
  const sum = new Map(a);
  for (const [name, amount] of b) sum.set(name, sum.get(name)?.add(amount) ?? amount);
  return sum;
}

export function minus(a: Amounts, b: Amounts): Amounts {
  const rest = new Map(a);
  for (const [name, amount] of b) rest.set(name, rest.get(name)!.sub(amount));
  return rest;
}

export function quantity(value: unknown): Quantity {
  return Quantity.parse(String(value));
}

/** The amount that was asked for, raised to the next that the device gives. */
function amountOf({ value, requestPolicy }: DeviceCapacity, asked: unknown): Quantity {
  if (asked === undefined) return quantity(requestPolicy?.default ?? value);
  const amount = quantity(asked);
  const { validRange, validValues } = requestPolicy ?? {};
  if (validRange?.min !== undefined) {
    const min = quantity(validRange.min);
    if (amount.cmp(min) < 0) return min;
    if (validRange.step === undefined) return amount;
    const [first, step] = [min.value(), quantity(validRange.step).value()];
    const steps = (amount.value() - first + step - 1n) / step;
    return Quantity.of(first + step * steps, 'BinarySI');
  }
  return validValues?.map(quantity).find((each) => amount.cmp(each) <= 0) ?? amount;
}

function violates(amount: Quantity, policy: CapacityRequestPolicy | undefined): boolean {
  if (!policy || (policy.default !== null && quantity(policy.default).cmp(amount) === 0)) return false;
  const { validRange, validValues = [] } = policy;
  if (validRange) {
    if (validRange.max !== undefined && amount.cmp(quantity(validRange.max)) > 0) return true;
    if (validRange.step === undefined) return false;
    const min = validRange.min === undefined ? 0n : quantity(validRange.min).value();
    return (amount.value() - min) % quantity(validRange.step).value() !== 0n;
  }
  return validValues.length > 0 && !validValues.some((each) => quantity(each).cmp(amount) === 0);
}
