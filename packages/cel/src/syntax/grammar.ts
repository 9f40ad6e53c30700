/**
 * The grammar of CEL as a network of states, as ANTLR makes it from cel-go's grammar: what wrong texts are told depends on its shape.
 * Left-recursive rules (relation, calc, member) are an operand and a loop; what continues the loop binds at least as tightly as asked.
 */

/** By which token types are written, in the order in which messages list them. */
export const TOKEN_ORDER: readonly string[] = [
  'EOF',
  ...'== != in < <= >= > && || [ ] { } ( ) . , - ! ? : + * / % true false null'.split(' ').map((text) => `'${text}'`),
  ...'NUM_FLOAT NUM_INT NUM_UINT STRING BYTES IDENTIFIER ESC_IDENTIFIER'.split(' '),
];

/** Where the end of a rule is reached and nothing is known of who called it. */
export const EPSILON = 'ε';

export type Transition =
  | { readonly kind: 'epsilon'; readonly target: State }
  | { readonly kind: 'token'; readonly tokens: ReadonlySet<string>; readonly target: State }
  | { readonly kind: 'rule'; readonly rule: Rule; readonly precedence: number; readonly target: State }
  | { readonly kind: 'precedence'; readonly precedence: number; readonly target: State };

export class State {
  /** What missing input means here: a block that must begin, a loop that may go on. */
  readonly type: 'basic' | 'block' | 'loopEntry' | 'loopBack' | 'stop';
  readonly rule: Rule;
  readonly transitions: Transition[] = [];

  constructor(rule: Rule, type: State['type'] = 'basic') {
    this.rule = rule;
    this.type = type;
  }

  to(target: State): void {
    this.transitions.push({ kind: 'epsilon', target });
  }
}

/** What follows a call of a rule, and whether the rule called itself at its end. */
interface Caller {
  readonly follow: State;
  readonly tail: boolean;
}

export class Rule {
  readonly name: string;
  readonly start: State;
  readonly stop: State;
  readonly callers: Caller[] = [];
  body!: Node;

  constructor(name: string) {
    this.name = name;
    this.start = new State(this);
    this.stop = new State(this, 'stop');
  }
}

/** A part of a rule, with its states. */
export type Node =
  | { readonly kind: 'token'; readonly enter: State; readonly tokens: ReadonlySet<string> }
  | { readonly kind: 'rule'; readonly enter: State; readonly rule: Rule; readonly precedence: number }
  | { readonly kind: 'precedence'; readonly enter: State }
  | { readonly kind: 'sequence'; readonly enter: State; readonly parts: readonly Node[] }
  | {
      readonly kind: 'choice';
      readonly enter: State;
      readonly alternatives: readonly Node[];
      readonly optional: boolean;
    }
  | { readonly kind: 'loop'; readonly enter: State; readonly body: Node; readonly back: State; readonly least: 0 | 1 };

type Builder = (rule: Rule, next: State) => Node;

/** `'('`, or a class of tokens; several are one set. */
function token(...names: string[]): Builder {
  const tokens = new Set(names.map((name) => (/^[A-Z]/.test(name) ? name : `'${name}'`)));
  return (rule, next) => {
    const enter = new State(rule);
    enter.transitions.push({ kind: 'token', tokens, target: next });
    return { kind: 'token', enter, tokens };
  };
}

function call(name: keyof typeof RULES, precedence = 0): Builder {
  return (rule, next) => {
    const enter = new State(rule);
    const called = RULES[name];
    enter.transitions.push({ kind: 'rule', rule: called, precedence, target: next });
    called.callers.push({ follow: next, tail: called === rule });
    return { kind: 'rule', enter, rule: called, precedence };
  };
}

/** The loop of a left-recursive rule may go on from here. */
function binds(precedence: number): Builder {
  return (rule, next) => {
    const enter = new State(rule);
    enter.transitions.push({ kind: 'precedence', precedence, target: next });
    return { kind: 'precedence', enter };
  };
}

function sequence(...builders: Builder[]): Builder {
  return (rule, next) => {
    const parts: Node[] = [];
    let follow = next;
    for (const build of builders.toReversed()) {
      const part = build(rule, follow);
      parts.unshift(part);
      follow = part.enter;
    }
    return { kind: 'sequence', enter: follow, parts };
  };
}

function choice(builders: Builder[], optional = false): Builder {
  return (rule, next) => {
    const enter = new State(rule, 'block');
    const end = new State(rule);
    end.to(next);
    const alternatives = builders.map((build) => build(rule, end));
    for (const alternative of alternatives) enter.to(alternative.enter);
    if (optional) enter.to(end);
    return { kind: 'choice', enter, alternatives, optional };
  };
}

const either = (...builders: Builder[]) => choice(builders);
const maybe = (...builders: Builder[]) => choice([sequence(...builders)], true);

function any(...builders: Builder[]): Builder {
  return (rule, next) => {
    const enter = new State(rule, 'loopEntry');
    const back = new State(rule, 'loopBack');
    back.to(enter);
    const body = sequence(...builders)(rule, back);
    enter.to(body.enter);
    enter.to(next);
    return { kind: 'loop', enter, body, back, least: 0 };
  };
}

function some(...builders: Builder[]): Builder {
  return (rule, next) => {
    const enter = new State(rule, 'block');
    const back = new State(rule, 'loopBack');
    const body = sequence(...builders)(rule, back);
    enter.to(body.enter);
    back.to(enter);
    back.to(next);
    return { kind: 'loop', enter, body, back, least: 1 };
  };
}

const NAMES = [
  'start',
  'expr',
  'conditionalOr',
  'conditionalAnd',
  'relation',
  'calc',
  'unary',
  'member',
  'primary',
  'exprList',
  'listInit',
  'fieldInitializerList',
  'optField',
  'mapInitializerList',
  'escapeIdent',
  'optExpr',
  'literal',
] as const;

const RULES = Object.fromEntries(NAMES.map((name) => [name, new Rule(name)])) as Record<(typeof NAMES)[number], Rule>;

const optional = maybe(token('?'));
const entry = (key: Builder) => sequence(key, token(':'), call('expr'));
const listed = (element: Builder) => sequence(element, any(token(','), element));

const BODIES: Record<keyof typeof RULES, Builder> = {
  start: sequence(call('expr'), token('EOF')),
  expr: sequence(call('conditionalOr'), maybe(token('?'), call('conditionalOr'), token(':'), call('expr'))),
  conditionalOr: sequence(call('conditionalAnd'), any(token('||'), call('conditionalAnd'))),
  conditionalAnd: sequence(call('relation'), any(token('&&'), call('relation'))),
  relation: sequence(call('calc'), any(binds(1), token('<', '<=', '>=', '>', '==', '!=', 'in'), call('relation', 2))),
  calc: sequence(
    call('unary'),
    any(
      either(
        sequence(binds(2), token('*', '/', '%'), call('calc', 3)),
        sequence(binds(1), token('+', '-'), call('calc', 2)),
      ),
    ),
  ),
  unary: either(call('member'), sequence(some(token('!')), call('member')), sequence(some(token('-')), call('member'))),
  member: sequence(
    call('primary'),
    any(
      either(
        sequence(binds(3), token('.'), optional, call('escapeIdent')),
        sequence(binds(2), token('.'), token('IDENTIFIER'), token('('), maybe(call('exprList')), token(')')),
        sequence(binds(1), token('['), optional, call('expr'), token(']')),
      ),
    ),
  ),
  primary: either(
    sequence(maybe(token('.')), token('IDENTIFIER')),
    sequence(maybe(token('.')), token('IDENTIFIER'), token('('), maybe(call('exprList')), token(')')),
    sequence(token('('), call('expr'), token(')')),
    sequence(token('['), maybe(call('listInit')), maybe(token(',')), token(']')),
    sequence(token('{'), maybe(call('mapInitializerList')), maybe(token(',')), token('}')),
    sequence(
      maybe(token('.')),
      token('IDENTIFIER'),
      any(token('.'), token('IDENTIFIER')),
      token('{'),
      maybe(call('fieldInitializerList')),
      maybe(token(',')),
      token('}'),
    ),
    call('literal'),
  ),
  exprList: listed(call('expr')),
  listInit: listed(call('optExpr')),
  fieldInitializerList: listed(entry(call('optField'))),
  optField: sequence(optional, call('escapeIdent')),
  mapInitializerList: listed(entry(call('optExpr'))),
  escapeIdent: either(token('IDENTIFIER'), token('ESC_IDENTIFIER')),
  optExpr: sequence(optional, call('expr')),
  literal: either(
    sequence(maybe(token('-')), token('NUM_INT')),
    token('NUM_UINT'),
    sequence(maybe(token('-')), token('NUM_FLOAT')),
    token('STRING'),
    token('BYTES'),
    token('true'),
    token('false'),
    token('null'),
  ),
};

for (const name of NAMES) {
  const rule = RULES[name];
  rule.body = BODIES[name](rule, rule.stop);
  rule.start.to(rule.body.enter);
}

/** The rule of a whole text. */
export const START = RULES.start;
