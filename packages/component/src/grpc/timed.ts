import { codeOf } from './errors.ts';

/**
 * Makes a call, and tells how it ended and after how many seconds, as metrics count calls.
 * @param now milliseconds of a clock that never goes backwards. @throws what the call throws
 */
export async function timedCall<T>(
  now: () => number,
  told: (code: string, seconds: number) => void,
  call: () => Promise<T>,
): Promise<T> {
  const startedAt = now();
  const tell = (code: string) => told(code, (now() - startedAt) / 1000);
  try {
    const result = await call();
    tell('OK');
    return result;
  } catch (error) {
    tell(codeOf(error));
    throw error;
  }
}
