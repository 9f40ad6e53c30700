/** The first document of a YAML stream as a tree of nodes (YAML 1.1 as libyaml reads it). */
import { type Place, YamlError } from './cursor.ts';
import { type Token, type TokenType, YamlScanner } from './scanner.ts';

export interface ScalarNode extends Place {
  readonly kind: 'scalar';
  readonly value: string;
  /** In full, `tag:yaml.org,2002:int`; empty if there is none. */
  readonly tag: string;
  /** Whether the value says what type it is. */
  readonly plain: boolean;
}
export interface SequenceNode extends Place {
  readonly kind: 'sequence';
  readonly items: YamlNode[];
}
export interface MappingNode extends Place {
  readonly kind: 'mapping';
  readonly entries: (readonly [key: YamlNode, value: YamlNode])[];
}
export interface AliasNode extends Place {
  readonly kind: 'alias';
  readonly name: string;
  readonly target: YamlNode;
}
export type YamlNode = ScalarNode | SequenceNode | MappingNode | AliasNode;

/**
 * Undefined for a stream without documents.
 * @throws YamlError
 */
export function parseYaml(text: string): YamlNode | undefined {
  try {
    return new Parser(text).document();
  } catch (error) {
    // The call stack has its limit before libyaml's is reached.
    if (error instanceof RangeError) throw new YamlError('exceeded max depth of 10000');
    throw error;
  }
}

const DEFAULT_HANDLES: readonly (readonly [string, string])[] = [
  ['!', '!'],
  ['!!', 'tag:yaml.org,2002:'],
];
/** After `-`, `?` or `:`, what means that nothing stands there. */
const NO_ENTRY: readonly TokenType[] = ['-', 'block end'];
const NO_INDENTLESS_ENTRY: readonly TokenType[] = ['-', '?', ':', 'block end'];
const NO_BLOCK_VALUE: readonly TokenType[] = ['?', ':', 'block end'];

class Parser {
  readonly #scanner: YamlScanner;
  readonly #anchors = new Map<string, YamlNode>();
  readonly #handles = new Map<string, string>();

  constructor(text: string) {
    this.#scanner = new YamlScanner(text);
  }

  document(): YamlNode | undefined {
    const first = this.#scanner.peek();
    if (first.type === 'stream end') return undefined;
    this.#directives();
    const token = this.#scanner.peek();
    if (token.type === 'document start') this.#scanner.take();
    else if (token !== first) throw problem('did not find expected <document start>', token);
    const next = this.#scanner.peek();
    const isEmpty = ['version directive', 'tag directive', 'document start', 'document end', 'stream end'];
    const root = token.type === 'document start' && isEmpty.includes(next.type) ? empty(next) : this.#node(true, false);
    this.#scanner.peek();
    return root;
  }

  #directives(): void {
    let hasVersion = false;
    for (let token = this.#scanner.peek(); ; token = this.#scanner.peek()) {
      if (token.type === 'version directive') {
        if (hasVersion) throw problem('found duplicate %YAML directive', token);
        if (token.value !== '1.1') throw problem('found incompatible YAML document', token);
        hasVersion = true;
      } else if (token.type === 'tag directive') {
        if (this.#handles.has(token.value)) throw problem('found duplicate %TAG directive', token);
        this.#handles.set(token.value, token.suffix);
      } else break;
      this.#scanner.take();
    }
    for (const [handle, prefix] of DEFAULT_HANDLES) if (!this.#handles.has(handle)) this.#handles.set(handle, prefix);
  }

  #node(inBlock: boolean, mayBeIndentless: boolean): YamlNode {
    const start = this.#scanner.peek();
    if (start.type === 'alias') return this.#alias();
    let anchor: Token | undefined;
    let tag: Token | undefined;
    for (let token = start; ; token = this.#scanner.peek()) {
      if (token.type === 'anchor' && !anchor) anchor = token;
      else if (token.type === 'tag' && !tag) tag = token;
      else break;
      this.#scanner.take();
    }
    const node = this.#content(start, tag && this.#fullTag(tag), anchor, inBlock, mayBeIndentless);
    // A collection is known by its anchor before it is read: it may contain itself.
    if (node.kind === 'scalar' && anchor) this.#anchors.set(anchor.value, node);
    return node;
  }

  #alias(): AliasNode {
    const token = this.#scanner.take();
    const { value: name } = token;
    const target = this.#anchors.get(name);
    if (!target)
      throw new YamlError(`unknown anchor '${name}' referenced`, placeOf(token), 'unknown anchor referenced');
    return { kind: 'alias', ...placeOf(token), name, target };
  }

  #fullTag(tag: Token): string {
    if (tag.value === '') return tag.suffix;
    const prefix = this.#handles.get(tag.value);
    if (prefix === undefined) throw problem('found undefined tag handle', tag);
    return prefix + tag.suffix;
  }

  #content(
    start: Token,
    tag: string | undefined,
    anchor: Token | undefined,
    inBlock: boolean,
    mayBeIndentless: boolean,
  ): YamlNode {
    const token = this.#scanner.peek();
    const { line, column } = placeOf(start);
    const collection = <T extends SequenceNode | MappingNode>(node: T): T => {
      if (anchor) this.#anchors.set(anchor.value, node);
      return node;
    };
    if (mayBeIndentless && token.type === '-')
      return this.#indentlessSequence(collection({ kind: 'sequence', line, column, items: [] }));
    if (token.type === 'scalar') {
      this.#scanner.take();
      const plain = (tag === undefined && token.suffix === 'plain') || tag === '!';
      return { kind: 'scalar', line, column, value: token.value, tag: tag ?? '', plain };
    }
    if (token.type === '[') return this.#flowSequence(collection({ kind: 'sequence', line, column, items: [] }));
    if (token.type === '{') return this.#flowMapping(collection({ kind: 'mapping', line, column, entries: [] }));
    if (inBlock && token.type === 'block sequence')
      return this.#blockSequence(collection({ kind: 'sequence', line, column, items: [] }));
    if (inBlock && token.type === 'block mapping')
      return this.#blockMapping(collection({ kind: 'mapping', line, column, entries: [] }));
    if (anchor || tag !== undefined)
      return { kind: 'scalar', line, column, value: '', tag: tag ?? '', plain: tag === undefined };
    throw problem('did not find expected node content', token);
  }

  #blockSequence(node: SequenceNode): SequenceNode {
    this.#scanner.take();
    for (;;) {
      const token = this.#scanner.peek();
      if (token.type === '-') node.items.push(this.#blockValue(NO_ENTRY, false));
      else if (token.type === 'block end') {
        this.#scanner.take();
        return node;
      } else throw problem("did not find expected '-' indicator", token);
    }
  }
  /** Entries at the column of the mapping whose value the sequence is. */
  #indentlessSequence(node: SequenceNode): SequenceNode {
    while (this.#scanner.peek().type === '-') node.items.push(this.#blockValue(NO_INDENTLESS_ENTRY, false));
    return node;
  }
  /** Past a `-`, `?` or `:`, and what stands behind it. */
  #blockValue(none: readonly TokenType[], mayBeIndentless: boolean): YamlNode {
    const sign = this.#scanner.take();
    return none.includes(this.#scanner.peek().type) ? emptyBehind(sign) : this.#node(true, mayBeIndentless);
  }

  #blockMapping(node: MappingNode): MappingNode {
    this.#scanner.take();
    for (;;) {
      const token = this.#scanner.peek();
      if (token.type === 'block end') {
        this.#scanner.take();
        return node;
      }
      if (token.type !== '?') throw problem('did not find expected key', token);
      const key = this.#blockValue(NO_BLOCK_VALUE, true);
      const colon = this.#scanner.peek();
      node.entries.push([key, colon.type === ':' ? this.#blockValue(NO_BLOCK_VALUE, true) : empty(colon)]);
    }
  }

  #flowSequence(node: SequenceNode): SequenceNode {
    this.#scanner.take();
    for (let isFirst = true; this.#scanner.peek().type !== ']'; isFirst = false) {
      if (!isFirst) this.#comma("did not find expected ',' or ']'");
      const token = this.#scanner.peek();
      if (token.type === '?') node.items.push(this.#flowPair());
      else if (token.type !== ']') node.items.push(this.#node(false, false));
      else break;
    }
    this.#scanner.take();
    return node;
  }
  /** `[a: b]`: a mapping of one entry. */
  #flowPair(): MappingNode {
    const place = placeOf(this.#scanner.take());
    const token = this.#scanner.peek();
    const isEmpty = token.type === ':' || token.type === ',' || token.type === ']';
    // Upstream drops the token behind an empty key, the `:` too.
    const key = isEmpty ? emptyBehind(this.#scanner.take()) : this.#node(false, false);
    return { kind: 'mapping', ...place, entries: [[key, this.#flowValue(']')]] };
  }

  #flowMapping(node: MappingNode): MappingNode {
    this.#scanner.take();
    for (let isFirst = true; this.#scanner.peek().type !== '}'; isFirst = false) {
      if (!isFirst) this.#comma("did not find expected ',' or '}'");
      const token = this.#scanner.peek();
      if (token.type === '?') {
        this.#scanner.take();
        const next = this.#scanner.peek();
        const isEmpty = next.type === ':' || next.type === ',' || next.type === '}';
        const key = isEmpty ? empty(next) : this.#node(false, false);
        node.entries.push([key, this.#flowValue('}')]);
      } else if (token.type !== '}') {
        const key = this.#node(false, false);
        node.entries.push([key, empty(this.#scanner.peek())]);
      } else break;
    }
    this.#scanner.take();
    return node;
  }
  #flowValue(close: ']' | '}'): YamlNode {
    const colon = this.#scanner.peek();
    if (colon.type !== ':') return empty(colon);
    this.#scanner.take();
    const token = this.#scanner.peek();
    return token.type === ',' || token.type === close ? empty(token) : this.#node(false, false);
  }
  #comma(message: string): void {
    const token = this.#scanner.peek();
    if (token.type !== ',') throw problem(message, token);
    this.#scanner.take();
  }
}

/** A value that is left out. @param line from 0 */
function empty({ line: start, column }: Token, line = start): ScalarNode {
  return { kind: 'scalar', line: line + 1, column: column + 1, value: '', tag: '', plain: true };
}
const emptyBehind = (token: Token) => empty(token, token.endLine);

const placeOf = ({ line, column }: Token): Place => ({ line: line + 1, column: column + 1 });

/** An error of parsing tells the line before, since upstream forgets that it counts from 0. */
function problem(message: string, token: Token): YamlError {
  return YamlError.at(message, token.line, placeOf(token));
}
