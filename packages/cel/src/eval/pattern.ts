/** Patterns in Go's syntax, matched in linear time. */
import { RE2JS } from 're2js';
import { failure } from './errors.ts';
import { work } from './limits.ts';

const MAX_KEPT = 256;
const kept = new Map<string, RE2JS>();

/** @throws EvaluationError for a text that is no pattern */
export function compilePattern(text: string): RE2JS {
  const known = kept.get(text);
  if (known) return known;
  let pattern: RE2JS;
  try {
    pattern = RE2JS.compile(text);
  } catch (error) {
    throw failure(goMessage((error as Error).message));
  }
  if (kept.size >= MAX_KEPT) kept.delete(kept.keys().next().value!);
  kept.set(text, pattern);
  return pattern;
}

/** Go always ends with the part in question, though there be none. */
function goMessage(message: string): string {
  return message.endsWith('`') ? message : `${message}: \`\``;
}

/** Whether a pattern matches anywhere in a text. @throws EvaluationError for a text that is no pattern */
export function matches(text: string, pattern: string): boolean {
  return matcherOf(compilePattern(pattern), text).find();
}

/** A matcher of a text. Each of its characters may meet each instruction of the pattern. @throws BudgetExceeded */
export function matcherOf(pattern: RE2JS, text: string): ReturnType<RE2JS['matcher']> {
  work(text.length * pattern.programSize());
  return pattern.matcher(text);
}
