import { expect, it } from 'vitest';
import { canDeal, deal, flowHash } from './dealer.ts';

/** Deals from a deck that is really there. */
function dealtFromDeck(hash: bigint, deckSize: number, handSize: number): number[] {
  const deck = Array.from({ length: deckSize }, (_, i) => i);
  let rest = hash;
  return Array.from({ length: handSize }, () => {
    const left = BigInt(deck.length);
    const [card] = deck.splice(Number(rest % left), 1);
    rest /= left;
    return card!;
  });
}

it.each([
  [64, 6],
  [128, 6],
  [16, 4],
  [8, 8],
  [1, 1],
])('%i cards, hands of %i', (deckSize, handSize) => {
  for (let i = 0; i < 500; i++) {
    const hash = flowHash('schema', `flow ${i}`);
    const hand = deal(hash, deckSize, handSize);
    expect(hand).toEqual(dealtFromDeck(hash, deckSize, handSize));
    expect(new Set(hand).size).toBe(handSize);
  }
});

it('each card is dealt about as often as any other', () => {
  const counts = new Array<number>(64).fill(0);
  for (let i = 0; i < 8000; i++) for (const card of deal(flowHash('s', String(i)), 64, 6)) counts[card]!++;
  expect(Math.min(...counts)).toBeGreaterThan(750 * 0.8);
  expect(Math.max(...counts)).toBeLessThan(750 * 1.2);
});

it('a flow has the hash that other servers give it', () => {
  // The first eight bytes of the SHA-256 of "a\0b", the lowest first.
  expect(flowHash('a', 'b').toString(16)).toBe('d3b1bc1bae71b259');
});

it.each([
  [64, 6, true],
  [512, 6, true],
  [1024, 6, true],
  [1025, 6, false],
  [4, 5, false],
  [0, 1, false],
  [2 ** 27, 1, false],
])('a deck of %i deals hands of %i: %s', (deckSize, handSize, expected) => {
  expect(canDeal(deckSize, handSize)).toBe(expected);
});
