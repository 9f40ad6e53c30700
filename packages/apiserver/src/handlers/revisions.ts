/** resourceVersions as clients send them. */
import { badRequest, StatusError, timeout } from '@keelson/api/errors';
import { quote } from '@keelson/api/field';

/** '' is 0. @throws StatusError 500: upstream does not take a garbled revision for the client's fault */
export function parseResourceVersion(text: string): number {
  if (text === '') return 0;
  if (!/^\d+$/.test(text)) throw new StatusError(500, '', complaint(text, 'invalid syntax'));
  if (BigInt(text) > 0xffff_ffff_ffff_ffffn) throw new StatusError(500, '', complaint(text, 'value out of range'));
  return Number(text);
}

/** The same for lists, which blame the client. @throws StatusError 400 */
export function parseListResourceVersion(text: string): number {
  try {
    return parseResourceVersion(text);
  } catch (error) {
    throw badRequest(`invalid resource version: ${(error as Error).message}`);
  }
}

function complaint(text: string, why: string): string {
  return `resourceVersion: Invalid value: ${quote(text)}: strconv.ParseUint: parsing ${quote(text)}: ${why}`;
}

/**
 * 504: the client knows a revision that this server has not seen yet.
 * @param retryAfterSeconds 0: nothing is said of when
 */
export function resourceVersionTooLarge(wanted: number, current: number, retryAfterSeconds = 1): StatusError {
  const error = timeout(`Too large resource version: ${wanted}, current: ${current}`, retryAfterSeconds);
  return new StatusError(error.code, error.reason, error.message, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    ...(retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  });
}
