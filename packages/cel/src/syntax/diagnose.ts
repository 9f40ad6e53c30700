/**
 * What is wrong with a text that the parser does not accept, in the words of the ANTLR parser of cel-go: the text is parsed again along the
 * grammar, and after each problem by ANTLR's way of going on (DefaultErrorStrategy): leave out a token, put one in, or skip to what may
 * follow. Slow, and only for wrong texts.
 */
import { EPSILON, type Node, type Rule, START, type State, TOKEN_ORDER } from './grammar.ts';
import type { Skipped, Token } from './lexer.ts';
import { type Context, decisionTokens, nextTokens, nextTokensIn, predict } from './predict.ts';
import type { Issue } from './source.ts';

const MAX_RECOVERIES = 30;
const MAX_ISSUES = 100;
/** Tokens skipped after one problem. */
const MAX_SKIPPED = 256;
/** Tokens that are looked at; what is wrong later is not told. */
const MAX_TOKENS = 2000;

/** Rules within themselves. */
const MAX_DEPTH = 250;
const TOO_DEEP: Issue = { offset: -1, message: `expression recursion limit exceeded: ${MAX_DEPTH}` };

/** The rule cannot go on: its caller does, behind what could not be read. */
class Stuck extends Error {
  override readonly name = 'Stuck';
  readonly at: number;

  /** @param at index of the token that the message is told at */
  constructor(message: string, at: number) {
    super(message);
    this.at = at;
  }
}

/** Too much is wrong. */
class GiveUp extends Error {
  override readonly name = 'GiveUp';
}

/**
 * @param tokens of the text, the last of them EOF
 * @param skipped what is no token
 */
export function diagnose(text: string, tokens: readonly Token[], skipped: readonly Skipped[]): Issue[] {
  const last = tokens.at(-1)!;
  const read = tokens.length > MAX_TOKENS ? [...tokens.slice(0, MAX_TOKENS), last] : tokens;
  const diagnosis = new Diagnosis(text, read, skipped);
  try {
    diagnosis.rule(START, 0, undefined);
  } catch (error) {
    if (error instanceof RangeError) diagnosis.issues.push(TOO_DEEP);
    else if (!(error instanceof GiveUp)) throw error;
  }
  return diagnosis.issues;
}

class Diagnosis {
  readonly issues: Issue[] = [];
  readonly #text: string;
  readonly #tokens: readonly Token[];
  readonly #skipped: readonly Skipped[];
  readonly #types: readonly string[];
  #at = 0;
  #state: State = START.start;
  #context: Context | undefined;
  #precedence = 0;
  /** A problem was told and nothing has been read since: more of it is not told. */
  #recovering = false;
  #recoveries = 0;
  #lastErrorAt = -1;
  readonly #lastErrorStates = new Set<State>();
  readonly #depths = new Map<Rule, number>();

  constructor(text: string, tokens: readonly Token[], skipped: readonly Skipped[]) {
    this.#text = text;
    this.#skipped = skipped;
    this.#tokens = tokens;
    this.#types = tokens.map((token) => token.type);
  }

  rule(rule: Rule, precedence: number, follow: State | undefined): void {
    const [outerContext, outerPrecedence] = [this.#context, this.#precedence];
    const depth = (this.#depths.get(rule) ?? 0) + 1;
    if (depth > MAX_DEPTH) {
      this.issues.push(TOO_DEEP);
      throw new GiveUp();
    }
    this.#depths.set(rule, depth);
    if (follow) this.#context = { follow, parent: outerContext };
    this.#precedence = precedence;
    try {
      this.#node(rule.body);
    } catch (error) {
      if (!(error instanceof Stuck)) throw error;
      this.#report(error.message, error.at);
      this.#recover();
    } finally {
      this.#depths.set(rule, depth - 1);
      this.#context = outerContext;
      this.#precedence = outerPrecedence;
    }
  }

  #node(node: Node): void {
    switch (node.kind) {
      case 'token':
        this.#match(node.enter, node.tokens);
        return;
      case 'rule': {
        const [call] = node.enter.transitions;
        this.#state = node.enter;
        this.rule(node.rule, node.precedence, call!.target);
        return;
      }
      case 'precedence':
        return;
      case 'sequence':
        for (const part of node.parts) this.#node(part);
        return;
      case 'choice':
        this.#choice(node);
        return;
      case 'loop':
        this.#loop(node);
    }
  }

  #choice(node: Node & { kind: 'choice' }): void {
    this.#sync(node.enter);
    const alternative = node.alternatives[this.#decide(node.enter, node.optional) - 1];
    if (alternative) this.#node(alternative);
  }

  #loop(node: Node & { kind: 'loop' }): void {
    const decision = node.least === 1 ? node.back : node.enter;
    this.#sync(node.enter);
    if (node.least === 1) {
      this.#node(node.body);
      this.#sync(node.back);
    }
    while (this.#decide(decision, true) === 1) {
      this.#node(node.body);
      this.#sync(node.back);
    }
  }

  /** Which alternative comes, from 1. @param optional one that is none is the last */
  #decide(decision: State, optional: boolean): number {
    this.#state = decision;
    const sets = decisionTokens(decision);
    if (sets) {
      const found = sets.findIndex((tokens) => tokens.has(this.#type()));
      if (found >= 0) return found + 1;
      if (optional) return sets.length;
      throw this.#noAlternative(this.#at);
    }
    const prediction = predict(decision, this.#types, this.#at, this.#precedence);
    if ('failedAt' in prediction) throw this.#noAlternative(prediction.failedAt);
    return prediction.alternative;
  }

  #noAlternative(failedAt: number): Stuck {
    const start = this.#tokens[this.#at]!;
    const end = this.#tokens[Math.min(failedAt, this.#tokens.length - 1)]!;
    const input = start.type === 'EOF' ? '<EOF>' : this.#between(start.offset, this.#endOf(end));
    const reserved = /^.(true|false|null)$/.exec(input);
    if (reserved) return new Stuck(`mismatched input '${reserved[1]}' expecting IDENTIFIER`, failedAt);
    return new Stuck(`no viable alternative at input '${escaped(input)}'`, failedAt);
  }

  /** The text between two places without what is no token. */
  #between(start: number, end: number): string {
    let [text, at] = ['', start];
    for (const { offset, length } of this.#skipped) {
      if (offset < at || offset >= end) continue;
      text += this.#text.slice(at, offset);
      at = offset + length;
    }
    return text + this.#text.slice(at, Math.max(at, end));
  }

  /** Behind a token; of EOF, behind the last token and the space after it. */
  #endOf(token: Token): number {
    if (token.type !== 'EOF') return token.offset + token.text.length;
    const last = this.#tokens.at(-2)!;
    const end = last.offset + last.text.length;
    return end + /^\s*/.exec(this.#text.slice(end))![0].length;
  }

  #type(ahead = 0): string {
    return this.#types[Math.min(this.#at + ahead, this.#types.length - 1)]!;
  }

  #consume(): void {
    if (this.#at < this.#tokens.length - 1) this.#at++;
  }

  #match(state: State, tokens: ReadonlySet<string>): void {
    this.#state = state;
    if (tokens.has(this.#type())) {
      this.#recovering = false;
      this.#consume();
      return;
    }
    this.#countRecovery();
    if (this.#leaveOut()) {
      this.#consume();
      return;
    }
    const [transition] = state.transitions;
    if (nextTokensIn(transition!.target, this.#context).has(this.#type())) {
      this.#report(`missing ${this.#expected()} at ${this.#shown()}`, this.#at);
      return;
    }
    throw this.#mismatch();
  }

  #mismatch(): Stuck {
    return new Stuck(`mismatched input ${this.#shown()} expecting ${this.#expected()}`, this.#at);
  }

  /** Before a decision: whether anything that comes now makes sense. */
  #sync(state: State): void {
    this.#state = state;
    if (this.#recovering) return;
    const tokens = nextTokens(state);
    if (tokens.has(EPSILON) || tokens.has(this.#type())) return;
    if (state.type !== 'loopBack') {
      if (!this.#leaveOut()) throw this.#mismatch();
      return;
    }
    this.#report(`extraneous input ${this.#shown()} expecting ${this.#expected()}`, this.#at);
    this.#skipTo(new Set([...this.#expectedTokens(), ...this.#recoverySet()]));
  }

  /** Leaves the current token out if the next is one that is expected. */
  #leaveOut(): boolean {
    if (!this.#expectedTokens().has(this.#type(1))) return false;
    this.#report(`extraneous input ${this.#shown()} expecting ${this.#expected()}`, this.#at);
    this.#consume();
    this.#recovering = false;
    return true;
  }

  #recover(): void {
    this.#countRecovery();
    if (this.#lastErrorAt === this.#at && this.#lastErrorStates.has(this.#state)) this.#consume();
    this.#lastErrorAt = this.#at;
    this.#lastErrorStates.add(this.#state);
    const before = this.#at;
    this.#skipTo(this.#recoverySet());
    if (this.#at - before < MAX_SKIPPED) return;
    this.issues.push({ offset: -1, message: `error recovery token lookahead limit exceeded: ${MAX_SKIPPED}` });
    throw new GiveUp();
  }

  #countRecovery(): void {
    if (this.#recoveries++ < MAX_RECOVERIES) return;
    this.#tell(`error recovery attempt limit exceeded: ${MAX_RECOVERIES}`, this.#at);
    throw new GiveUp();
  }

  #skipTo(tokens: ReadonlySet<string>): void {
    while (this.#type() !== 'EOF' && !tokens.has(this.#type())) this.#consume();
  }

  /** What may follow the rules that are being read. */
  #recoverySet(): Set<string> {
    const tokens = new Set<string>();
    for (let at = this.#context; at; at = at.parent) for (const token of nextTokens(at.follow)) tokens.add(token);
    tokens.delete(EPSILON);
    return tokens;
  }

  #expectedTokens(): Set<string> {
    const tokens = new Set(nextTokens(this.#state));
    for (let at = this.#context; at && tokens.delete(EPSILON); at = at.parent) {
      for (const token of nextTokens(at.follow)) tokens.add(token);
    }
    if (tokens.delete(EPSILON)) tokens.add('EOF');
    return tokens;
  }

  #expected(): string {
    const tokens = this.#expectedTokens();
    const names = TOKEN_ORDER.filter((name) => tokens.has(name)).map((name) => (name === 'EOF' ? '<EOF>' : name));
    return names.length === 1 ? names[0]! : `{${names.join(', ')}}`;
  }

  #shown(): string {
    return `'${escaped(this.#tokens[this.#at]!.text)}'`;
  }

  #report(message: string, at: number): void {
    if (this.#recovering) return;
    this.#recovering = true;
    this.#tell(message, at);
  }

  #tell(message: string, at: number): void {
    const { offset } = this.#tokens[Math.min(at, this.#tokens.length - 1)]!;
    if (this.issues.length >= MAX_ISSUES) {
      this.issues.push({ offset, message: `Syntax error: More than ${MAX_ISSUES} syntax errors` });
      throw new GiveUp();
    }
    this.issues.push({ offset, message: `Syntax error: ${message}` });
  }
}

function escaped(text: string): string {
  return text.replaceAll('\n', '\\n').replaceAll('\r', '\\r').replaceAll('\t', '\\t');
}
