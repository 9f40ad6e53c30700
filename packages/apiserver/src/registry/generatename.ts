/** Names made from generateName (apiserver/pkg/storage/names). */
import { type GroupResource, qualified, StatusError } from '@keelson/api/errors';

/** Letters and digits that make no words and are not mistaken for each other. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const SUFFIX_LENGTH = 5;
const MAX_BASE_LENGTH = 58;

/** How often a name that is taken is made anew. */
export const GENERATE_NAME_ATTEMPTS = 8;

/** @param random in [0, 1) */
export function generateName(base: string, random: () => number): string {
  return base.slice(0, MAX_BASE_LENGTH) + nameSuffix(random);
}

export function nameSuffix(random: () => number): string {
  return Array.from({ length: SUFFIX_LENGTH }, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join('');
}

export function generateNameConflict(gr: GroupResource, name: string): StatusError {
  return new StatusError(
    409,
    'AlreadyExists',
    `${qualified(gr)} "${name}" already exists, the server was not able to generate a unique name for the object`,
    { name, ...(gr.group === '' ? {} : { group: gr.group }), kind: gr.resource, retryAfterSeconds: 1 },
  );
}
