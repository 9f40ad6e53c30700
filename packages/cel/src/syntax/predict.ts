/** Looking ahead in the grammar, as ANTLR does: which tokens can come, and which alternative they speak for. */
import { EPSILON, type Rule, type State, type Transition } from './grammar.ts';

/** Who called a rule, from the inside out: what follows each call. */
export interface Context {
  readonly follow: State;
  readonly parent: Context | undefined;
}

/** Tokens that can come from a state on, with EPSILON where the end of its rule is reached. */
export function nextTokens(state: State): ReadonlySet<string> {
  let tokens = known.get(state);
  if (!tokens) {
    tokens = look(state, undefined, 'stop');
    known.set(state, tokens);
  }
  return tokens;
}

const known = new Map<State, ReadonlySet<string>>();

/** The same with what follows in the rules that called; EOF at the end of all. */
export function nextTokensIn(state: State, context: Context | undefined): ReadonlySet<string> {
  return look(state, context, 'context');
}

type AtEnd = 'stop' | 'context' | 'everywhere';

function look(state: State, context: Context | undefined, atEnd: AtEnd): Set<string> {
  const tokens = new Set<string>();
  const seen = new Map<State, Set<Context | undefined>>();
  const visit = (at: State, stack: Context | undefined, called: ReadonlySet<Rule>): void => {
    const stacks = seen.get(at) ?? new Set();
    if (stacks.has(stack)) return;
    seen.set(at, stacks.add(stack));
    if (at.type === 'stop') {
      if (stack) visit(stack.follow, stack.parent, without(called, at.rule));
      else if (atEnd === 'stop') tokens.add(EPSILON);
      else if (atEnd === 'context') tokens.add('EOF');
      else for (const caller of at.rule.callers) visit(caller.follow, undefined, called);
      return;
    }
    for (const transition of at.transitions) {
      if (transition.kind === 'token') for (const token of transition.tokens) tokens.add(token);
      else if (transition.kind !== 'rule') visit(transition.target, stack, called);
      else if (!called.has(transition.rule)) {
        const next = { follow: transition.target, parent: stack };
        visit(transition.rule.start, next, new Set([...called, transition.rule]));
      }
    }
  };
  visit(state, context, new Set());
  return tokens;
}

function without(rules: ReadonlySet<Rule>, rule: Rule): ReadonlySet<Rule> {
  return new Set([...rules].filter((other) => other !== rule));
}

/** What each alternative of a decision can begin with, or undefined where one token does not decide. */
export function decisionTokens(decision: State): readonly ReadonlySet<string>[] | undefined {
  if (!decisions.has(decision)) decisions.set(decision, disjoint(decision));
  return decisions.get(decision);
}

const decisions = new Map<State, readonly ReadonlySet<string>[] | undefined>();

function disjoint(decision: State): readonly ReadonlySet<string>[] | undefined {
  const sets = decision.transitions.map((transition) => look(transition.target, undefined, 'everywhere'));
  const all = new Set(sets.flatMap((tokens) => [...tokens]));
  const count = sets.reduce((sum, tokens) => sum + tokens.size, 0);
  return all.size === count && !decision.transitions.some(beginsWithPrecedence) ? sets : undefined;
}

function beginsWithPrecedence({ target }: Transition): boolean {
  return target.transitions.some(
    (transition) =>
      transition.kind === 'precedence' || (transition.kind === 'epsilon' && beginsWithPrecedence(transition)),
  );
}

/** One way in which the tokens so far can be read. */
interface Configuration {
  readonly alternative: number;
  readonly state: State;
  readonly stack: Context | undefined;
  /** The rule of the decision has come to its end on this way. */
  readonly left: boolean;
}

/** The alternative that tokens speak for; or at which token none is left. */
export type Prediction = { readonly alternative: number } | { readonly failedAt: number };

/**
 * Follows all alternatives at once until one is left.
 * @param precedence how tightly operators must bind to go on in the loop of the rule
 */
export function predict(decision: State, tokens: readonly string[], at: number, precedence: number): Prediction {
  const starts = decision.transitions.map((transition, i): Configuration => {
    return { alternative: i + 1, state: transition.target, stack: undefined, left: false };
  });
  let configurations = closure(starts, decision.rule, precedence);
  for (let ahead = at; ; ahead++) {
    const token = tokens[Math.min(ahead, tokens.length - 1)]!;
    const reached = configurations.flatMap((from) => step(from, token));
    if (reached.length === 0) {
      const finished = configurations.filter(({ left, state, stack }) => left || (state.type === 'stop' && !stack));
      if (finished.length > 0) return { alternative: Math.min(...finished.map((c) => c.alternative)) };
      return { failedAt: ahead };
    }
    const alternatives = new Set(reached.map((c) => c.alternative));
    if (alternatives.size === 1 || token === 'EOF') return { alternative: Math.min(...alternatives) };
    configurations = closure(reached, decision.rule, undefined);
  }
}

function step({ alternative, state, stack, left }: Configuration, token: string): Configuration[] {
  return state.transitions.flatMap((transition) =>
    transition.kind === 'token' && transition.tokens.has(token)
      ? [{ alternative, state: transition.target, stack, left }]
      : [],
  );
}

/** All that can be reached without a token. @param precedence undefined once a token has been taken */
function closure(from: readonly Configuration[], rule: Rule, precedence: number | undefined): Configuration[] {
  const all: Configuration[] = [];
  const seen = new Map<State, Set<string>>();
  const visit = (configuration: Configuration): void => {
    const { alternative, state, stack, left } = configuration;
    const key = `${alternative}:${left}:${describe(stack)}`;
    const keys = seen.get(state) ?? new Set();
    if (keys.has(key)) return;
    seen.set(state, keys.add(key));
    all.push(configuration);
    if (state.type === 'stop') {
      if (stack) visit({ alternative, state: stack.follow, stack: stack.parent, left });
      else {
        for (const { follow, tail } of state.rule.callers) {
          if (tail && state.rule === rule && precedence !== undefined) continue;
          visit({ alternative, state: follow, stack: undefined, left: true });
        }
        if (state.rule === rule) all.push({ ...configuration, left: true });
      }
      return;
    }
    for (const transition of state.transitions) {
      if (transition.kind === 'epsilon') visit({ alternative, state: transition.target, stack, left });
      else if (transition.kind === 'rule') {
        const next = { follow: transition.target, parent: stack };
        if (depth(next) < MAX_DEPTH) visit({ alternative, state: transition.rule.start, stack: next, left });
      } else if (transition.kind === 'precedence') {
        const counts = precedence !== undefined && !stack && !left && state.rule === rule;
        if (!counts || transition.precedence >= precedence)
          visit({ alternative, state: transition.target, stack, left });
      }
    }
  };
  from.forEach(visit);
  return all;
}

/** No text of a valid size nests rules so deep without a token. */
const MAX_DEPTH = 4096;

const ids = new WeakMap<State, number>();
let lastId = 0;

function describe(stack: Context | undefined): string {
  let text = '';
  for (let at = stack; at; at = at.parent) {
    let id = ids.get(at.follow);
    if (id === undefined) {
      id = ++lastId;
      ids.set(at.follow, id);
    }
    text += `${id},`;
  }
  return text;
}

function depth(stack: Context | undefined): number {
  let count = 0;
  for (let at = stack; at; at = at.parent) count++;
  return count;
}
