/**
 * Shuffle sharding: each flow is dealt a hand of queues out of a deck, by its hash, so that two flows seldom share all of
 * theirs (apiserver/pkg/util/shufflesharding).
 */
import { createHash } from 'node:crypto';

/** Bits of a hash that may be used up, so that the last card is still dealt about evenly. */
const MAX_HASH_BITS = 60;
const MAX_DECK = 2 ** 26;

/** Whether hands of that size can be dealt from such a deck. */
export function canDeal(deckSize: number, handSize: number): boolean {
  if (deckSize <= 0 || handSize <= 0 || handSize > deckSize || deckSize > MAX_DECK) return false;
  return Math.ceil(Math.log2(deckSize) * handSize) <= MAX_HASH_BITS;
}

/** 64 bits by which a flow is known: the same in every server. */
export function flowHash(schema: string, distinguisher: string): bigint {
  return createHash('sha256').update(`${schema}\0${distinguisher}`).digest().readBigUInt64LE(0);
}

/** @returns `handSize` different numbers in [0, deckSize) */
export function deal(hash: bigint, deckSize: number, handSize: number): number[] {
  const drawn: number[] = [];
  let rest = hash;
  for (let i = 0; i < handSize; i++) {
    const left = BigInt(deckSize - i);
    drawn.push(Number(rest % left));
    rest /= left;
  }
  // Each draw counts only the cards still in the deck: it moves past those drawn before it, the latest first.
  return drawn.map((draw, i) => {
    let card = draw;
    for (let j = i - 1; j >= 0; j--) if (card >= drawn[j]!) card++;
    return card;
  });
}
