/**
 * Text to tree, by recursive descent (the grammar of the CEL language definition, with optional syntax). Macros are expanded as they
 * are met. The first thing out of place ends the parse: syntax/diagnose then says what is wrong in the words that clients know.
 */
import type { Expr, FieldInit, MapEntry } from './ast.ts';
import { BINARY, OP } from './ast.ts';
import { diagnose } from './diagnose.ts';
import { type Token, type TokenType, tokenize } from './lexer.ts';
import { LiteralError, parseDouble, parseInt64, parseUint64, unquote, unquoteBytes } from './literals.ts';
import { type Macro, MacroError, macroKey, TreeBuilder } from './macro.ts';
import { codePoints, type Issue } from './source.ts';

/** Code points. */
const MAX_SIZE = 100_000;
/** Nested expressions. */
const MAX_DEPTH = 250;
const RESERVED = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
);

class SyntaxProblem extends Error {
  override readonly name = 'SyntaxProblem';
}

class TooDeep extends Error {
  override readonly name = 'TooDeep';

  /** @param within brackets, or else in a chain of operators */
  constructor(within: boolean) {
    super(within ? `expression recursion limit exceeded: ${MAX_DEPTH}` : 'max recursion depth exceeded');
  }
}

/** The tree, or what is wrong with the text. */
export type Parsed = { readonly expr: Expr; readonly issues?: undefined } | { readonly issues: readonly Issue[] };

/** @param macros by `macroKey` */
export function parse(text: string, macros: ReadonlyMap<string, Macro>): Parsed {
  const size = codePoints(text);
  if (size > MAX_SIZE) {
    const message = `expression code point size exceeds limit: size: ${size}, limit ${MAX_SIZE}`;
    return { issues: [{ offset: -1, message }] };
  }
  const { tokens, issues, skipped } = tokenize(text);
  const parser = new Parser(tokens, macros);
  try {
    const expr = parser.parse();
    const all = [...issues, ...parser.issues];
    return all.length > 0 ? { issues: all } : { expr };
  } catch (error) {
    if (error instanceof SyntaxProblem)
      return { issues: [...issues, ...parser.issues, ...diagnose(text, tokens, skipped)] };
    if (!(error instanceof TooDeep)) throw error;
    return { issues: [...issues, { offset: -1, message: error.message }] };
  }
}

class Parser {
  /** Reserved names, literals out of range, misused macros: the text is in order, what it says is not. */
  readonly issues: Issue[] = [];
  readonly #tokens: readonly Token[];
  readonly #macros: ReadonlyMap<string, Macro>;
  #at = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], macros: ReadonlyMap<string, Macro>) {
    this.#tokens = tokens;
    this.#macros = macros;
  }

  parse(): Expr {
    const expr = this.#expression();
    this.#expect('EOF');
    return expr;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  #take(type: TokenType): Token | undefined {
    const token = this.#token;
    if (token.type !== type) return undefined;
    this.#at++;
    return token;
  }

  #expect(type: TokenType): Token {
    const token = this.#take(type);
    if (!token) throw new SyntaxProblem();
    return token;
  }

  #expression(): Expr {
    if (++this.#depth > MAX_DEPTH) throw new TooDeep(true);
    const condition = this.#chain('||', OP.or, () => this.#chain('&&', OP.and, () => this.#binary(1)));
    const mark = this.#take("'?'");
    if (!mark) {
      this.#depth--;
      return condition;
    }
    const whenTrue = this.#chain('||', OP.or, () => this.#chain('&&', OP.and, () => this.#binary(1)));
    this.#expect("':'");
    const whenFalse = this.#expression();
    this.#depth--;
    return this.#call(mark.offset, OP.conditional, undefined, [condition, whenTrue, whenFalse]);
  }

  /** `a && b && c` as a balanced tree: a long chain is not a deep one. */
  #chain(operator: string, name: string, operand: () => Expr): Expr {
    const terms = [operand()];
    const offsets: number[] = [];
    for (let mark = this.#take(`'${operator}'`); mark; mark = this.#take(`'${operator}'`)) {
      offsets.push(mark.offset);
      terms.push(operand());
    }
    const balance = (low: number, high: number): Expr => {
      if (low > high) return terms[low]!;
      const middle = (low + high + 1) >> 1;
      const args = [balance(low, middle - 1), balance(middle + 1, high)];
      return { kind: 'call', offset: offsets[middle]!, name, target: undefined, args };
    };
    return balance(0, offsets.length - 1);
  }

  #binary(minimum: number): Expr {
    let left = this.#unary();
    let length = 0;
    while (true) {
      const operator = BINARY.get(this.#token.text);
      const token = this.#token;
      if (!operator || operator.precedence < minimum || !token.type.startsWith("'")) return left;
      if (++length > MAX_DEPTH) throw new TooDeep(false);
      this.#at++;
      const right = this.#binary(operator.precedence + 1);
      left = this.#call(token.offset, operator.name, undefined, [left, right]);
    }
  }

  #unary(): Expr {
    const first = this.#token;
    if (first.type !== "'!'" && first.type !== "'-'") return this.#member();
    const next = this.#tokens[this.#at + 1]!.type;
    if (first.type === "'-'" && (next === 'NUM_INT' || next === 'NUM_FLOAT')) return this.#member();
    let count = 0;
    while (this.#take(first.type)) count++;
    const operand = this.#member();
    if (count % 2 === 0) return operand;
    return this.#call(first.offset, first.type === "'!'" ? OP.not : OP.negate, undefined, [operand]);
  }

  #member(): Expr {
    let operand = this.#primary();
    let length = 0;
    while (true) {
      const mark = this.#token;
      if (mark.type === "'.'") operand = this.#selection(operand, mark);
      else if (mark.type === "'['") operand = this.#index(operand, mark);
      else return operand;
      if (++length > MAX_DEPTH) throw new TooDeep(false);
    }
  }

  #selection(operand: Expr, dot: Token): Expr {
    this.#at++;
    const optional = this.#take("'?'") !== undefined;
    const name = this.#take('ESC_IDENTIFIER') ?? this.#expect('IDENTIFIER');
    const open = this.#token;
    if (!optional && name.type === 'IDENTIFIER' && this.#take("'('")) {
      return this.#call(open.offset, name.text, operand, this.#arguments());
    }
    const field = this.#fieldName(name);
    if (!optional) return { kind: 'select', offset: dot.offset, operand, field, test: false };
    const literal: Expr = { kind: 'literal', offset: name.offset, value: field };
    return { kind: 'call', offset: dot.offset, name: OP.optionalSelect, target: undefined, args: [operand, literal] };
  }

  #fieldName(name: Token): string {
    if (name.type === 'IDENTIFIER') return name.text;
    this.#problem(name.offset, "unsupported syntax: '`'");
    return name.text.slice(1, -1);
  }

  #index(operand: Expr, mark: Token): Expr {
    this.#at++;
    const name = this.#take("'?'") ? OP.optionalIndex : OP.index;
    const index = this.#expression();
    this.#expect("']'");
    return this.#call(mark.offset, name, undefined, [operand, index]);
  }

  #arguments(): Expr[] {
    const args: Expr[] = [];
    if (this.#take("')'")) return args;
    do args.push(this.#expression());
    while (this.#take("','"));
    this.#expect("')'");
    return args;
  }

  #primary(): Expr {
    const token = this.#token;
    switch (token.type) {
      case "'('": {
        this.#at++;
        const inner = this.#expression();
        this.#expect("')'");
        return inner;
      }
      case "'['":
        return this.#list();
      case "'{'":
        return this.#map();
      case "'.'":
      case 'IDENTIFIER':
        return this.#name();
      default:
        return this.#literal();
    }
  }

  #name(): Expr {
    const start = this.#token;
    const dot = this.#take("'.'") ? '.' : '';
    const first = this.#expect('IDENTIFIER');
    const struct = this.#structName(first);
    if (struct !== undefined) return this.#struct(dot + struct);
    const open = this.#token;
    if (RESERVED.has(first.text)) {
      this.#problem(start.offset, `reserved identifier: ${first.text}`);
      if (this.#take("'('")) this.#arguments();
      return { kind: 'literal', offset: first.offset, value: null };
    }
    if (this.#take("'('")) return this.#call(open.offset, dot + first.text, undefined, this.#arguments());
    return { kind: 'ident', offset: first.offset, name: dot + first.text };
  }

  /** `a.b.C` where a brace follows; then the parser stands before the brace. */
  #structName(first: Token): string | undefined {
    let [name, ahead] = [first.text, this.#at];
    while (this.#tokens[ahead]!.type === "'.'" && this.#tokens[ahead + 1]!.type === 'IDENTIFIER') {
      name += `.${this.#tokens[ahead + 1]!.text}`;
      ahead += 2;
    }
    if (this.#tokens[ahead]!.type !== "'{'") return undefined;
    this.#at = ahead;
    return name;
  }

  #struct(name: string): Expr {
    const open = this.#expect("'{'");
    const fields: FieldInit[] = [];
    this.#elements("'}'", () => {
      const optional = this.#take("'?'") !== undefined;
      const field = this.#fieldName(this.#take('ESC_IDENTIFIER') ?? this.#expect('IDENTIFIER'));
      const colon = this.#expect("':'");
      fields.push({ offset: colon.offset, name: field, value: this.#expression(), optional });
    });
    return { kind: 'struct', offset: open.offset, name, fields };
  }

  #list(): Expr {
    const open = this.#expect("'['");
    const elements: Expr[] = [];
    const optional = new Set<number>();
    this.#elements("']'", () => {
      if (this.#take("'?'")) optional.add(elements.length);
      elements.push(this.#expression());
    });
    return { kind: 'list', offset: open.offset, elements, optional };
  }

  #map(): Expr {
    const open = this.#expect("'{'");
    const entries: MapEntry[] = [];
    this.#elements("'}'", () => {
      const optional = this.#take("'?'") !== undefined;
      const key = this.#expression();
      const colon = this.#expect("':'");
      entries.push({ offset: colon.offset, key, value: this.#expression(), optional });
    });
    return { kind: 'map', offset: open.offset, entries };
  }

  /** What stands between commas up to a bracket; a comma may follow the last, or stand alone. */
  #elements(close: TokenType, element: () => void): void {
    if (this.#token.type === "','") this.#at++;
    else if (this.#token.type !== close) {
      element();
      while (this.#take("','") && this.#token.type !== close) element();
    }
    this.#expect(close);
  }

  #literal(): Expr {
    const start = this.#token;
    const sign = this.#take("'-'") ? '-' : '';
    const token = this.#token;
    this.#at++;
    try {
      return { kind: 'literal', offset: start.offset, value: literalValue(token, sign) };
    } catch (error) {
      if (!(error instanceof LiteralError)) throw error;
      this.#problem(start.offset, error.message);
      return { kind: 'literal', offset: start.offset, value: null };
    }
  }

  #call(offset: number, name: string, target: Expr | undefined, args: readonly Expr[]): Expr {
    const member = target !== undefined;
    const macro =
      this.#macros.get(macroKey(name, args.length, member)) ?? this.#macros.get(macroKey(name, '*', member));
    try {
      const expanded = macro?.expand(new TreeBuilder(offset), args, target);
      return expanded ?? { kind: 'call', offset, name, target, args };
    } catch (error) {
      if (!(error instanceof MacroError)) throw error;
      this.#problem(error.offset ?? offset, error.message);
      return { kind: 'literal', offset, value: null };
    }
  }

  #problem(offset: number, message: string): void {
    this.issues.push({ offset, message });
  }
}

function literalValue(token: Token, sign: string) {
  if (sign !== '' && token.type !== 'NUM_INT' && token.type !== 'NUM_FLOAT') throw new SyntaxProblem();
  switch (token.type) {
    case 'NUM_INT':
      return parseInt64(sign + token.text);
    case 'NUM_UINT':
      return parseUint64(token.text);
    case 'NUM_FLOAT':
      return parseDouble(sign + token.text);
    case 'STRING':
      return unquote(token.text);
    case 'BYTES':
      return unquoteBytes(token.text);
    case "'true'":
      return true;
    case "'false'":
      return false;
    case "'null'":
      return null;
    default:
      throw new SyntaxProblem();
  }
}
