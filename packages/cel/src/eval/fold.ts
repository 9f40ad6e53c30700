/** Folds over lists and maps, which the macros become (cel-go interpreter/interpretable.go evalFold). */
import { attempt } from './dispatch.ts';
import { EvaluationError, failure } from './errors.ts';
import type { Frame, Step } from './frame.ts';
import { goType } from './go-type.ts';
import { GrowingList, GrowingMap } from './operators.ts';
import { ArrayList, isList, isMap, type Value } from './values.ts';

interface FoldParts {
  /** Slots of the accumulator and of the iteration variables. */
  readonly accumulator: number;
  readonly first: number;
  readonly second: number;
  /** With two variables the first is the index or the key. */
  readonly two: boolean;
  readonly range: Step;
  readonly condition: Step;
  readonly step: Step;
  readonly result: Step;
}

/** An error of a step is what the accumulator is then; what uses it may absorb it. */
export function runFold({ accumulator, first, second, two, range, condition, step, result }: FoldParts): Step {
  /** False where the fold is to end. */
  const once = (frame: Frame): boolean => {
    // A condition that has no value does not end a fold.
    if (attempt(condition, frame) === false) return false;
    frame.slots[accumulator] = attempt(step, frame);
    return true;
  };
  return (frame) => {
    const over = range(frame);
    const { slots } = frame;
    slots[accumulator] = undefined;
    if (isList(over)) {
      let index = 0n;
      for (const item of over) {
        slots[first] = two ? index++ : item;
        slots[second] = item;
        if (!once(frame)) break;
      }
    } else if (isMap(over)) {
      for (const key of over.keys()) {
        slots[first] = key;
        if (two) slots[second] = over.find(key);
        if (!once(frame)) break;
      }
    } else {
      const name = goType(over);
      throw failure(two ? `unsupported comprehension range type: ${name}` : `got '${name}', expected iterable type`);
    }
    const value = result(frame);
    return value instanceof GrowingList ? new ArrayList(value.items) : value;
  };
}

/**
 * Reads an accumulator. Its first value is evaluated at its first use: `cel.bind` relies on that.
 * @param hidden no expression names the accumulator: an empty list or map grows in place
 */
export function readAccumulator(slot: number, init: Step, hidden: boolean): Step {
  return (frame) => {
    let value = frame.slots[slot];
    if (value === undefined) {
      value = start(init, hidden, frame);
      frame.slots[slot] = value;
    }
    if (value instanceof EvaluationError) throw value;
    return value;
  };
}

function start(init: Step, hidden: boolean, frame: Frame): Value | EvaluationError {
  const value = attempt(init, frame);
  if (!hidden || value instanceof EvaluationError) return value;
  if (isList(value) && value.size === 0) return new GrowingList();
  return isMap(value) && value.size === 0 ? new GrowingMap() : value;
}
